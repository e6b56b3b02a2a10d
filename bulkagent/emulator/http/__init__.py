"""Sockets, TLS, HTTP/1.1 and the connections of the emulated gateway.

What may live here: listeners, nodes, certificates, long polls, clients that hang up. What this
folder must not know: the meaning of any interface, and the program that starts a gateway.
"""
