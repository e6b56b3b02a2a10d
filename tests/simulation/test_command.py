"""`python -m tests.simulation`: seeds, worlds from files, and what is told of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.simulation.draw import draw
from tests.simulation.told import told
from tests.simulation.trial import as_json, from_json


def simulation(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=False,
        capture_output=True,
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


def test_several_processes_live_all_seeds_and_say_how_fast() -> None:
    ended = simulation("--seeds", "6", "--from", "100", "--jobs", "2", "--shrink", "0")
    last = ended.stdout.decode().splitlines()[-1]
    said = re.fullmatch(
        r"6 mornings from seed 100 on in \d+ s, [\d.]+ a second, (\d+) failed", last
    )
    assert said is not None
    assert ended.returncode == (1 if int(said[1]) else 0)


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
