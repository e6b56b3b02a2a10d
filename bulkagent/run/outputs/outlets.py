"""The files that a run writes while it goes on: its log and its events."""

from __future__ import annotations

from pathlib import Path

from bulkagent.clock import Clock
from bulkagent.run.outputs.events import OutcomeEvents
from bulkagent.run.outputs.log import EventLog


class Outlets:
    """The log and the events of a run; until `open`, neither is written anywhere.

    Args:
        clock: The time of day of the log's events.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.log = EventLog(None, clock)
        self.events: OutcomeEvents | None = None
        """None: nobody wants them."""

    def open(self, run_id: str, *, log_file: Path | None, events: Path | None) -> None:
        """Open what is wanted.

        Raises:
            SettingsRefused: A file cannot be opened.
        """
        self.log = EventLog(log_file, self._clock)
        self.log.run_id = run_id
        if events is not None:
            self.events = OutcomeEvents(events, run_id)

    def close(self) -> None:
        """Write what is left; any number of times."""
        if self.events is not None:
            self.events.close()
        self.log.close()

    @property
    def troubles(self) -> tuple[str, ...]:
        """What kept either from being complete."""
        outlets = (self.log, self.events)
        return tuple(each.trouble for each in outlets if each is not None and each.trouble)

    @property
    def unprinted(self) -> str:
        """Why outcomes did not fit where standard output goes; "" where they did."""
        return self.events.unprinted if self.events is not None else ""
