"""Files that lines are appended to while a run goes on.

What may live here: the log, the events, the thread that writes them, and where reports go. What
this folder must not know: which lines are worth writing, and how a run is carried out.
"""
