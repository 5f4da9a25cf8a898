"""The nemesis: at each step it chooses the next process, and sometimes a failure before."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from property_tests.simulation.disk import parent
from property_tests.simulation.kernel import Kernel, Trouble
from property_tests.simulation.processes import Process
from property_tests.simulation.requests import MIRROR, URL
from property_tests.simulation.store import FOLDER, Registry
from property_tests.simulation.users import ACTS, Users

#: Below this number, the byte of a step only chooses the process.
_CALM: Final = 180
_CODES: Final = (errno.ENOSPC, errno.EIO, errno.EACCES)
_OPERATIONS: Final = (
    ('create', 'mkdir'), ('write',), ('fsync',), ('rename', 'link'), ('unlink',), ('read', 'stat'),
    ('open', 'read'), ('truncate',),
)  # fmt: skip
#: Failures of the registry, and the failures that follow on the same disk.
_REGISTRY: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ('commit', ()), ('commit', ('unlink',)), ('remove_versions', ()), ('look up', ()), ('remove_versions', ()),
    ('commit index', ()), ('read index', ()), ('open index', ()),
)  # fmt: skip
_JUMPS: Final = (
    3600.0,
    -3600.0,
    86400.0,
    -30.0,
    9 * 86400.0,
    -86400.0,
    365 * 86400.0,
    -365 * 86400.0,
)


@dataclass(eq=False)
class Nemesis:
    """Causes the failures on a tape; `counts` are the numbers of failures, by name.

    `restart` starts the download of a dead process again. A `favourite` failure happens more often:
    runs with many failures of one kind reach more states than those with a few of all.
    """

    kernel: Kernel
    restart: Callable[[Process, bool], None]
    new_version: Callable[[str], None]
    registry: Registry
    users: Users
    damage_indexes: Callable[[], None]
    favourite: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    is_over: bool = False

    def happen(self, runnable: list[Process]) -> Process | None:
        """Let a failure happen and choose the next process; None: choose again."""
        choices = self.kernel.choices
        if choices.is_over:
            if not self.is_over:
                self.is_over = True
                self.kernel.heal()
            return runnable[0]
        drawn = choices.pick(256)
        if drawn < _CALM:
            return runnable[drawn % len(runnable)]
        event = _EVENTS[(drawn - _CALM) % len(_EVENTS)]
        if self.favourite and drawn % 2:
            event = _WEIGHTED[(self.favourite - 1) % len(_WEIGHTED)][0]
        name = event.__name__.strip('_')
        self.counts[name] = self.counts.get(name, 0) + 1
        return event(self, runnable)

    def die(self, process: Process) -> None:
        self.kernel.tell(f'** {process.name} is killed')
        self.kernel.kill(process)


def _killed(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    same_number = nemesis.kernel.choices.pick(4) == 1
    victim = runnable[0].main or runnable[0]
    if victim.is_runnable:
        nemesis.die(victim)
        nemesis.restart(victim, same_number)
    return None


def _interrupted(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    victim = runnable[0]
    if victim.main is None and not victim.was_signalled:
        # Ctrl-C interrupts the main thread only; a second one skips the cleanup.
        victim.was_signalled = True
        nemesis.kernel.tell(f'** {victim.name} gets Ctrl-C')
        victim.signal = KeyboardInterrupt()
        nemesis.restart(victim, False)
    return victim


def _power_lost(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    kernel = nemesis.kernel
    running = [one for one in kernel.processes if one.is_runnable and one.main is None]
    for process in running:
        nemesis.die(process)
    kernel.tell('** power is lost')
    kernel.disk.lose_power(kernel.choices)
    kernel.boot += 1
    for process in running:
        nemesis.restart(process, True)
    return None


def _clock_set(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    jump = nemesis.kernel.choices.among(_JUMPS)
    nemesis.kernel.skew += jump
    nemesis.kernel.tell(f'** the clock is set by {jump:.0f} s')
    return runnable[0]


def _time_passed(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    nemesis.kernel.now += nemesis.kernel.choices.among((1.0, 120.0, 7200.0))
    return runnable[0]


def _new_version(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    url = URL if nemesis.kernel.choices.pick(4) != 1 else MIRROR
    nemesis.new_version(url)
    return runnable[0]


def _disk_failed(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    choices = nemesis.kernel.choices
    operations, code = choices.among(_OPERATIONS), choices.among(_CODES)
    nemesis.kernel.tell(f'** the next {operations[0]} will fail')
    nemesis.kernel.troubles.append(Trouble(operations, code))
    return runnable[0]


def _disk_full(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    nemesis.kernel.room = nemesis.kernel.choices.pick(64)
    nemesis.kernel.tell(f'** the disk accepts {nemesis.kernel.room} more bytes')
    return runnable[0]


def _disk_emptied(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    nemesis.kernel.room = None
    return runnable[0]


def _registry_failed(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    operation, then = nemesis.kernel.choices.among(_REGISTRY)
    nemesis.kernel.tell(f'** the next {operation} will fail')
    nemesis.kernel.troubles.append(Trouble((operation,), errno.EAGAIN, then))
    return runnable[0]


def _removed(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    kernel = nemesis.kernel
    paths = [path for path in kernel.disk.names if parent(path) == FOLDER][::-1]
    number = kernel.choices.pick(len(paths) + len(ACTS))
    if number >= len(paths):
        nemesis.users.act(number - len(paths))
    else:
        path = paths[number]
        kernel.tell(f'** another program removes {path}')
        # Removing a claim also removes the name that it reserves.
        nemesis.registry.lose(path.replace('/.', '/').removesuffix('.claim'))
        kernel.disk.unlink(path)
    return runnable[0]


def _swept(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    kernel = nemesis.kernel
    kernel.tell('** another program removes all parts')
    kernel.failures += 1  # Notes are lost.
    for path in [path for path in kernel.disk.names if '/.dlmachine/' in path]:
        kernel.disk.unlink(path)
    return runnable[0]


def _beat(storage: Any, thread: Process) -> None:
    storage.tick()


def _heart_beat(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    kernel = nemesis.kernel
    for process in [one for one in kernel.processes if one.is_runnable]:
        for storage in process.beating:
            kernel.spawn_beside(process, partial(_beat, storage))
    return runnable[0]


def _index_damaged(nemesis: Nemesis, runnable: list[Process]) -> Process | None:
    nemesis.kernel.tell('** the indexes are damaged')
    nemesis.kernel.failures += 1
    nemesis.damage_indexes()
    return runnable[0]


_WEIGHTED: Final[tuple[tuple[Callable[[Nemesis, list[Process]], Process | None], int], ...]] = (
    (_new_version, 8),
    (_killed, 14),
    (_interrupted, 5),
    (_power_lost, 5),
    (_disk_failed, 9),
    (_disk_full, 4),
    (_disk_emptied, 2),
    (_registry_failed, 7),
    (_clock_set, 3),
    (_time_passed, 2),
    (_removed, 10),
    (_swept, 1),
    (_heart_beat, 5),
    (_index_damaged, 1),
)
_EVENTS: Final = tuple(event for event, weight in _WEIGHTED for _ in range(weight))
