"""Benchmarks: commands whose output is their purpose, apart from the tests.

    python -m tests.benchmarks

What may live here: subjects, servers, and the printing of ratios. What this room must not
know: how bulkagent works inside; it is measured as a command, whole.
"""
