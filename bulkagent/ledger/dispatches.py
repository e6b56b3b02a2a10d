"""Rules about what was dispatched, for all that would send once more."""

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

# A mark is made before the GUID is asked for, which may take as long as a request. The settings of
# one run may be damaged, which is no reason to send nothing in others.
HELD = """
SELECT run, CAST(1000 * max(?3, coalesce(json_extract(whole, '$.timeout_s'), 0))
    * (2 + (coalesce(json_extract(whole, '$.guid_url'), '') <> '')) AS INTEGER) AS ms
FROM (SELECT run, iif(json_valid(settings), settings, NULL) AS whole FROM runs)
"""
"""Of each run, for how long after its mark a request may be at work, in milliseconds.

It is twice the timeout after the request has left: that of its run, or ?3 where that is longer.
"""
