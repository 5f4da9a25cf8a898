"""The invariants hold in every simulated run, with any failures in any order.

`make simulate RUNS=...` simulates many more runs.
"""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from property_tests.simulate import main, simulate
from property_tests.simulation.coverage import expected_pairs, unknown_states
from property_tests.simulation.mutants import MUTANTS
from property_tests.simulation.run import play, play_together, tell
from property_tests.simulation.shrink import shrink
from property_tests.simulation.tape_corpus import TAPES
from property_tests.simulation.tapes import MAX_BYTES, Tapes

#: The number of runs in which each planted mistake must be found.
MUTANT_RUNS = 4_000


@given(st.binary(max_size=MAX_BYTES) | st.binary(min_size=120, max_size=MAX_BYTES))
def test_invariants_hold_after_any_failure(tape: bytes) -> None:
    """With crashes, power cuts, disk and network failures, in the order that hypothesis draws."""
    played = play(tape)
    assert played.broken is None, tell(tape)


@pytest.mark.parametrize('name', TAPES)
def test_recorded_tapes_keep_the_promises(name: str) -> None:
    """Replay the tapes on which long simulations have failed."""
    tape = bytes.fromhex(TAPES[name])
    assert play(tape).broken is None, tell(tape)


def test_made_up_runs_keep_the_promises() -> None:
    """The first runs of `make simulate` reach nearly every state and event."""
    share = simulate(seed=0, runs=800)
    assert share.broken is None, tell(shrink(share.broken))
    assert len(expected_pairs() - set(share.pairs)) <= 5


@given(st.binary(max_size=200), st.integers(2, 4))
def test_processes_that_want_the_same_make_one_request(schedule: bytes, count: int) -> None:
    """With working locks, one process requests the file, and the others wait for it."""
    assert play_together(schedule, count) == 1


def test_every_state_is_known() -> None:
    """The coverage knows every state of the machine, and the events that may follow."""
    assert unknown_states() == []


def test_a_run_is_its_tape() -> None:
    """An equal tape gives an equal story, step by step, also in another interpreter."""
    tapes = Tapes(seed=5)
    tape = max((tapes.next() for _ in range(40)), key=lambda one: play(one).steps)
    script = f'from property_tests.simulation.run import tell; print(tell(bytes.fromhex("{tape.hex()}")))'
    there = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=True
    )
    assert tell(tape) == tell(tape) == there.stdout.rstrip('\n')


@pytest.mark.parametrize('name', MUTANTS)
def test_planted_mistakes_are_found(name: str) -> None:
    """Each mistake, planted into the real code, breaks an invariant."""
    tapes, (mutant, scene) = Tapes(seed=0), MUTANTS[name]
    with mutant():
        runs = (play(scene + tapes.next()[len(scene) :]) for _ in range(MUTANT_RUNS))
        first = next(run for run in runs if run.broken)
    assert first.is_promise, first.broken


def test_a_tape_that_fails_is_made_shorter() -> None:
    """A failure is reduced to a short tape."""
    tapes, (mutant, _) = Tapes(seed=0), MUTANTS['publishes without fsync']
    with mutant():
        tape = next(tape for tape in iter(tapes.next, None) if play(tape).broken)
        shorter = shrink(tape)
        assert play(shorter).broken
    assert len(shorter) < len(tape)
    assert play(shorter).broken is None


def test_command_reports_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    """It returns 0 if all invariants hold, or 1 with the story and the tape."""
    assert main(['--runs', '20', '--jobs', '1']) == 0
    assert 'runs per second' in capsys.readouterr().out
    mutant, _ = MUTANTS['does not release the lock']
    with mutant():
        assert main(['--runs', '50', '--jobs', '1']) == 1
        told = capsys.readouterr().out
        tape = told.rpartition('\ntape: ')[2].partition('\n')[0]
        assert main(['--tape', tape]) == 1
    assert 'holds a lock' in capsys.readouterr().out
    assert main(['--tape', tape]) == 0
