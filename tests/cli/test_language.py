"""A command in Chinese: by `--language`, its variable, the configuration, or the locale.

Proves `--language`; the guide's "Language".
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import SAMPLES, bulkagent
from tests.cli.test_showing import on_a_terminal

CHINESE = "座席"
APPLY = ("apply", SAMPLES / "evening_shift.csv", "--flag", 0, "--gateway", "emulated")
TROUBLE = ("--scenario", SAMPLES / "scenarios/not_signed_in.toml")


@pytest.mark.parametrize(
    ("words", "surroundings", "file", "chinese"),
    [
        (("--language", "zh"), {}, "", True),
        ((), {"BULKAGENT_LANGUAGE": "zh"}, "", True),
        ((), {}, 'language = "zh"\n', True),
        ((), {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_CN.UTF-8"}, "", True),
        ((), {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "de_DE.UTF-8"}, "", False),
        (("--language", "en"), {"BULKAGENT_LANGUAGE": "zh"}, 'language = "zh"\n', False),
        ((), {"BULKAGENT_LANGUAGE": "en", "LANG": "zh_CN.UTF-8"}, 'language = "zh"\n', False),
        ((), {"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, 'language = "en"\n', False),
    ],
)
def test_the_nearest_that_says_a_language_decides(
    tmp_path: Path,
    words: tuple[str, ...],
    surroundings: dict[str, str],
    file: str,
    *,
    chinese: bool,
) -> None:
    config = tmp_path / "bulkagent.toml"
    config.write_text(file)
    ended = bulkagent(
        tmp_path,
        *("check", SAMPLES / "evening_shift.csv", "--config", config, *words),
        surroundings=surroundings,
    )
    assert ended.code == 0, ended.err
    assert (CHINESE in ended.err) is chinese
    assert ("40 agents would be set" in ended.err) is not chinese


def test_another_language_is_refused(tmp_path: Path) -> None:
    ended = bulkagent(tmp_path, "check", SAMPLES / "evening_shift.csv", "--language", "fr")
    assert ended.code == 2
    assert "--language: 'fr' is not en or zh" in ended.err
    (tmp_path / "b.toml").write_text('language = "fr"\n')
    ended = bulkagent(tmp_path, "check", SAMPLES / "evening_shift.csv", "--config", "b.toml")
    assert ended.code == 2
    assert "b.toml, line 1, language: the language is en or zh, not 'fr'" in ended.err


def test_screen_and_page_are_chinese_and_what_programs_read_is_english(tmp_path: Path) -> None:
    reports = [word for name in ("r.csv", "r.json", "r.html") for word in ("--report", name)]
    told = ("--language", "zh", "--json", "--progress", "none", *reports)
    ended = bulkagent(tmp_path, *APPLY, *TROUBLE, *told)
    assert ended.code == ended.json["exit_code"] == 3
    verdict = "未全部完成 evening_shift 的 40 名座席中 37 名【不再接听】来话，网关 emulated，"
    assert verdict in ended.err
    assert "\n措施    请座席签入，然后继续运行（resume）\n" in ended.err
    assert f"\n下一步  {ended.json['next']}\n" in ended.err
    assert ended.json["causes"] == {"not_signed_in": 3}
    for name in ("r.csv", "r.json"):
        assert CHINESE not in (tmp_path / name).read_text()
    page = (tmp_path / "r.html").read_text()
    assert '<html lang="zh"' in page
    assert CHINESE in page
    recorded = bulkagent(tmp_path, "show", "last", "--json")
    assert recorded.out.isascii()
    assert json.loads(recorded.out)["legs"]


def test_the_question_and_a_refusal_of_it_are_asked_in_chinese(tmp_path: Path) -> None:
    """Nobody is there to ask: the refusal quotes the question."""
    (tmp_path / "r.csv").write_text("agent_id,guid\n1001,aaaaaaaa\n")
    to = ("apply", "r.csv", "--flag", 0, "--gateway", "https://localhost:1", "--language", "zh")
    ended = bulkagent(tmp_path, *to)
    assert ended.code == 2
    assert "1 名座席将停止在 localhost:1 接听来话。" in ended.err
    assert "继续吗" not in ended.err, "nobody is asked"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_cannot_show_it_gets_english(tmp_path: Path, encoding: str) -> None:
    ended = bulkagent(
        tmp_path,
        *(*APPLY, "--language", "zh", "--report", "r.html"),
        surroundings={"PYTHONIOENCODING": encoding},
    )
    assert ended.code == 0, ended.err
    assert "DONE    40 of 40 agents of evening_shift TAKE NO calls on emulated, " in ended.err
    assert "\\u" not in ended.err
    assert "Traceback" not in ended.err
    assert CHINESE in (tmp_path / "r.html").read_text(), "a page is UTF-8 wherever it is read"


def test_the_command_alone_is_chinese_where_the_locale_is(tmp_path: Path) -> None:
    ended = bulkagent(tmp_path, surroundings={"LC_ALL": "zh_CN.UTF-8"})
    assert ended.code == 2
    assert "先输入：" in ended.err
    assert "\n  bulkagent guide start\n" in ended.err


@pytest.mark.parametrize("content", ['rat = "1/s"\n', "[", "language = 'fr'\n", 'rate = "often"\n'])
def test_a_configuration_that_cannot_be_used_is_no_matter_to_who_does_not_read_it(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "bulkagent.toml").write_text(content)
    ended = bulkagent(tmp_path, surroundings={"LC_ALL": "zh_CN.UTF-8"})
    assert ended.code == 2
    assert "先输入：" in ended.err, "the locale decides"
    for words in (("explain", "3"), ("guide", "trouble"), ("help", "apply")):
        ended = bulkagent(tmp_path, *words)
        assert (ended.code, ended.err) == (0, "")
    ended = bulkagent(tmp_path, "check", SAMPLES / "evening_shift.csv")
    assert ended.code == 2
    assert ended.err.startswith("bulkagent: bulkagent.toml")


@pytest.mark.parametrize(
    ("said", "file", "chinese"),
    [("en", "zh", False), ("zh", "en", True), ("fr", "en", True), ("", "en", False)],
)
def test_the_command_alone_has_the_same_order(
    tmp_path: Path, said: str, file: str, *, chinese: bool
) -> None:
    """What no language is, is not refused where no option is looked at."""
    (tmp_path / "bulkagent.toml").write_text(f'language = "{file}"\n')
    surroundings = {"LC_ALL": "zh_CN.UTF-8", "BULKAGENT_LANGUAGE": said}
    ended = bulkagent(tmp_path, surroundings=surroundings)
    assert ended.code == 2
    assert ("先输入：" in ended.err) is chinese
    if said == "fr":
        ended = bulkagent(tmp_path, "check", "r.csv", surroundings=surroundings)
        assert "'fr' is not en or zh" in ended.err


def test_wide_characters_are_wrapped_by_the_columns_that_they_take(tmp_path: Path) -> None:
    told = ("--progress", "none", "--language", "zh")
    code, written = on_a_terminal(tmp_path, *APPLY, *TROUBLE, *told, COLUMNS="44")
    assert code == 3
    copied = ("下一步  ", "报告    ")
    read = [line for line in written.split("\r\n") if not line.startswith(copied)]
    for line in read:
        columns = sum(2 if ord(character) > 0x2E7F else 1 for character in line)
        assert columns <= 44 or " " not in line[8:].strip(), line
        assert not line.lstrip().startswith(("，", "。", "；", "）")), line
    assert any(line.startswith("        ") for line in read)
