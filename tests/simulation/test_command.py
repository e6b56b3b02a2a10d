"""`python -m tests.simulation`: seeds, worlds from files, and what is told of them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.simulation.campaign import Asked, Campaign
from tests.simulation.draw import draw
from tests.simulation.judge import PREDICATES, Verdict
from tests.simulation.leftovers import let_go
from tests.simulation.mutants import mutated
from tests.simulation.mutants.past import WORLDS
from tests.simulation.told import told
from tests.simulation.trial import Trial, as_json, from_json, judged

TREE = Path(__file__).parents[2]


def simulation(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=False,
        capture_output=True,
        cwd=TREE,
    )


def test_the_same_seed_gives_the_same_bytes_whatever_the_process() -> None:
    first, second = (simulation("--log", "--from", "3", hash_seed=seed) for seed in ("5", "77"))
    assert first.stdout == second.stdout
    assert first.stdout.startswith(b"world    seed 3")
    assert first.stdout.count(b"\n") > 20
    assert first.stderr == b""


def test_a_world_from_a_file_is_lived_as_that_of_its_seed(tmp_path: Path) -> None:
    """A failure leaves such a file."""
    path = tmp_path / "world.json"
    path.write_bytes(as_json(draw(3)))
    of_file = simulation("--log", "--world", str(path))
    assert of_file.stdout == simulation("--log", "--from", "3").stdout


def test_the_last_line_of_a_world_says_how_it_was_judged() -> None:
    path = WORLDS / "counted-up-twice.json"
    kept = simulation("--world", str(path))
    assert kept.stdout.decode() == f"KEPT     all {len(PREDICATES)} promises\n"
    assert kept.returncode == 0
    broken = simulation("--world", str(path), "--mutant", "counted up twice")
    assert broken.stdout.startswith(b"FAILED   gate and floor: ")
    assert broken.returncode == 1


def test_several_processes_live_all_seeds_and_say_how_fast() -> None:
    ended = simulation("--seeds", "6", "--from", "100", "--jobs", "2", "--shrink", "0")
    said = re.search(
        r"^6 mornings from seed 100 on in \d+ s, [\d.]+ a second, (\d+) failed$",
        ended.stdout.decode(),
        re.MULTILINE,
    )
    assert said is not None
    assert ended.returncode == (1 if int(said[1]) else 0)
    assert ended.stderr == b""


def test_a_mutant_leaves_its_smallest_world_and_says_last_how_to_live_it(tmp_path: Path) -> None:
    """So a world to keep is made by a command: this one needs the fault to break a promise."""
    name = "nobody is protected"
    ended = simulation(
        *("--mutant", name, "--seeds", "20", "--jobs", "1"),
        *("--shrink", "5", "--worlds", str(tmp_path / "found")),
    )
    lines = ended.stdout.decode().splitlines()
    assert ended.returncode == 1
    assert any(line.startswith("SMALLEST of seed ") for line in lines)
    again = shlex.split(lines[-1])
    assert again[:5] == ["python", "-m", "tests.simulation", "--mutant", name]
    world = tmp_path / "found" / "nobody-is-protected.json"
    assert Path(again[-1]).resolve() == world
    _, verdicts = judged(from_json(world.read_bytes()))
    assert not verdicts
    with mutated(name):
        _, verdicts = judged(from_json(world.read_bytes()))
    assert "protected" in {verdict.name for verdict in verdicts}


def test_further_failures_of_the_same_promise_have_a_line_each() -> None:
    said: list[str] = []
    verdict = Verdict("protected", "They are never touched.", "guardrails", ("agent 1001", "1002"))
    asked = Asked(0, 3, None, 1, Path(), 0.0)
    campaign = Campaign(asked, said.append)
    shrunk = [campaign.count(Trial(seed, "calm", (verdict,))) for seed in (3, 5)]
    assert shrunk == [True, False]
    assert said == [
        "FAILED   seed 3 (calm)",
        f"  {verdict}",
        "FAILED   seed 5 (calm): protected",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--world", "no-such.json"), "no-such.json cannot be read: No such file"),
        (("--world", "pyproject.toml"), "pyproject.toml has no world"),
        (("--mutant", "nobody"), "no mutant is called 'nobody'"),
    ],
    ids=["no file", "no world", "no mutant"],
)
def test_what_cannot_be_lived_is_refused_in_a_sentence(
    arguments: tuple[str, ...], words: str
) -> None:
    refused = simulation(*arguments)
    assert refused.returncode == 2
    assert words in refused.stderr.decode()
    assert b"Traceback" not in refused.stderr


def test_worlds_are_written_into_a_folder_that_git_leaves_alone() -> None:
    assert ".worlds/" in (TREE / ".gitignore").read_text().split()
    assert b"--worlds FOLDER" in simulation("--help").stdout


def test_a_coroutine_that_a_killed_process_had_not_begun_goes_without_a_warning() -> None:
    async def never() -> None: ...

    async def held(ring: list[object]) -> None: ...

    ring: list[object] = []
    ring.append(held(ring))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        del ring
        let_go()
        del_now = never()
        del del_now
    assert [str(each.message) for each in warned] == [
        f"coroutine '{never.__qualname__}' was never awaited"
    ]


def test_a_world_comes_back_from_its_file() -> None:
    for seed in range(50):
        world = draw(seed)
        assert from_json(as_json(world)) == world


def test_all_that_happens_is_told_in_the_order_of_times() -> None:
    for seed in range(50):
        world = draw(seed)
        times = [float(line[:8]) for line in told(world) if line.startswith(" ")]
        assert times == sorted(times)
        assert len(times) == len(world.events) + len(world.faults) + len(world.source_faults)
