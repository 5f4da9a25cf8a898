"""A prune beside downloads, pins and kills removes nothing that must stay, and all that may go.

`python -m property_tests.pruning --runs ...` simulates many more runs.
"""

from itertools import islice

import pytest

from property_tests.pruning.__main__ import main, simulate
from property_tests.pruning.mutants import MUTANTS, tapes
from property_tests.pruning.stage import play, tell

#: The number of runs in which each planted mistake must be found.
MUTANT_RUNS = 1_500
#: A version that was used after the plan was made, by a process that had ended before its removal.
TAPE = bytes.fromhex(
    '592ab8ac49848281b2c48eef064c42817364657aeb64271dcf4642007b00670000'
    '5b499599ed3400001da1430000de006acb6c00440001000000f676550000d20000'
)


def test_made_up_runs_keep_the_promises() -> None:
    """The first runs of a seed, in which enough was removed."""
    done = simulate(seed=1, runs=40)
    assert done[-1].broken is None, tell(done[-1].tape)
    assert sum(run.removed for run in done) > 40


def test_a_use_after_the_plan_counts() -> None:
    """A simulation has failed on this tape."""
    assert play(TAPE).broken is None, tell(TAPE)


@pytest.mark.parametrize('scene', sorted({scene for _, scene in MUTANTS.values() if scene}))
def test_two_processes_take_turns(scene: bytes) -> None:
    """Where a planted mistake would be found, the real code does right."""
    for tape in islice(tapes(scene, seed=3), 8):
        assert play(tape).broken is None, tell(tape)


@pytest.mark.parametrize('name', MUTANTS)
def test_planted_mistakes_are_found(name: str) -> None:
    """Each mistake, planted into the real code, breaks a promise."""
    mutant, scene = MUTANTS[name]
    with mutant():
        runs = (play(tape) for tape in islice(tapes(scene, seed=0), MUTANT_RUNS))
        first = next(run for run in runs if run.broken)
    assert first.is_promise, first.broken


def test_a_run_is_its_tape(capsys: pytest.CaptureFixture[str]) -> None:
    """An equal tape gives an equal story."""
    tape = max(islice(tapes(b'', seed=5), 20), key=lambda one: play(one).steps)
    assert tell(tape) == tell(tape)
    assert main(['--tape', tape.hex()]) == 0
    assert 'steps' in capsys.readouterr().out
