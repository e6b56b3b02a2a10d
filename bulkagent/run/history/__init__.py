"""Runs and agents as the ledger has them, for later queries.

What may live here: facts of the ledger as records, reports and exit codes, and taking old runs out.
What this folder must not know: how a run is planned or sent, and how facts are shown.
"""
