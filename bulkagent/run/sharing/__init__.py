"""Limits of a gateway that are shared with other commands on the same ledger.

What may live here: how limits are divided, which commands count, and how long it was so. What this
folder must not know: what is sent, and how it is held back.
"""
