"""Promises of extraction, in runs with kills between any two steps, edits, damage and new archives."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from property_tests.extraction.mutants import MUTANTS
from property_tests.extraction.play import play

RUNS = 300
#: The number of runs in which each planted mistake must be found.
MUTANT_RUNS = 1_000


def tapes(seed: int, count: int) -> Iterator[bytes]:
    """The tapes of this many runs."""
    source = random.Random(seed)
    for _ in range(count):
        yield source.randbytes(source.randrange(2, 20))


def test_promises_are_kept(tmp_path: Path) -> None:
    """What users edit is never lost, a folder is whole or as before, and the next call repairs all."""
    for tape in tapes(0, RUNS):
        assert play(tape, tmp_path / 'run') == '', tape.hex()


@pytest.mark.parametrize('version', range(4))
def test_a_kill_at_each_step(version: int, tmp_path: Path) -> None:
    """Of a first extraction, of another version over it, and of a repaired one."""
    for steps in range(60):
        for first in (
            bytes([0, steps]),
            bytes([0, 0, 1, version, 0, steps]),
            bytes([0, 0, 3, 1, 0, steps]),
        ):
            assert play(first, tmp_path / 'run') == '', first.hex()


@pytest.mark.parametrize('name', MUTANTS)
def test_planted_mistakes_are_found(name: str, tmp_path: Path) -> None:
    """Each breaks a promise."""
    with MUTANTS[name]():
        assert any(play(tape, tmp_path / 'run') for tape in tapes(1, MUTANT_RUNS))
