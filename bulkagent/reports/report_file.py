"""The report as a whole: a path says the format, the lines fill it, one file comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bulkagent.errors import ReportFailed, SettingsRefused
from bulkagent.files.atomic_file import rehearse, replacing
from bulkagent.files.special_files import FileKind, target_of
from bulkagent.model import Line
from bulkagent.reports.formats import writer_for
from bulkagent.reports.sanitize import printable


def probe(path: Path) -> None:
    """Make sure that a report can be written to the path, before anything is sent.

    Creates and removes a temporary file in its folder; a report that stands there stays.

    Raises:
        SettingsRefused: an unknown suffix, a missing folder, a folder in place of a file, or
            a folder that takes no file; says what to do next.
    """
    writer_for(path)
    probe_place(path, "report")


def probe_place(path: Path, noun: str) -> None:
    """The same, whatever the suffix, of what is called so.

    Raises:
        SettingsRefused: as above.
    """
    shown = printable(str(path))
    folder = printable(str(path.parent))
    advice = ""
    try:
        # A name that is too long, or none at all, fails here; `is_dir` would just say no.
        target = target_of(path)
        folder = printable(str(target.path.parent if path.is_symlink() else path.parent))
        if target.kind is FileKind.ORDINARY and not target.path.parent.is_dir():
            raise SettingsRefused(
                f"there is no folder '{folder}' for the {noun} '{shown}'; "
                "create it, or name another"
            )
        if target.kind is FileKind.ORDINARY:
            advice = f"make '{folder}' writable, or "
        rehearse(path)
    except IsADirectoryError:
        raise SettingsRefused(f"'{shown}' is a folder; name a file in it for the {noun}") from None
    except NotADirectoryError:
        raise SettingsRefused(
            f"there is no folder '{folder}' for the {noun} '{shown}'; create it, or name another"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: the path has a NUL
        raise SettingsRefused(
            f"the {noun} '{shown}' cannot be written: {_reason(error)}; {advice}name another path"
        ) from error


def write(
    path: Path,
    lines: Iterable[Line],
    *,
    extra_columns: Sequence[str],
    run: Mapping[str, object],
) -> int:
    """Write the report of a run, in the format of the path's suffix; the number of lines.

    The lines are read once and never held together, so memory does not grow with them. What
    they raise comes through as it is, but for an OSError, which cannot be told from one of the
    file. Until the last step the path is what it was before.

    Args:
        path: where; a report that stands there is replaced in one step.
        lines: in the order in which they shall stand.
        extra_columns: the names of the roster's own columns, in the order of `Line.extra`;
            a line may have fewer cells, not more.
        run: facts of the run, for the formats that have a place for them (JSON).

    Raises:
        SettingsRefused: no format has the path's suffix.
        ReportFailed: the file cannot be written; names the path and the system's reason.
        ValueError: a line has more cells of its own than `extra_columns` has names.
    """
    writer = writer_for(path)
    try:
        with replacing(path) as out:
            return writer(out, lines, extra_columns, run)
    except OSError as error:
        raise ReportFailed(
            f"the report '{printable(str(path))}' could not be written: {_reason(error)}. The"
            " ledger has all of it; correct that or choose another path, then run `bulkagent"
            " report RUN --to PATH`"
        ) from error


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
