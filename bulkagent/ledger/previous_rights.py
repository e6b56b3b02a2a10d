"""The talk rights of agents before a run changed them, as far as the ledger knows."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.ledger.elapsed import SKEW_MS, LegOrder, OrderedLeg, leg_order
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Status


class AgentAction(msgspec.Struct, frozen=True, gc=False):
    """The action of another run on an agent, or a possible one."""

    sent_at: int
    arguments: str
    certain: bool
    """Whether the gateway said that it took effect."""
    run_id: str


class ChangedRow(msgspec.Struct, frozen=True):
    """A row that a run applied, or may have."""

    row: int
    agent_id: str
    gateway: str
    arguments: str
    extra: tuple[str, ...]
    before: AgentAction | None
    """What was last known of the agent before; None: nothing, or nothing for certain."""
    later: AgentAction | None
    """What a later run did to the agent since."""
    certain: bool = True
    """Whether it is certain that the run changed it."""


def changed_rows(
    record: RunRecord, *, now_ms: int = 0, trusted_ms: int | None = None
) -> Iterator[ChangedRow]:
    """Every row that a run changed or may have changed, in roster order.

    The legs of other runs are gone through from the latest on, and only for agents whose last
    action is not found yet: so it takes no longer the more runs are kept.

    Args:
        record: The run.
        now_ms: Time of day.
        trusted_ms: For how long what was set is relied on; None: for ever.

    Raises:
        LedgerUnavailable: While iterating: the ledger is damaged, or there is no room.
    """
    turns = leg_order(record.database, now_ms)
    with Database(record.database.path) as own, read_as_written(record.database):
        own.define(_KNOWN)
        own.fill(_OWN, [(record.run,)])
        _look_back(own, record.run, turns, trusted_ms)
        decode = msgspec.json.Decoder(tuple[str, ...]).decode
        for row in own.query(_CHANGED, (record.run,)):
            number, agent_id, gateway, arguments, extra, status, *actions = row
            before, later = actions[:4], actions[4:]
            yield ChangedRow(
                number,
                agent_id,
                gateway,
                arguments,
                decode(extra) if extra else (),
                _action(*before) if before[0] is not None else None,
                _action(*later) if later[0] is not None else None,
                status == Status.APPLIED,
            )


def agents_set_at(database: Database, url: str, *, up_to: int) -> int:
    """How many different agents earlier runs have set at a gateway, counted up to a number.

    Args:
        database: The ledger.
        url: The gateway's address, whatever it was called.
        up_to: Counting ends here; at least 1.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    with read_as_written(database):
        ((agents,),) = database.all(_SET_AT, (url, _RUNS_LOOKED_AT, up_to))
    return int(agents)


# A year of mornings sets the same agents again and again; some months of them show how many
# there are, in a few hundredths of a second.
_RUNS_LOOKED_AT = 100

_SET_AT = """
SELECT count(*) FROM (
    SELECT DISTINCT a.agent_id
    FROM (SELECT run, gateway FROM endpoints WHERE url = ? ORDER BY run DESC LIMIT ?) here
    JOIN outcomes o ON o.run = here.run AND o.status = 'applied'
    JOIN assignments a ON a.run = o.run AND a.row = o.row AND a.gateway = here.gateway
    LIMIT ?
)
"""


def _relied_on(turns: LegOrder, leg: OrderedLeg, trusted_ms: int | None) -> int | None:
    """The time from which on what a leg set is relied on; None: nothing of it is.

    A leg that has not ended may have set an agent at any time since it began.
    """
    if trusted_ms is None:
        return 0
    ended_at = leg.started_at if leg.finished_at is None else leg.finished_at
    idle_ms = turns.idle_ms(leg, ended_at)
    if idle_ms is None or (leg.finished_at is not None and idle_ms > trusted_ms):
        return None
    return turns.now_ms - trusted_ms


