"""Progress of a run for people: the countdown, the live lines, the rate.

What may live here: a run at one moment as lines, and how often they are drawn. What this folder
must not know: how a run is carried out, and how a summary looks.
"""
