"""Which gateways are meant, the clients that speak to them, and where GUIDs come from.

What may live here: names and settings as endpoints, clients and sources of GUIDs. What this folder
must not know: a run, its plan, and what is sent or asked.
"""
