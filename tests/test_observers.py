"""Observers as people write them, and the layers that say who they are.

Proves --verify-with, --verify-again-after.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import SettingsRefused
from bulkagent.settings import ConfigFile, Settings, load_config, observer
from bulkagent.settings.observers import Observer
from tests.reports.lines import PROPERTY


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("105:7", Observer("105", "7")),
        (" 105:007 ", Observer("105", "7")),
        ("east/105:7", Observer("105", "7", "east")),
        ("gw.example:8043/105:7", Observer("105", "7", "gw.example:8043")),
    ],
)
def test_agent_and_queue_perhaps_of_a_gateway(text: str, read: Observer) -> None:
    assert observer(text) == read


@pytest.mark.parametrize(
    "text",
    ["", "105", "105:", ":7", "0105:7", "99:7", "1000000:7", "105:x", "a b/105:7", "105:\u0667"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SettingsRefused, match="is not an observer; write agent and skill queue"):
        observer(text)
    with pytest.raises(SettingsRefused):
        Settings(verify_with=(text,))


@PROPERTY
@given(st.from_regex(r"([!-~]{1,12}/)?[1-9][0-9]{2,5}:[0-9]{1,9}", fullmatch=True))
def test_what_is_read_is_written_so_that_it_is_read_again(text: str) -> None:
    read = observer(text)
    assert observer(str(read)) == read


def test_the_file_names_observers_for_real_gateways_alone(tmp_path: Path) -> None:
    path = tmp_path / "bulkagent.toml"
    path.write_text('verify_with = ["105:7", "east/106:8"]\nverify_again_after = "500ms"\n')
    file = load_config(path)
    settings = Settings.resolve({}, file)
    assert (settings.verify_with, settings.verify_again_after_s) == (("105:7", "east/106:8"), 0.5)
    assert Settings.resolve({"verify_with": ()}, file).verify_with == ()
    assert Settings.resolve({}, file, emulated=True).verify_with == ()
    # As JSON keeps it for a resume.
    assert Settings.own_of({**settings.own, "verify_with": ["105:7"]})["verify_with"] == ("105:7",)
    path.write_text('verify_with = ["105"]\n')
    with pytest.raises(
        SettingsRefused, match=r"bulkagent\.toml, line 1, verify_with: '105' is not an"
    ):
        load_config(path)
    assert Settings.resolve({}, ConfigFile(verify_again_after="none")).verify_again_after_s == 0.0
