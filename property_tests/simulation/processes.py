"""Processes: running, waiting, and the resources that are released when one is killed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from greenlet import greenlet

if TYPE_CHECKING:
    from property_tests.simulation.handles import OpenFile


class Killed(BaseException):
    """The process was killed: no further call has an effect."""


class Violation(AssertionError):  # noqa: N818 -- the name says what was violated
    """An invariant was broken."""


def require(is_so: bool, otherwise: str) -> None:
    """Check a condition.  Raises: Violation."""
    if not is_so:
        raise Violation(otherwise)


@dataclass(eq=False)
class Process:
    """A process with one download; `again` makes the program of its restart.

    `skew` is the error of its clock, which is constant. `live` are the parts that the process
    owns. `effects` counts its changes of the world.
    """

    number: int
    pid: int
    host: str
    program: Callable[['Process'], None]
    skew: float = 0.0
    is_alive: bool = True
    is_done: bool = False
    wakes_at: float = 0.0
    ready: Callable[[], bool] | None = None
    signal: BaseException | None = None
    was_signalled: bool = False
    files: list['OpenFile'] = field(default_factory=list)
    live: set[tuple[int, int]] = field(default_factory=set)
    effects: int = 0
    #: The time of its last step.
    ran_at: float = 0.0
    #: For a further thread: the first thread of its process, and the part whose heartbeat it is.
    main: 'Process | None' = None
    beating: list[Any] = field(default_factory=list)
    thread: Any = None

    @property
    def name(self) -> str:
        """The name of the process in the story."""
        return f'p{self.number}'

    @property
    def is_runnable(self) -> bool:
        """Whether the process has not ended."""
        return self.is_alive and not self.is_done

    def may_go_on(self, now: float) -> bool:
        """Whether the process is not waiting."""
        return self.ready is None or now >= self.wakes_at or self.ready()

    def start(self, hub: greenlet) -> None:
        """Start the thread, which runs at the first switch to it."""
        self.thread = greenlet(self._run, parent=hub)

    def _run(self) -> None:
        try:
            self.program(self)
        except Killed:
            pass
        except KeyboardInterrupt:
            pass
        self.is_done = True
