"""When a run starts, whether it can end in time, and what its start needs.

What may live here: the wait, the forecast and the preflight. What this folder must not know: how a
request is sent, and how people are told.
"""
