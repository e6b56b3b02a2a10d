"""Plans: rows read from the roster or the ledger, checked, counted and recorded.

What may live here: the request, the plan as people see it, every refusal before the first request,
and the commands that may follow. What this folder must not know: sockets, terminals, and how a plan
is sent.
"""
