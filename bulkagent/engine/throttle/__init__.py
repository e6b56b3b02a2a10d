"""How fast one upstream is asked: circuit breaker, retry budget, adaptive limit, rate, slots.

What may live here: policies and the state that they need. What this folder must not know: items,
workers, retries of one item.
"""
