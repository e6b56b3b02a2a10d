"""The gates of a run that hands over from one shift to the next.

What may live here: records of the ledger as gates of the engine, and whether agents who were set on
are there. What this folder must not know: how a request is sent, and how a run is judged.
"""
