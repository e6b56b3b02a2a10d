"""Sockets, TLS, HTTP/1.1 and the connections of the emulated gateway.

What may live here: listeners, nodes, certificates, polls that are held open, clients that hang up.
What this folder must not know: who starts a gateway.
"""
