"""Which groups of items may go: gates, canary, handover, halt rules.

What may live here: conditions on what was done so far. What this folder must not know: how fast
an upstream is asked, when an item is retried.
"""
