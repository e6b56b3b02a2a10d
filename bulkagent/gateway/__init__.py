"""All that knows the agent gateway: requests and replies as data, retcodes, faults, the client.

What may live here: how an assignment becomes a request, and how whatever comes back becomes
an attempt with a disposition. What this room must not know: how often something is tried,
who else is being set, where results are kept. Only `client` awaits.
"""
