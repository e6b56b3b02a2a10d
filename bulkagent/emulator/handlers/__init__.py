"""The replies of the emulated gateway's interfaces: one module an interface.

What may live here: a parsed request in, a reply out. What this folder must not know: sockets, and
how a reply is held back.
"""
