"""One simulated run of a tape."""

import traceback
from contextlib import nullcontext
from dataclasses import dataclass, field

from property_tests.simulation.coverage import Coverage
from property_tests.simulation.install import installed
from property_tests.simulation.processes import Violation
from property_tests.simulation.setup import Stage


@dataclass(eq=False)
class Played:
    """The result of a run.

    `broken` describes the failure: a broken invariant (`is_promise`), or an error of the
    simulation itself, for example because the code makes a call that is not simulated.
    """

    tape: bytes
    steps: int = 0
    processes: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    broken: str | None = None
    is_promise: bool = False


def play(tape: bytes, *, told: bool = False, coverage: Coverage | None = None) -> Played:
    """Play a tape to its end, with its story if requested."""
    played, stage = Played(tape), Stage(tape, told=told)
    kernel = stage.kernel
    indexes = stage.shared.indexes
    with (
        installed(stage.system, indexes),
        nullcontext() if coverage is None else coverage.counting(),
    ):
        try:
            stage.play()
        except Violation as error:
            played.broken, played.is_promise = str(error), True
        except Exception as error:  # noqa: BLE001 -- any failure is reported with its story
            played.broken = f'{type(error).__name__}: {error}'
            kernel.tell(traceback.format_exc())
        finally:
            kernel.stop()
            indexes.close()
    played.steps, played.processes = kernel.steps, len(kernel.processes)
    played.counts, played.story = stage.nemesis.counts, kernel.story or []
    return played


def tell(tape: bytes) -> str:
    """The story of a tape, as text."""
    played = play(tape, told=True)
    return '\n'.join([*played.story, '', f'broken: {played.broken}', f'tape: {tape.hex()}'])


def play_together(tape: bytes, count: int) -> int:
    """The number of requests of several processes with one target, without failures."""
    stage = Stage(b'')
    with installed(stage.system, stage.shared.indexes):
        try:
            return stage.play_together(tape, count)
        finally:
            stage.kernel.stop()
