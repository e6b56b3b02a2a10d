"""One thin module a command: what it asks of the library, and what it prints.

What may live here: a function a command, which is given the values of its command line and returns
its exit code, and the conversations that several of them have with a person. What this room must
not know: how a command line is parsed.
"""
