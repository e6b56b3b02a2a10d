"""`bulkagent session hold` as a process, against the emulated gateway in another.

Proves --poll-wait of emulate, and --sessions, --sign-in-rate, --sign-in-refused,
--sign-out-on-exit, --force-sign-in; guide "Sessions that bulkagent holds", "Hold sessions on this
machine", "Which sessions it holds", "The end, and going on", "Passwords".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import COMMAND, Emulated, bulkagent, emulated, environment, inside, starting
from tests.cli.sockets import served, write_ca
from tests.waiting import HANG_S, until

PASSWORD = "synthetic-5ecret"
GENTLE = ("--sign-in-rate", "100/s")
DYNAMIC = ("--auth", "dynamic", "--guid-interval", "1000", "--guid-timeout", "30000")


def signed_out(folder: Path, agents: str = "101-140", *more: object) -> Any:
    return emulated(
        folder,
        agents,
        *("--signed-out", "--password", PASSWORD, "--poll-wait", "300", *DYNAMIC, *more),
    )


def options(gateway: Emulated, *more: object) -> list[str]:
    given = ["--gateway", gateway.url, "--ca-file", gateway.ca_file, "--sessions", "s.jsonl"]
    return [*map(str, given), *GENTLE, "--log-file", "log.jsonl", *map(str, more)]


@contextlib.contextmanager
def holding(
    gateway: Emulated, *more: object, roster: str = "r.csv"
) -> Iterator[subprocess.Popen[str]]:
    folder = gateway.folder
    (folder / "r.csv").chmod(0o600)
    with starting()(
        [COMMAND, "session", "hold", roster, *options(gateway, "--yes", *more)],
        cwd=folder,
        env=environment(folder, {"SSLKEYLOGFILE": str(folder / "tls.keys")}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def ended(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=HANG_S)
    assert out == ""
    return process.returncode, err


def lines(folder: Path) -> list[dict[str, str]]:
    try:
        text = (folder / "s.jsonl").read_text()
    except FileNotFoundError:
        return []
    complete = text[: text.rfind("\n") + 1].splitlines()
    latest = {line["agent_id"]: line for line in map(json.loads, complete)}
    return list(latest.values())


def up(folder: Path) -> int:
    return sum(line["state"] == "up" for line in lines(folder))


def judged(gateway: Emulated) -> dict[str, Any]:
    return {agent["agent_id"]: agent for agent in gateway.judge("agents")}


@pytest.mark.matrix
def test_all_are_held_while_another_process_sets_them(tmp_path: Path) -> None:
    with signed_out(tmp_path) as gateway, holding(gateway) as process:
        until(lambda: up(tmp_path) == 40)
        first = {line["agent_id"]: line["guid"] for line in lines(tmp_path)}
        until(lambda: all(first[line["agent_id"]] != line["guid"] for line in lines(tmp_path)))
        (tmp_path / "a.csv").write_text("agent_id\n" + "".join(f"{a}\n" for a in first))
        applied = bulkagent(
            tmp_path,
            *("apply", "a.csv", "--flag", "0", "--gateway", gateway.url, "--yes", "--json"),
            *("--ca-file", gateway.ca_file, "--sessions", "s.jsonl"),
        )
        assert applied.json["totals"]["applied"] == 40
        assert len(gateway.set_to(0)) == 40
        code, err = ended(process)
        assert code == 143
        assert "STOPPED up 40 of 40\n" in err
        assert all(agent["signed_in"] for agent in judged(gateway).values())
        assert (tmp_path / "s.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_killed_hold_is_taken_up_without_a_sign_in(tmp_path: Path) -> None:
    with signed_out(tmp_path) as gateway:
        with holding(gateway) as process:
            until(lambda: up(tmp_path) == 40)
            process.kill()
            process.wait()
        with holding(gateway) as process:
            until(lambda: (tmp_path / "log.jsonl").read_text().count('"after":"up"') == 80)
            _, err = ended(process)
        assert "adopt   40 sessions" in err
        assert "STOPPED up 40 of 40\n" in err
        events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
        assert sum(event["after"] == "signing_in" for event in events) == 40
        assert sum(event["before"] == "adopting" for event in events) == 40
        agents = judged(gateway).values()
        assert all(agent["signed_in"] and agent["sign_ins"] == 1 for agent in agents)


def test_no_secret_is_anywhere_but_in_the_file(tmp_path: Path) -> None:
    """Nor are TLS keys where SSLKEYLOGFILE says, which also ended it with a SIGSEGV."""
    with signed_out(tmp_path, "101-110") as gateway, holding(gateway) as process:
        until(lambda: up(tmp_path) == 10)
        guids = [line["guid"] for line in lines(tmp_path)]
        _, err = ended(process)
    guids += [line["guid"] for line in lines(tmp_path)]
    shown = err + (tmp_path / "log.jsonl").read_text()
    assert not [secret for secret in [PASSWORD, *guids] if secret in shown]
    others = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert others == {"ca.pem", "r.csv", "s.jsonl", "s.jsonl.lock", "log.jsonl"}


@pytest.mark.matrix
def test_wrong_passwords_stop_the_sign_ins_and_end_it(tmp_path: Path) -> None:
    with signed_out(tmp_path) as gateway:
        roster = tmp_path / "wrong.csv"
        roster.write_text((tmp_path / "r.csv").read_text().replace(PASSWORD, "wr0ng-password"))
        with holding(gateway, roster="wrong.csv") as process:
            _, err = process.communicate(timeout=HANG_S)
        assert process.returncode == 6
        assert "SIGN-INS STOPPED: 1" in err
        assert "wrong_password 1" in err
        assert "WARNING wrong.csv has passwords and others may read it" in err
        assert "wr0ng-password" not in err + (tmp_path / "log.jsonl").read_text()
        refused = sum(line["state"] == "wrong_password" for line in lines(tmp_path))
        assert 10 <= refused <= 14
        # They are not tried again unless somebody says so.
        with holding(gateway, "--max-agents", "40") as process:
            until(lambda: up(tmp_path) == 40 - refused)
            _, err = ended(process)
        assert f"{refused} agents left alone: password refused or account locked" in err
        with holding(gateway, "--sign-in-refused") as process:
            until(lambda: up(tmp_path) == 40)
            ended(process)


def test_the_end_signs_out_where_asked_for(tmp_path: Path) -> None:
    with (
        signed_out(tmp_path, "101-110") as gateway,
        holding(gateway, "--sign-out-on-exit") as process,
    ):
        until(lambda: up(tmp_path) == 10)
        code, err = ended(process, signal.SIGINT)
        assert code == 130
        assert "signed out 10" in err
        assert not any(agent["signed_in"] for agent in judged(gateway).values())
        assert {line["state"] for line in lines(tmp_path)} == {"signed_out"}


def test_a_roster_on_standard_input_with_one_password_for_all(tmp_path: Path) -> None:
    with signed_out(tmp_path, "101-103") as gateway:
        process = subprocess.Popen(
            [COMMAND, "session", "hold", "-", *options(gateway, "--yes")],
            cwd=tmp_path,
            env=environment(tmp_path, {"BULKAGENT_SIGN_IN_PASSWORD": PASSWORD}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write("agent_id,phonenum\n101,7101\n102,7102\n103,7103\n")
        process.stdin.close()
        process.stdin = None
        until(lambda: up(tmp_path) == 3)
        code, err = ended(process)
        assert (code, PASSWORD in err) == (143, False)


def test_two_holds_of_one_file_are_one_too_many(tmp_path: Path) -> None:
    with signed_out(tmp_path, "101-103") as gateway, holding(gateway) as process:
        until(lambda: up(tmp_path) == 3)
        second = bulkagent(tmp_path, "session", "hold", "r.csv", *options(gateway, "--yes"))
        assert second.code == 5  # held elsewhere
        assert "another process holds the sessions of s.jsonl" in second.err
        ended(process)


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ((), 2, "there is no terminal to ask at"),
        (("--yes", "--force-sign-in"), 2, "--yes does not answer for one"),
        (("--yes", "--sign-in-rate", "none"), 2, "--sign-in-rate must be 0.01/s to 1,000/s"),
        (("--yes", "--poll-pause", "100ms"), 2, "--poll-pause must be 200ms to 60s"),
        (("--yes", "--sign-in-concurrency", "0"), 2, "--sign-in-concurrency must be 1 to 256"),
        (("--yes", "--max-agents", "1"), 6, "--max-agents allows 1"),
        (("--yes", "--gateway", "emulated"), 2, "start bulkagent emulate --signed-out"),
        (("--yes", "--sessions", "r.csv"), 2, "the sessions file would replace the roster"),
        (("--yes", "--sessions", "log.jsonl"), 2, "would replace a file that is in use"),
    ],
)
def test_what_is_refused_sends_nothing(
    tmp_path: Path, more: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "r.csv").write_text("agent_id,password,phonenum\n101,p,1\n102,p,2\n")
    (tmp_path / "ca.pem").write_text("")
    gateway = Emulated(tmp_path, "https://localhost:1")
    arguments = [
        name for name in options(gateway) if name not in {"--ca-file", str(tmp_path / "ca.pem")}
    ]
    done = bulkagent(tmp_path, "session", "hold", "r.csv", *arguments, *more)
    assert done.code == code, done.err
    assert said in done.err


def test_no_temporary_folder_is_refused_before_any_handshake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each handshake would hang otherwise, as on a read-only root without TMPDIR."""
    (tmp_path / "r.csv").write_text("agent_id,password,phonenum\n101,p,1\n")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    given = ("--gateway", "https://localhost:1", "--sessions", "s.jsonl", "--yes")
    refused = inside(tmp_path, "session", "hold", "r.csv", *given)
    assert refused.code == 2
    assert f"needs the temporary folder {tmp_path / 'nowhere'}" in refused.err
    assert "set TMPDIR to a folder that can be written" in refused.err
    assert not (tmp_path / "s.jsonl").exists()


