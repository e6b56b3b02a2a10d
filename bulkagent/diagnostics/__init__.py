"""Examining: is everything as it must be before a shift, and what does this site's gateway do.

What may live here: what is looked at, and what each sight means. What this room must not know:
how findings are shown. Nothing is changed by looking; the pilot alone sets an agent, as any run
does.

The flow: `seeing` (facts, each from one attempt), `findings` (facts to verdicts, pure),
`examination` (in which order, and what is not looked at once something before it failed), `pilot`.
"""

from bulkagent.diagnostics.checks import CheckRequest, run_checks
from bulkagent.diagnostics.findings import CheckStatus, Finding

__all__ = ["CheckRequest", "CheckStatus", "Finding", "run_checks"]
