"""Scenarios: the faults of the emulated gateway, and which request each of them strikes.

What may live here: scenario files, kinds of faults, outages, latency. What this folder must not
know: agents, sockets, clocks. Random numbers and seconds come in as arguments.
"""
