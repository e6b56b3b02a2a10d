"""Whether what was set shows in the queues of the gateway.

What may live here: the observer of a queue, when it is asked for, and what the answers prove. What
this folder must not know: how a talk right is set, and what follows from a contradiction.
"""
