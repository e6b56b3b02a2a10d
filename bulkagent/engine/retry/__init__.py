"""When an item is attempted again: the retry policy, waiting retries, polls, timers.

What may live here: decisions about one item and the queues that carry them out. What this folder
must not know: gates, the throttle.
"""
