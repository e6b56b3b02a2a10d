"""The main job, as the installed command does it over HTTPS.

Proves --gateway, --flag, --yes, --report, --json, --concurrency, --insecure, --ca-file, --scenario;
guide "Set it", "Without a configuration file", "A gateway in static authentication", "Stop a run",
"Exit codes".
"""

import json
import os
import pty
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from bulkagent.model import Status
from tests.cli.command import (
    COMMAND,
    SAMPLES,
    Emulated,
    Ended,
    bulkagent,
    emulated,
    environment,
    inside,
    report_of,
    started,
)
from tests.cli.terminal import at_a_terminal, shown_until
from tests.waiting import HANG_S

KEYS = {
    "run_id",
    "state",
    "exit_code",
    "rows",
    "totals",
    "causes",
    "requests",
    "retries",
    "not_sent",
    "elapsed_s",
    "reports",
    "next",
}


def applied_to(gateway: Emulated, *more: object, flag: int = 0) -> Ended:
    address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file]
    limits = ["--concurrency", 64, "--rate", "none"]
    return bulkagent(
        gateway.folder, "apply", gateway.roster, "--flag", flag, *address, *limits, *more
    )


def test_the_first_command_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty agents, on a machine where nothing is configured, by the installed command."""
    monkeypatch.setenv("BULKAGENT_TEST_START", "installed")
    ended = bulkagent(
        tmp_path, "apply", SAMPLES / "evening_shift.csv", "--flag", 0, "--gateway", "emulated"
    )
    assert ended.code == 0, ended.err
    assert ended.out == ""
    assert "40 agents" in ended.err
    assert "DONE" in ended.err
    (report,) = tmp_path.glob("evening_shift.*.report.csv")
    lines = report.read_text().splitlines()
    assert len(lines) == 1 + 40
    assert lines[0].endswith(",name,team,skill")
    assert sum(",applied," in line for line in lines) == 40
    ledger = tmp_path / "state/bulkagent/ledger.sqlite3"
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600


@pytest.mark.matrix
def test_five_thousand_agents_and_the_judge_agrees(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-5100") as gateway:
        ended = applied_to(gateway, "--yes", "--json")
        assert ended.code == 0, ended.err
        assert set(ended.json) == KEYS
        assert set(ended.json["totals"]) == {status.value for status in Status}
        assert ended.json["totals"]["applied"] == ended.json["rows"] == 5000
        assert ended.json["state"] == "completed"
        assert ended.json["next"] is None
        assert sorted(gateway.set_to(0), key=int) == [str(n) for n in range(101, 5101)]
        assert gateway.judge("stats")["requests"] == ended.json["requests"] == 5000
    lines = report_of(tmp_path, ended.json)
    assert [line["agent_id"] for line in lines] == [str(n) for n in range(101, 5101)]


def test_no_more_than_the_concurrency_is_in_flight_at_the_gateway(tmp_path: Path) -> None:
    scenario = SAMPLES / "scenarios/calm.toml"
    with emulated(tmp_path, "101-500", "--scenario", scenario) as gateway:
        ended = applied_to(gateway, "--yes", "--concurrency", 7)
        assert ended.code == 0, ended.err
        assert gateway.judge("stats")["peak_in_flight"] == 7


def test_transient_faults_end_with_everyone_applied(tmp_path: Path) -> None:
    scenario = SAMPLES / "scenarios/transient_faults.toml"
    with emulated(tmp_path, "101-700", "--scenario", scenario) as gateway:
        ended = applied_to(gateway, "--yes", "--json")
        assert ended.code == 0, ended.err
        assert ended.json["totals"]["applied"] == 600
        assert ended.json["retries"] == ended.json["requests"] - 600 > 0
        assert len(gateway.set_to(0)) == 600
        assert gateway.judge("stats")["requests"] == ended.json["requests"]


def test_agents_who_are_not_signed_in_end_failed(tmp_path: Path) -> None:
    scenario = SAMPLES / "scenarios/not_signed_in.toml"
    with emulated(tmp_path, "1001-1040", "--scenario", scenario) as gateway:
        ended = applied_to(gateway, "--yes", "--json")
        assert ended.code == 3
        assert ended.json["totals"]["applied"] == 37
        assert ended.json["causes"] == {"not_signed_in": 3}
        assert ended.json["next"] == f"bulkagent resume {ended.json['run_id']}"
        failed = [x for x in report_of(tmp_path, ended.json) if x["status"] == "failed"]
        assert [line["agent_id"] for line in failed] == ["1007", "1019", "1033"]
        assert {line["retcode"] for line in failed} == {"100-006"}
        assert {line["attempts"] for line in failed} == {"1"}
        assert "3 x not_signed_in: 1007, 1019, 1033" in ended.err
        assert "have the agent sign in" in ended.err


def test_incoming_agents_go_before_outgoing_ones(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-200") as gateway:
        guids = [line.split(",") for line in gateway.roster.read_text().splitlines()[1:]]
        rows = [f"{agent},{guid},{'no' if int(agent) % 2 else 'yes'}" for agent, guid in guids]
        both = tmp_path / "both.csv"
        both.write_text("\n".join(["agent_id,guid,flag", *rows]))
        address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file, "--yes"]
        ended = bulkagent(tmp_path, "apply", both, *address, "--concurrency", 1, "--rate", "none")
        assert ended.code == 0, ended.err
        history = [x for x in gateway.judge("history") if x["event"] == "talk_right"]
        assert [x["flag"] for x in history] == [1] * 50 + [0] * 50
    assert "50 agents may take calls on" in ended.err or "DONE" in ended.err


def test_nothing_is_sent_without_consent(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        ended = applied_to(gateway, "--json")
        assert ended.code == 2
        assert ended.json["state"] == "refused"
        assert ended.json["totals"]["not_attempted"] == ended.json["rows"] == 10
        assert "--yes" in ended.err
        assert "Go on?" not in ended.err, "nobody is asked"
        assert gateway.judge("stats")["requests"] == 0


@pytest.mark.parametrize(
    ("answer", "code", "requests"),
    [("yes", 0, 10), pytest.param("n", 2, 0, marks=pytest.mark.matrix), ("", 2, 0)],
)
def test_a_person_answers_at_the_terminal(
    tmp_path: Path, answer: str, code: int, requests: int
) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        process, ours = _at_a_terminal(gateway)
        shown = shown_until(ours, b"[y/N]")
        assert "10 agents will STOP taking calls on localhost:" in shown
        os.write(ours, f"{answer}\n".encode())
        shown += shown_until(ours, b"")
        assert process.wait(HANG_S) == code, shown
        os.close(ours)
        assert gateway.judge("stats")["requests"] == requests
    if not code:
        (leg,) = inside(tmp_path, "show", "last", "--json").json["legs"]
        assert leg["consent"] == "terminal"


@pytest.mark.parametrize(("answer", "code", "requests"), [("y", 2, 0), ("501", 0, 501)])
def test_for_more_than_500_agents_the_number_is_typed(
    tmp_path: Path, answer: str, code: int, requests: int
) -> None:
    """README, consent: a quick "y" must not take a whole shift off."""
    with emulated(tmp_path, "101-601") as gateway:
        process, ours = _at_a_terminal(gateway)
        shown = shown_until(ours, b"to agree: ")
        assert "501 agents will STOP taking calls on localhost:" in shown
        assert "More than 500 agents stop taking calls, so y is not enough. Type the num" in shown
        assert "Go on?" not in shown
        os.write(ours, f"{answer}\n".encode())
        shown += shown_until(ours, b"")
        assert process.wait(HANG_S) == code, shown
        os.close(ours)
        assert gateway.judge("stats")["requests"] == requests


def _at_a_terminal(gateway: Emulated) -> tuple[subprocess.Popen[bytes], int]:
    """The command as a person starts it."""
    words = ["apply", gateway.roster, "--flag", 0, "--gateway", gateway.url]
    words += ["--ca-file", gateway.ca_file]
    return at_a_terminal(gateway.folder, words, TERM="xterm", BULKAGENT_RATE="none")


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.matrix),
        pytest.param(signal.SIGHUP, marks=pytest.mark.matrix),
    ],
)
def test_a_signal_drains_and_the_report_tells_the_truth(tmp_path: Path, number: int) -> None:
    scenario = tmp_path / "slow.toml"
    scenario.write_text('[latency]\ndistribution = "fixed"\nmilliseconds = 100\n')
    with emulated(tmp_path, "101-2100", "--scenario", scenario) as gateway:
        arguments = ["apply", gateway.roster, "--flag", 0, "--gateway", gateway.url, "--yes"]
        arguments += ["--ca-file", gateway.ca_file, "--rate", "none", "--json"]
        with started(tmp_path, *arguments) as process:
            while gateway.judge("stats")["requests"] < 20:
                assert process.poll() is None
            process.send_signal(number)
            out, err = process.communicate(timeout=HANG_S)
        ended = Ended(process.returncode, out, err)
        assert ended.code == ended.json["exit_code"] == 128 + number, ended.err
        assert ended.json["state"] == "interrupted"
        assert sum(ended.json["totals"].values()) == 2000
        assert ended.json["totals"]["not_attempted"] > 0
        assert ended.json["totals"]["unknown"] == 0
        lines = report_of(tmp_path, ended.json)
        assert len(lines) == 2000
        applied = sorted(line["agent_id"] for line in lines if line["status"] == "applied")
        assert applied == sorted(gateway.set_to(0))
        rest = {line["cause"] for line in lines if line["status"] == "not_attempted"}
        assert rest == {"interrupted"}


def test_a_second_signal_cuts_off_what_is_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BULKAGENT_TEST_START", "installed")
    scenario = tmp_path / "slow.toml"
    scenario.write_text('[latency]\ndistribution = "fixed"\nmilliseconds = 60000\n')
    with emulated(tmp_path, "101-200", "--scenario", scenario) as gateway:
        arguments = ["apply", gateway.roster, "--flag", 0, "--gateway", gateway.url, "--yes"]
        arguments += ["--ca-file", gateway.ca_file, "--timeout", "300s", "--json"]
        with started(tmp_path, *arguments) as process:
            while gateway.judge("stats")["in_flight"] < 16:
                assert process.poll() is None
            assert process.stderr is not None
            process.send_signal(signal.SIGINT)
            while "stopping" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=HANG_S)
        ended = Ended(process.returncode, out, err)
        assert ended.code == 130, ended.err
        assert ended.json["totals"]["unknown"] == 16
        assert ended.json["totals"]["not_attempted"] == 84
        assert ended.json["causes"] == {"interrupted": 100}


def test_a_dead_gateway_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("agent,guid\n101,abc\n102,def\n")
    arguments = [
        "--gateway",
        "https://127.0.0.1:1",
        "--yes",
        "--max-attempts",
        2,
        "--retry-for",
        "1ms",
        "--json",
    ]
    ended = bulkagent(tmp_path, "apply", "r.csv", "--flag", 1, *arguments)
    assert ended.code == 3
    assert ended.json["totals"]["failed"] == 2
    assert ended.json["causes"] == {"connect": 2}
    assert {line["attempts"] for line in report_of(tmp_path, ended.json)} == {"0"}
    assert (ended.json["requests"], ended.json["not_sent"]) == (0, 4)


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param("stdout", marks=pytest.mark.matrix),
        pytest.param("stderr", marks=pytest.mark.matrix),
        "both",
    ],
)
def test_a_closed_stream_never_ends_a_run(tmp_path: Path, stream: str) -> None:
    """A pipe whose reader has gone, and a stream that was never open."""
    read, write = os.pipe()
    os.close(read)
    roster = SAMPLES / "evening_shift.csv"
    arguments = ["apply", roster, "--flag", 0, "--gateway", "emulated", "--report", "r.csv"]
    broken = {"stdout": write, "stderr": write, "both": write}
    process = subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=broken[stream] if stream != "stderr" else subprocess.DEVNULL,
        stderr=broken[stream] if stream != "stdout" else subprocess.DEVNULL,
        timeout=HANG_S,
        check=False,
    )
    os.close(write)
    assert process.returncode == 0
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 41


@pytest.mark.matrix
def test_streams_that_were_never_open(tmp_path: Path) -> None:
    script = '"$0" apply "$1" --flag 0 --gateway emulated --report r.csv <&- >&- 2>&-'
    process = subprocess.run(
        ["/bin/sh", "-c", script, COMMAND, SAMPLES / "evening_shift.csv"],
        cwd=tmp_path,
        env=environment(tmp_path),
        timeout=HANG_S,
        check=False,
    )
    assert process.returncode == 0
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 41


def test_the_roster_can_come_from_standard_input(tmp_path: Path) -> None:
    ended = bulkagent(
        tmp_path,
        *("apply", "-", "--flag", 1, "--gateway", "emulated", "--json"),
        stdin=b"101\n102\n102\n",
    )
    assert ended.code == 0, ended.err
    assert ended.json["totals"]["applied"] == 2
    assert ended.json["totals"]["duplicate"] == 1
    assert ended.json["reports"][0].startswith("stdin.")
    assert "\nroster  standard input: 3 rows\n" in bulkagent(tmp_path, "show", "last").out


def test_skipped_rows_are_in_the_report(tmp_path: Path) -> None:
    ended = bulkagent(
        tmp_path,
        *("apply", SAMPLES / "messy.csv", "--gateway", "emulated", "--skip-invalid=15", "--json"),
        *("--no-handover", "--report", "r.csv", "--report", "r.html", "--report", "r.json"),
    )
    assert ended.code == 0, ended.err
    assert re.search(
        r"\nDONE    1 of 1 agents of messy coming on shift MAY TAKE calls and 1 of 1 going off"
        r" shift TAKE NO calls on emulated, \S+ \S+;"
        r" 15 lines left out: \+1003, 01004, 100, \.\.\.\n",
        ended.err,
    )
    assert ended.json["totals"]["applied"] == 2
    assert ended.json["totals"]["invalid"] == 15
    assert ended.json["totals"]["duplicate"] == 1
    lines = report_of(tmp_path, ended.json)
    assert len(lines) == 18
    assert ended.json["next"] is None
    skipped = [int(line["row"]) for line in lines if line["status"] == "invalid"]
    assert ended.json["left_out"] == skipped
    page = (tmp_path / "r.html").read_text()
    (verdict,) = (line[8:] for line in ended.err.splitlines() if line.startswith("DONE"))
    assert f"<h1><b>DONE</b> {verdict}</h1>" in page, "the page says the same"
    for row in skipped:
        assert ended.err.count(f"  line {row}") == 1, "with its reason, once"
        assert f"<b>line {row}</b>: " in page
    run = json.loads((tmp_path / "r.json").read_text())["run"]
    assert [each["row"] for each in run["left_out"]] == skipped


def test_a_quiet_run_says_in_the_end_why_lines_were_left_out(tmp_path: Path) -> None:
    """Where the beginning is not shown, the reasons are in the summary."""
    (tmp_path / "r.csv").write_text("agent_id\n1001\n1007\nSumme\n")
    ended = bulkagent(
        tmp_path,
        *("apply", "r.csv", "--flag", 0, "--gateway", "emulated", "--skip-invalid", "--quiet"),
        *("--scenario", SAMPLES / "scenarios/not_signed_in.toml"),
    )
    assert ended.code == 3, ended.err
    assert "; 1 line left out: Summe\n" in ended.err
    assert ended.err.count("        line 4: 'Summe' is not an agent ID") == 1


def test_a_larger_roster_than_allowed_is_a_guardrail(tmp_path: Path) -> None:
    arguments = ["--flag", 0, "--gateway", "emulated", "--max-agents", 39, "--json"]
    ended = bulkagent(tmp_path, "apply", SAMPLES / "evening_shift.csv", *arguments)
    assert ended.code == ended.json["exit_code"] == 6
    assert ended.json["state"] == "refused"
    assert ended.json["rows"] == 40
    assert not list(tmp_path.glob("*.report.csv"))


def test_several_reports_in_several_formats_carry_the_same_rows(tmp_path: Path) -> None:
    reports = [x for name in ("r.csv", "r.json", "r.jsonl") for x in ("--report", name)]
    arguments = ["--flag", 0, "--gateway", "emulated", *reports]
    ended = bulkagent(tmp_path, "apply", SAMPLES / "evening_shift.csv", *arguments)
    assert ended.code == 0, ended.err
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 41
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 40
    assert (tmp_path / "r.json").read_text().count('"applied"') >= 40
    assert not list(tmp_path.glob("*.report.csv"))


def test_insecure_is_loud(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-105") as gateway:
        arguments = ["--flag", 0, "--gateway", gateway.url, "--yes"]
        refused = bulkagent(tmp_path, "apply", gateway.roster, *arguments, "--json")
        assert refused.code == 2
        assert "--ca-file" in refused.json["error"]
        assert gateway.judge("stats")["requests"] == 0
        ended = bulkagent(tmp_path, "apply", gateway.roster, *arguments, "--insecure")
        assert ended.code == 0
        assert "WARNING --insecure" in ended.err


def test_a_name_stands_for_a_gateway_and_a_row_may_name_its_own(tmp_path: Path) -> None:
    (tmp_path / "east").mkdir()
    (tmp_path / "west").mkdir()
    with (
        emulated(tmp_path / "east", "101-120") as east,
        emulated(tmp_path / "west", "101-120") as west,
    ):
        (tmp_path / "bulkagent.toml").write_text(
            "".join(
                f'[gateways.{name}]\nurl = "{gateway.url}"\nca_file = "{name}/ca.pem"\n'
                for name, gateway in (("east", east), ("west", west))
            )
        )
        rows = ["agent_id,guid,gateway"]
        rows += east.roster.read_text().replace("\n", ",\n").splitlines()[1:]
        rows += west.roster.read_text().replace("\n", ",west\n").splitlines()[1:]
        (tmp_path / "two.csv").write_text("\n".join(rows))
        ended = bulkagent(
            tmp_path, "apply", "two.csv", "--flag", 0, "--gateway", "east", "--yes", "--json"
        )
        assert ended.code == 0, ended.err
        assert len(east.set_to(0)) == len(west.set_to(0)) == 20
        gateways = [line["gateway"] for line in report_of(tmp_path, ended.json)]
        assert gateways == ["east"] * 20 + ["west"] * 20


def test_options_come_from_the_environment_but_consent_does_not(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-105") as gateway:
        surroundings = {
            "BULKAGENT_GATEWAY": gateway.url,
            "BULKAGENT_CA_FILE": str(gateway.ca_file),
        }
        command = ("apply", gateway.roster, "--flag", 0)
        for name in ("YES", "FLAG", "INSECURE"):
            exported = {**surroundings, f"BULKAGENT_{name}": "1"}
            refused = bulkagent(tmp_path, *command, surroundings=exported)
            assert refused.code == 2
            assert f"BULKAGENT_{name}: --{name.lower()} " in refused.err
        refused = bulkagent(tmp_path, *command, surroundings=surroundings)
        assert refused.code == 2
        assert "--yes" in refused.err
        ended = bulkagent(tmp_path, *command, "--yes", surroundings=surroundings)
        assert ended.code == 0, ended.err
        assert "WARNING" not in ended.err


def test_progress_off_a_terminal_is_a_dated_line_now_and_then(tmp_path: Path) -> None:
    import datetime as dt

    from bulkagent.cli.progress.display import plain_line
    from bulkagent.run import Progress

    progress = Progress(
        agents=5000,
        finished=1250,
        by_status={"applied": 1200, "failed": 50, "unknown": 0},
        requests=1300,
        retries=50,
        waiting=7,
        elapsed_s=5.0,
    )
    now = dt.datetime(2026, 11, 22, 6, 0, tzinfo=dt.UTC)
    assert plain_line(progress, now, per_second=250.0, left_s=15.0) == (
        "2026-11-22T06:00:00+00:00 1,250 of 5,000 (25.0%), 250/s, 15 s left,"
        " 1,200 applied, 50 failed, 7 waiting for a retry"
    )


def test_a_report_never_takes_the_place_of_what_is_read(tmp_path: Path) -> None:
    roster = tmp_path / "shift.csv"
    roster.write_text("agent\n101\n")
    arguments = ["apply", roster, "--flag", 0, "--gateway", "emulated"]
    for reports in (["--report", "shift.csv"], ["--report", "a.csv", "--report", "./a.csv"]):
        ended = bulkagent(tmp_path, *arguments, *reports)
        assert ended.code == 2
        assert "in use" in ended.err
    bulkagent(tmp_path, *arguments)
    ended = bulkagent(tmp_path, "report", "last", "--to", "shift.csv")
    assert ended.code == 2
    assert "would replace" in ended.err
    assert roster.read_text() == "agent\n101\n"


@pytest.mark.matrix
def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    """As under nohup: the run goes on when the terminal goes."""
    scenario = SAMPLES / "scenarios/calm.toml"
    with emulated(tmp_path, "101-300", "--scenario", scenario) as gateway:
        arguments = ["apply", gateway.roster, "--flag", 0, "--gateway", gateway.url, "--yes"]
        arguments += ["--ca-file", gateway.ca_file, "--rate", "none", "--concurrency", 1, "--json"]
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'trap "" HUP; exec "$0" "$@"', COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while gateway.judge("stats")["requests"] < 20:
            assert process.poll() is None
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=HANG_S)
        assert process.returncode == 0, err
        assert Ended(0, out, err).json["totals"]["applied"] == 200


def test_a_signal_at_the_prompt_leaves_no_run_behind(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        process, ours = _at_a_terminal(gateway)
        shown_until(ours, b"[y/N]")
        process.send_signal(signal.SIGTERM)
        shown = shown_until(ours, b"")
        assert process.wait(HANG_S) == 143, shown
        os.close(ours)
        assert "nothing was sent" in shown
    assert "no run" in bulkagent(tmp_path, "report", "last", "--to", "x.csv").err


def test_a_terminal_that_goes_away_does_not_keep_the_command(tmp_path: Path) -> None:
    """Its own terminal, not the controlling one, so that no hangup comes with it."""
    scenario = SAMPLES / "scenarios/calm.toml"
    with emulated(tmp_path, "101-700", "--scenario", scenario) as gateway:
        arguments = ["apply", gateway.roster, "--flag", 0, "--gateway", gateway.url, "--yes"]
        arguments += ["--ca-file", gateway.ca_file, "--rate", "none", "--concurrency", 2]
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [COMMAND, *map(str, arguments), "--report", "report.csv"],
            cwd=tmp_path,
            env=environment(tmp_path, {"TERM": "xterm"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        shown_until(ours, b"applied")
        os.close(ours)
        assert process.wait(HANG_S) == 0
    assert len((tmp_path / "report.csv").read_text().splitlines()) == 601


def test_output_that_cannot_be_encoded_is_spelled_out(tmp_path: Path) -> None:
    (tmp_path / "夜班.csv").write_text("agent\n101\n")
    ended = bulkagent(
        tmp_path,
        *("apply", "夜班.csv", "--flag", 0, "--gateway", "emulated", "--json"),
        surroundings={"PYTHONIOENCODING": "ascii"},
    )
    assert ended.code == 0, ended.err
    assert ended.json["totals"]["applied"] == 1


def test_two_names_for_one_gateway_are_refused(tmp_path: Path) -> None:
    """One agent could otherwise be set by both at once."""
    (tmp_path / "bulkagent.toml").write_text(
        '[gateways.east]\nurl = "https://127.0.0.1:1"\n[gateways.west]\nurl = "https://127.0.0.1:1"\n'
    )
    (tmp_path / "r.csv").write_text("agent,guid,gateway,flag\n101,x,east,1\n101,x,west,0\n")
    ended = bulkagent(tmp_path, "apply", "r.csv", "--yes")
    assert ended.code == 2
    assert "one gateway" in ended.err
