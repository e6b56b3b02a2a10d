"""The pages that come from the tables of the program: commands.md, settings.md and codes.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from bulkagent.cli.options import rows_of
from bulkagent.explanations import Explanation, explanations
from bulkagent.gateway.retcodes import MEANINGS, Retcode
from bulkagent.model import Cause
from bulkagent.settings.row import Kind, Row, Scope
from bulkagent.settings.table import GATEWAY_ROWS
from tests.command_names import commands, walked
from tests.documents import GUIDE

_SENDING = ("apply", "resume", "revert")

_PLACES: Mapping[Scope, str] = {
    Scope.TOP: "top",
    Scope.RUN: "top, job",
    Scope.BOTH: "top, job, gateway",
    Scope.GATEWAY: "gateway",
}


def settings_page() -> str:
    """Every option of every command."""
    return "".join(_settings())


def _settings() -> Iterator[str]:
    yield _HEAD_OF_SETTINGS
    yield from _of_sending()
    for command in commands():
        if command not in _SENDING:
            yield from _of_command(command)
    yield _FILE_ALONE
    yield from _items([row for row in GATEWAY_ROWS if not row.commands])


def _of_sending() -> Iterator[str]:
    """Those of `apply`, `resume` and `revert`, each once, under the headings of `--help`."""
    rows = list(dict.fromkeys(row for command in _SENDING for row in rows_of(command)))
    order = [group for group, _ in groupby(rows_of("apply"), key=lambda row: row.group)]
    yield "\n## apply, resume and revert\n"
    for group in dict.fromkeys([*order, *(row.group for row in rows)]):
        members = [row for row in rows if row.group is group and not row.is_argument]
        if members:
            yield f"\n### {group.value}\n\n"
            yield from _items(members, among=_SENDING)


def _of_command(command: str) -> Iterator[str]:
    """Its own options, and the names of those that it has in common with `apply`."""
    rows = [row for row in rows_of(command) if not row.is_argument]
    own = [row for row in rows if row not in rows_of("apply")]
    shared = [f"`{row.option}`" for row in rows if row not in own]
    if rows:
        yield f"\n## {command}\n\n"
        yield from _items(own)
        if shared:
            yield f"{'' if not own else chr(10)}As for `apply`: {', '.join(shared)}.\n"


def _items(rows: Iterable[Row], among: tuple[str, ...] = ()) -> Iterator[str]:
    for row in rows:
        only = [command for command in among if row in rows_of(command)]
        parts = [
            f"Only of {' and '.join(f'`{each}`' for each in only)}."
            if only and only != [*among]
            else "",
            row.help,
            _default(row),
            _elsewhere(row),
        ]
        rare = " (`--help-all`)" if row.advanced and row.commands else ""
        yield f"- **`{_name(row)}`**{rare}: {' '.join(part for part in parts if part)}\n"


def _name(row: Row) -> str:
    """As it is typed; a setting of the file alone as it stands there."""
    if not row.commands:
        return row.name
    if row.kind is Kind.PAIR:
        return f"{row.option}, --no-{row.option.removeprefix('--')}"
    value = "" if row.kind is Kind.SWITCH else f" {row.metavar or '|'.join(row.words)}"
    return (f"{row.short}, " if row.short else "") + row.option + value


def _default(row: Row) -> str:
    if row.required:
        return "Required."
    if row.kind is Kind.PAIR:
        return f"Default: {'on' if row.default == 'true' else 'off'}."
    return f"Default: {row.told}." if row.told else ""


def _elsewhere(row: Row) -> str:
    """Where else it may be said: a variable, and the word of the file with its places."""
    variable = f"`{row.variable}`" if row.variable and row.commands else ""
    place = _PLACES.get(row.scope)
    word = f"`{row.name}` ({place})" if place and row.commands else ""
    return "; ".join(part for part in (variable, word) if part) + ("." if variable or word else "")


_HEAD_OF_SETTINGS = """\
# Every option and setting

Each option of each command: its default, its variable, its key in `bulkagent.toml`, its meaning.

<!-- Written by `python -m tests.guide` from the tables of the program. -->

An item has the option, its meaning and its default. Then follow the variable of the environment \
and the key in `bulkagent.toml`, where it has them. In brackets stands where the key may be: at \
the top of the file, in `[jobs.NAME]` (job), in `[gateways.NAME]` (gateway). \
[`bulkagent guide configuration`](configuration.md) says which of them holds. \
`bulkagent config show` says what holds now, and why.

`--help` of a command leaves out the options that are marked (`--help-all`).

