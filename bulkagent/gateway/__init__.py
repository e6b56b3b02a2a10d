"""The agent gateway: requests and replies as data, retcodes, faults, and the clients.

What may live here: how an assignment becomes a request, and how a reply or a fault becomes an
attempt with a disposition. What this folder must not know: how often a request is tried, which
other agents are set, where results are kept.

`endpoint` has the address and the TLS of a gateway, `operations`, `query_requests` and
`session_requests` have its interfaces, `reply`, `retcodes` and `faults` read an answer. `client`,
`queries` and `session_client` send one request each over what `network` gives them, which is
`transport` but in a simulation. `credentials` and the modules named after it find the GUID of an
agent.
"""
