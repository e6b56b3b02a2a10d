"""The files of a run: what it reads may not be written over by what it writes."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from bulkagent import reports as report
from bulkagent.errors import SettingsRefused
from bulkagent.files.user_folders import absolute
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.outputs.background_writer import STANDARD_OUTPUT
from bulkagent.run.outputs.report_paths import check_path
from bulkagent.run.plan.request import Request
from bulkagent.settings import files_of, find_config


def refuse_reports(request: Request, gateways: Gateways, ledger: Path) -> None:
    """Refuse reports that cannot be written, or would take the place of what is in use.

    Raises:
        SettingsRefused: One is.
    """
    taken = _in_use(request, gateways, ledger)
    for path in _report_paths(request):
        report.probe(path)
        if any(same_file(path, other) for other in taken):
            raise SettingsRefused(
                f"the report {path} would replace a file that is in use; give another path with"
                " --report"
            )
        taken.append(path)


def refuse_outlets(request: Request, gateways: Gateways, ledger: Path) -> None:
    """Refuse a log, events or metrics that would be written into what is in use.

    Raises:
        SettingsRefused: One would, or has no place.
    """
    taken = [*_in_use(request, gateways, ledger), *_report_paths(request)]
    for path, noun, option in (
        (request.log_file, "log", "--log-file"),
        (request.events, "events file", "--events"),
        (request.metrics_file, "metrics file", "--metrics-file"),
    ):
        if path is None:
            continue
        if any(same_file(path, other) for other in taken):
            raise SettingsRefused(
                f"the {noun} {path} is a file that is in use; give another path with {option}"
            )
        if path != STANDARD_OUTPUT and not path.is_char_device():  # as /dev/null, for several
            taken.append(path)
    if request.metrics_file is not None:
        report.probe_place(request.metrics_file, "metrics file")


def _report_paths(request: Request) -> list[Path]:
    return [check_path(path, request.settings.job) for path in request.reports]


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths are of one file, or will be."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # at least one is not there yet, or can never be
        pass
    try:
        return os.path.realpath(absolute(one)) == os.path.realpath(absolute(other))
    except ValueError:
        return absolute(one) == absolute(other)


def _in_use(request: Request, gateways: Gateways, ledger: Path) -> list[Path]:
    settings = request.settings
    optional = (
        *(request.scenario, request.ca_file, request.client_cert),
        *(*files_of(settings.guids), *settings.protect),
    )
    given = [path for path in optional if path is not None]
    return [Path(request.roster), *given, *gateways.files, ledger, *_configurations(request)]


def _configurations(request: Request) -> list[Path]:
    """The configuration file that was named, and the one that is found without a name."""
    named = dict(itertools.pairwise(request.place)).get("--config")
    return [path for path in (find_config(None), Path(named) if named else None) if path]