def _look_back(own: Database, run: int, turns: LegOrder, trusted_ms: int | None) -> None:
    """Take from each leg, from the latest on, its actions on agents without a later one."""
    ((first, last),) = own.all("SELECT min(turn), max(turn) FROM known")
    for leg in turns.latest_first if last is not None else ():
        if leg.run == run:
            continue
        if leg.turn > first and own.all("SELECT 1 FROM known WHERE NOT after LIMIT 1"):
            own.fill(_AFTER, [(leg.run, leg.leg, leg.turn)])
        if leg.turn > last:
            continue
        if not own.all("SELECT 1 FROM known WHERE NOT before LIMIT 1"):
            break
        relied_on = _relied_on(turns, leg, trusted_ms)
        if relied_on is not None:
            ended_at = _NEVER if leg.finished_at is None else leg.finished_at + SKEW_MS
            own.fill(_BEFORE, [(leg.run, leg.leg, leg.turn, relied_on, ended_at)])


def _action(sent_at: int, arguments: str, status: str | None, run_id: str) -> AgentAction:
    return AgentAction(sent_at, arguments, status == Status.APPLIED, run_id)


_NEVER = 1 << 62

# Of each row: its own turn; what was done before and after, each found at the first, and so the
# latest, leg that says so. `doubt` is what requests in doubt would have set since `before`: NULL
# none, "" several things.
_KNOWN = """
CREATE TEMP TABLE known (
    row INTEGER PRIMARY KEY, agent_id TEXT, url TEXT, turn INTEGER, doubt TEXT,
    before INTEGER NOT NULL DEFAULT 0, after INTEGER NOT NULL DEFAULT 0,
    before_at INTEGER, before_arguments TEXT, before_status TEXT, before_run INTEGER,
    after_at INTEGER, after_arguments TEXT, after_status TEXT, after_run INTEGER
)
"""

_OWN = """
INSERT INTO known (row, agent_id, url, turn)
SELECT a.row, a.agent_id, here.url, coalesce(t.turn, 0)
FROM assignments a
JOIN outcomes o ON o.run = a.run AND o.row = a.row
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
LEFT JOIN legs t ON t.run = o.run AND t.leg = abs(o.leg)
WHERE a.run = ? AND coalesce(o.status, 'unknown') IN ('applied', 'unknown')
"""

# Also those of the same gateway under another name; runs that changed nothing have no say. In this
# order, from agents whose last word is open to what one run has of each: SQLite would begin with
# the run, and go through all agents for each of its rows.
_ACTIONS = """
FROM assignments b INDEXED BY assignments_by_agent
CROSS JOIN outcomes p ON p.run = b.run AND p.row = b.row
CROSS JOIN endpoints there ON there.run = b.run AND there.gateway = b.gateway
WHERE b.agent_id = known.agent_id AND b.run = ?1 AND abs(p.leg) = ?2
AND coalesce(p.status, 'unknown') IN ('applied', 'unknown') AND there.url = known.url
"""

_AFTER = f"""
UPDATE known SET after = 1, after_at = p.sent_at, after_arguments = b.arguments,
                 after_status = p.status, after_run = b.run
{_ACTIONS} AND NOT known.after AND known.turn < ?3
"""  # noqa: S608 - of this module's text

# A certain action ends the search; it is the last word where no doubt since would have changed it.
_BEFORE = f"""
UPDATE known SET
    before = coalesce(p.status = 'applied', 0),
    doubt = iif(p.status = 'applied', doubt,
                iif(coalesce(doubt, b.arguments) = b.arguments, b.arguments, '')),
    before_at = iif(p.status = 'applied' AND coalesce(doubt, b.arguments) = b.arguments
                    AND p.sent_at BETWEEN ?4 AND ?5, p.sent_at, NULL),
    before_arguments = b.arguments, before_status = p.status, before_run = b.run
{_ACTIONS} AND NOT known.before AND known.turn > ?3
"""  # noqa: S608 - of this module's text

_CHANGED = """
SELECT a.row, a.agent_id, a.gateway, a.arguments, a.extra, o.status,
       k.before_at, k.before_arguments, k.before_status, before.id,
       k.after_at, k.after_arguments, k.after_status, after.id
FROM known k
JOIN assignments a ON a.run = ?1 AND a.row = k.row
JOIN outcomes o ON o.run = a.run AND o.row = a.row
LEFT JOIN runs before ON before.run = k.before_run
LEFT JOIN runs after ON after.run = k.after_run
ORDER BY k.row
"""
