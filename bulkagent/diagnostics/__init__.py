"""Diagnostics: does everything that a shift needs work, and what does this site's gateway do.

What may live here: the checks, the probes that they make, and the meaning of what a probe found.
What this folder must not know: how a finding is shown. A check changes nothing. The pilot alone
sets an agent, by two runs like any other.

`probes` come by facts, each with one attempt. `findings` judge facts and are pure. `checks` has the
order of the checks, and which ones are skipped after one that failed. `pilot` sets a test agent.
"""

from bulkagent.diagnostics.checks import CheckRequest, run_checks
from bulkagent.diagnostics.findings import CheckStatus, Finding

__all__ = ["CheckRequest", "CheckStatus", "Finding", "run_checks"]
