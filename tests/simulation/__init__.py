"""Whole mornings in virtual time, drawn from a seed, and judged by what the gateways saw."""
