"""What the network and the gateway said of a group of agents, beside its cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bulkagent.language import mark
from bulkagent.model import Cause
from bulkagent.reports.verdict import Translate, enumerated


def told_of_connections(
    failures: Iterable[tuple[str, Sequence[str]]],
    translate: Translate,
) -> str:
    """What the network said of connections, with the gateways that they were to.

    Args:
        failures: Such as `connection refused`, each with the gateways that it was said of; none
            where they are too many to name.
        translate: Puts a marked sentence into the reader's language.
    """
    told: list[str] = []
    for said, gateways in failures:
        each = mark("connection refused by {gateway}") if said == _REFUSED else _SAID_OF
        names = enumerated(gateways, translate) if gateways else ""
        told.append(translate(each).format(gateway=names, said=said) if names else said)
    return translate(mark("; ")).join(told)


_REFUSED = "connection refused"
_SAID_OF = mark("{gateway}: {said}")


def answered(cause: Cause, retcode: str) -> str:
    """The retcode of agents where the meaning of their cause leaves open which it was; else ""."""
    return retcode if cause in _OF_SEVERAL_RETCODES else ""


_OF_SEVERAL_RETCODES = frozenset(
    {
        *(Cause.BAD_PARAMETER, Cause.NOT_PERMITTED, Cause.GATEWAY_ERROR, Cause.SWITCH_OVER),
        *(Cause.REFUSED, Cause.UNLISTED_RETCODE),
    }
)
