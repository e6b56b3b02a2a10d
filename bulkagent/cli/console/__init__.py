"""The terminal and the process: stdout, stderr, questions, signals, the event loop.

What may live here: how text gets to a person or a program, and how a process starts and ends. What
this folder must not know: what any command does.
"""
