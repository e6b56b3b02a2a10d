"""Agents whom another run has dispatched since: one rule for all that would send once more."""

from __future__ import annotations

# To be joined with an assignment `a` of the run ?1 and its outcome `o`, if it has one. What came
# after what is known by the turns of the legs, never by clocks; two gateways are one where their
# URLs are.
DISPATCHED_SINCE = """
assignments later
JOIN outcomes dispatched ON dispatched.run = later.run AND dispatched.row = later.row
JOIN endpoints there ON there.run = later.run AND there.gateway = later.gateway
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
WHERE later.agent_id = a.agent_id AND there.url = here.url
AND later.run IN (
    SELECT run FROM legs
    WHERE run <> ?1 AND turn > (SELECT min(turn) FROM legs WHERE run = ?1)
)
AND (SELECT turn FROM legs WHERE run = dispatched.run AND leg = abs(dispatched.leg)) > coalesce(
    (SELECT turn FROM legs WHERE run = o.run AND leg = abs(o.leg)),
    (SELECT min(turn) FROM legs WHERE run = ?1)
)
"""