async def test_handshakes_that_are_cut_are_said_in_a_line_without_traceback(tmp_path: Path) -> None:
    """Of which there were 36 for 40 agents, each handed to the loop's exception handler."""
    rows = "".join(f"{agent},p,7{agent}\n" for agent in range(101, 141))
    (tmp_path / "r.csv").write_text(f"agent_id,password,phonenum\n{rows}")
    met = 0
    enough = asyncio.Event()

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal met
        with contextlib.suppress(ConnectionError):
            await reader.read(1)
        writer.close()
        met += 1
        if met >= 12:
            enough.set()

    async with served(cut) as port:
        gateway = Emulated(tmp_path, f"https://localhost:{port}")
        write_ca(tmp_path).rename(gateway.ca_file)
        with holding(gateway) as process:
            async with asyncio.timeout(HANG_S):
                await enough.wait()
            code, err = await asyncio.to_thread(ended, process)
    assert code == 143, err
    assert "Traceback" not in err
    beside = [line for line in err.splitlines() if "beside the command" in line]
    assert beside[0] == "WARNING beside the command: SSL handshake failed: ConnectionResetError"
    assert len(beside) <= 3


def test_throwing_somebody_off_a_desk_is_asked_for_at_the_terminal(tmp_path: Path) -> None:
    """The agents are signed in elsewhere: by the emulated gateway itself."""
    with emulated(tmp_path, "101-103", *DYNAMIC) as gateway:
        (tmp_path / "p.csv").write_text("agent_id,password,phonenum\n101,p,1\n102,p,2\n")
        plain = bulkagent(tmp_path, "session", "hold", "p.csv", *options(gateway, "--yes"))
        assert plain.code == 3
        assert "already_signed_in 2 x 100-002: 101, 102" in plain.err
        command = [str(COMMAND), "session", "hold", "p.csv"]
        child, terminal = pty.fork()
        if child == 0:  # pragma: no cover - becomes the command
            os.chdir(tmp_path)
            os.execve(  # noqa: S606 - the installed command, as everywhere here
                COMMAND,
                [*command, *options(gateway, "--yes", "--force-sign-in")],
                environment(tmp_path),
            )
        asked = b""
        while b"[y/N]" not in asked:
            asked += os.read(terminal, 4_096)
        assert b"each of these 2 agents (101, 102) who is signed in elsewhere" in asked
        os.write(terminal, b"y\n")
        until(lambda: up(tmp_path) == 2)
        os.kill(child, signal.SIGTERM)
        with contextlib.suppress(OSError):  # what Linux says of a terminal that nobody has
            while os.read(terminal, 4_096):
                pass
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 143
        os.close(terminal)


