"""Records as text for people: plans, summaries, histories, tables.

What may live here: functions from records to text, and the `--json` objects. What this folder must
not know: where text goes, and where records come from.
"""