A TIME is a number with `ms`, `s`, `m`, `h` or `d`. In the file it is a text.
"""

_FILE_ALONE = """
## Of the file alone

In `[gateways.NAME]`, beside the keys above:

"""


def commands_page() -> str:
    """Every command with its arguments, and the sentence that `bulkagent --help` has for it."""
    told = [(f"`{_typed(name)}`", command.get_short_help_str(_WHOLE)) for name, command in walked()]
    return _HEAD_OF_COMMANDS + "\n".join([*_drawn([("command", "task"), *told]), ""])


def _typed(command: str) -> str:
    arguments = (row.metavar for row in rows_of(command) if row.is_argument)
    return " ".join(("bulkagent", command, *arguments))


_WHOLE = 1_000
"""Longer than any first sentence."""

_HEAD_OF_COMMANDS = """\
# Every command

Every command with its arguments and its task, in a sentence each.

<!-- Written by `python -m tests.guide` from the tables of the program. -->

`bulkagent COMMAND --help` shows the options that are often needed, and `--help-all` shows all. \
[`bulkagent guide settings`](settings.md) has them with their defaults.

"""


def codes_page() -> str:
    """Every code that `bulkagent explain` knows."""
    found = list(explanations())
    ours = [row for row in MEANINGS.values() if row.disposition.cause is not Cause.REFUSED]
    others = [row for row in MEANINGS.values() if row not in ours]
    heads = ("meaning", "to do")
    return "".join(
        [
            _HEAD_OF_CODES,
            _table("Statuses", ("status", *heads), _of(found, "status")),
            _table("Causes", ("cause", *heads), _of(found, "cause")),
            _table("Exit codes", ("exit code", *heads), _of(found, "exit code")),
            _table("Retcodes", ("retcode", "meaning", "ends as", "to do"), _retcodes(ours)),
            _table(
                "Retcodes of other interfaces",
                ("retcode", "meaning"),
                (row[:2] for row in _retcodes(others)),
            ),
            _table("Faults", ("fault", *heads), _of(found, "fault")),
        ]
    )


def _of(found: Iterable[Explanation], kind: str) -> Iterator[tuple[str, ...]]:
    for each in found:
        if each.kind == kind:
            yield f"`{each.code}`", each.meaning, each.advice


def _retcodes(rows: Iterable[Retcode]) -> Iterator[tuple[str, ...]]:
    """A line each; neighbours that say the same have one together."""
    for (meaning, ended, advice), members in groupby(
        rows, key=lambda row: (row.meaning, _end(row), row.advice)
    ):
        first, *others = [row.code for row in members]
        codes = f"`{first}`" + (f" to `{others[-1]}`" if others else "")
        yield codes, meaning, ended, advice


def _end(row: Retcode) -> str:
    """Where a row ends that gets nothing better."""
    cause = row.disposition.cause
    return f"`{row.disposition.status}`" + (f", `{cause}`" if cause else "")


_INTRODUCED: Mapping[str, str] = {
    "Statuses": "Every row of a roster ends in exactly one of these.",
    "Causes": "Why a row is not `applied`.",
    "Exit codes": "What a command ends with. If several hold, the first counts of `1`, `6` after a"
    " take-over, `129`, `130`, `143`, `6`, `5`, `3`, `4`, `0`.",
    "Retcodes": "What the gateway answers. The third column says how a row ends for which nothing"
    " better comes.",
    "Retcodes of other interfaces": "bulkagent never uses these interfaces. A row that gets such a"
    " retcode ends `rejected`, cause `refused`.",
    "Faults": "How an attempt can fail without a retcode. The log names them.",
}


def _table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join([f"\n## {title}\n", f"{_INTRODUCED[title]}\n", *_drawn([heads, *rows]), ""])


def _drawn(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a table, of which the first row is the heads."""
    for at, row in enumerate(rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
        if at == 0:
            yield f"| {' | '.join('---' for _ in row)} |"


_HEAD_OF_CODES = """\
# Every status, cause, exit code and retcode

What each code means and what you do about it; `bulkagent explain CODE` says more of one.

<!-- Written by `python -m tests.guide` from the tables of the program. -->

`bulkagent explain CODE` also says what bulkagent does about a code. It says whether an attempt is \
tried again, and what counts for a halt rule. What a job does with an exit code is in \
[`bulkagent guide batch`](batch.md).
"""


def generated() -> dict[str, str]:
    """Topic -> its page, as it has to be."""
    return {"commands": commands_page(), "settings": settings_page(), "codes": codes_page()}


def write() -> None:
    """Write them anew."""
    for topic, text in generated().items():
        (GUIDE / f"{topic}.md").write_text(text, encoding="utf-8")
