"""A shift change as one Airflow task: Airflow 3, bulkagent on the worker's path.

One task runs the whole roster, because bulkagent already spreads, retries and remembers. A task per
agent would lose the ledger. The exit code alone decides what the task does next:

- 0: done.
- 5, 129, 130, 143: stopped by an outage, a deadline or a signal. Airflow tries again, which is safe
  unattended. --or-resume goes on with the same run.
- 3: some agents failed or are unknown, often because they have not signed in yet. Airflow tries
  again. Agents that were set are not set once more.
- 1, 2, 4, 6: never tried again. After 6 a person must look, because a gate, a floor or a halt rule
  has stopped it.
"""

from __future__ import annotations

import datetime as dt
import subprocess

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import dag, task

TRY_AGAIN = frozenset({3, 5, 129, 130, 143})

COMMAND = (
    *("bulkagent", "apply", "/srv/rosters/morning.csv"),
    *("--gateway", "east", "--flag", "1", "--job", "morning"),
    *("--max-agents", "400", "--or-resume", "--yes"),
    *("--progress", "plain", "--note", "airflow morning_shift"),
    *("--report", "/srv/reports/morning.html"),
)


@task(retries=4, retry_delay=dt.timedelta(minutes=3))
def set_shift() -> None:
    """Run it, and let the exit code say whether Airflow may try again."""
    done = subprocess.run(COMMAND, check=False)
    if done.returncode == 0:
        return
    # A negative one is a signal that left no time for an exit code: the ledger knows what was sent.
    if done.returncode in TRY_AGAIN or done.returncode < 0:
        raise AirflowException(f"bulkagent ended with {done.returncode}; the next try goes on")
    raise AirflowFailException(f"bulkagent ended with {done.returncode}: a person must look")


@dag(
    schedule="50 5 * * 1-5",
    start_date=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    catchup=False,
    max_active_runs=1,
)
def morning_shift() -> None:
    """The morning shift comes on."""
    set_shift()


morning_shift()
