"""One leg while it is sent: engine, journal and clients, put together and taken apart again.

What may live here: the bulkheads as the settings want them, what is heard of them, and how far they
are. What this folder must not know: how a leg was planned, and what is done after it.
"""
