"""Workers that run one job after the other in one thread, so that results are reproducible."""

from collections.abc import Callable, Sequence
from typing import TypeVar

End = TypeVar('End')


class InTurn:
    """Runs one job at a time, as if by several workers.

    >>> InTurn().run([lambda: 1, lambda: 2, lambda: 3], 1, lambda end: end < 2)
    (1, 2, None)
    """

    def run(
        self, jobs: Sequence[Callable[[], End]], most: int, goes_on: Callable[[End], bool]
    ) -> tuple[End | None, ...]:
        ends: list[End | None] = []
        for job in jobs:
            end = job() if most > 0 else None
            ends.append(end)
            most -= end is not None and not goes_on(end)
        return tuple(ends)
