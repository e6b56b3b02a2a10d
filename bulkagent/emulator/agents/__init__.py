"""The agents of the emulated gateway: their sessions, talk rights and records.

What may live here: state and its rules. What this folder must not know: faults, replies, sockets.
The time of a change and the making of GUIDs come in as arguments.
"""