def test_who_may_have_to_be_signed_in_again_is_asked_for(tmp_path: Path) -> None:
    """A session of the file may have ended, and then its agent would be signed in."""
    with emulated(tmp_path, "101-103", "--signed-out") as gateway:
        line = '{"gateway":"%s","agent_id":"101","guid":"%s","state":"up"}\n'
        name = gateway.url.removeprefix("https://")
        file = tmp_path / "s.jsonl"
        file.write_text(line % (name, "11111111-1111-1111-1111-111111111111.AgentGateway1"))
        file.chmod(0o600)
        rows = gateway.roster.read_text().splitlines()
        (tmp_path / "one.csv").write_text("\n".join([*rows[:2], ""]))
        ended = bulkagent(tmp_path, "session", "hold", "one.csv", *options(gateway))
        assert ended.code == 2, ended.err
        assert "sign in 0 agents, and agents whose adopted session has ended" in ended.err
        assert "a sign-in passes through idle" in ended.err
        assert not gateway.judge("history")
        file.write_text(
            line % ("elsewhere:1", "11111111-1111-1111-1111-111111111111.AgentGateway1")
        )
        other = bulkagent(tmp_path, "session", "hold", "one.csv", *options(gateway, "--yes"))
        assert other.code == 2
        assert "has sessions of elsewhere:1, and none of" in other.err
        assert not gateway.judge("history")


def test_a_roster_without_passwords_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-103", "--signed-out") as gateway:
        (tmp_path / "ids.csv").write_text("agent_id\n" + "".join(f"{n}\n" for n in range(101, 300)))
        ended = bulkagent(tmp_path, "session", "hold", "ids.csv", *options(gateway, "--yes"))
        assert ended.code == 2
        assert "the roster has no column password and no column phonenum" in ended.err
        sentence, more = ended.err.splitlines()
    assert sentence.startswith("bulkagent: ")
    assert more == "more    bulkagent guide roster"
