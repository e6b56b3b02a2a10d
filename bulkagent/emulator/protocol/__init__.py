"""The agent gateway's protocol as its documents have it, and figures about it.

What may live here: routes, requests, replies, agent IDs, limits, counters. What this folder must
not know: any state.
"""
