"""What the processes of a run do: download, prune, pin."""

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from dlmachine.core.cache.key import cache_key
from dlmachine.core.faults import LockBusyTooLong
from dlmachine.core.keeping.limits import Keeping
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Extract, Freshness
from dlmachine.errors import DownloadError
from dlmachine.execution.run import run
from dlmachine.keeping.pinning import change_pins
from dlmachine.keeping.pruning import prune
from dlmachine_adapters.cachedir.naming import item_id_of
from property_tests.pruning.world import World
from property_tests.simulation.choices import Choices
from property_tests.simulation.processes import Process, require

if TYPE_CHECKING:
    from property_tests.pruning.stage import Stage

Program = Callable[[Process], None]

URLS: Final = tuple(f'https://data.example/{number}.csv' for number in range(3))
#: Removes all that may go.
EVERYTHING: Final = Keeping(max_size=0, grace_period=timedelta(0))
_HOUR: Final = 3600.0
_POLICIES: Final = (
    Policy(),
    Policy(),
    Policy(freshness=Freshness.ALWAYS),
    Policy(force_download=True),
    Policy(extract=Extract()),
    Policy(extract=Extract()),
)
#: How long a process works on what it was given.
_WORK_SECONDS: Final = (0.0, 1.0, 0.0, 2 * _HOUR, 0.0, 30 * _HOUR)
_KEEPINGS: Final = (
    EVERYTHING,
    EVERYTHING,
    Keeping(max_size=0),
    Keeping(max_size=40, grace_period=timedelta(0)),
    Keeping(keep_versions=1, grace_period=timedelta(0)),
    Keeping(unused_for=timedelta(hours=2), grace_period=timedelta(hours=2)),
)


def draw(stage: 'Stage', choices: Choices) -> Program:
    """A process: half of them download, and one in eight pins."""
    kind = choices.pick(8)
    if kind == 7:
        return pinning(stage, choices.among(URLS), is_pinned=choices.pick(4) != 1)
    if kind % 2:
        return pruning(stage, choices.among(_KEEPINGS))
    wanted = [(choices.among(URLS), choices.among(_POLICIES)) for _ in range(choices.among((1, 2)))]
    return downloading(stage, wanted, choices.among(_WORK_SECONDS))


def downloading(
    stage: 'Stage', wanted: Sequence[tuple[str, Policy]], seconds: float = 0.0
) -> Program:
    """Download, and work with each file for a while."""

    def program(process: Process) -> None:
        with _World(stage, process) as world:
            for url, policy in wanted:
                for path in _download(world, url, policy):
                    stage.promises.returned(process, path)
                stage.kernel.wait(lambda: False, seconds)

    return program


def pruning(stage: 'Stage', keeping: Keeping) -> Program:
    """Prune once."""

    def program(process: Process) -> None:
        stage.promises.prunes(process, keeping)
        with _World(stage, process) as world:
            try:
                prune(world.registry, keeping, world, lockfiles=['lockfile'])
            except DownloadError as error:
                is_busy = isinstance(error.fault, LockBusyTooLong)
                require(is_busy, f'a prune failed: {error}')

    return program


def pinning(stage: 'Stage', url: str, *, is_pinned: bool) -> Program:
    """Pin or unpin what is stored of a URL; it may not be stored."""

    def program(process: Process) -> None:
        item, promises = item_id_of(cache_key(Descriptor(url=url))), stage.promises
        with _World(stage, process) as world:
            if is_pinned:
                stage.on_commit[process] = lambda: promises.pins(item)
            else:
                stage.on_commit[process] = lambda: promises.unpins(item)
            try:
                change_pins(world.registry, [(url, item)], is_pinned=is_pinned)
            except DownloadError as error:
                require(error.fault.code == 'invalid_input', f'a pin failed: {error}')

    return program


class _World:
    """The world of a process; at its end all its files are closed, as by the system."""

    def __init__(self, stage: 'Stage', process: Process) -> None:
        self._stage, self._process = stage, process
        self._world: Any = World(stage, process)

    def __enter__(self) -> Any:
        return self._world

    def __exit__(self, *_: object) -> None:
        self._world.close()
        for handle in self._stage.logs.of(self._process).values():
            os.close(handle)
        self._stage.logs.of(self._process).clear()


def _download(world: World, url: str, policy: Policy) -> tuple[str, ...]:
    descriptor = Descriptor(url=url)
    result = run(descriptor, policy, world.observe(descriptor, policy), world)
    # Another download may have had the lock for a day.
    require(isinstance(result, (Outcome, LockBusyTooLong)), f'a download failed: {result}')
    if not isinstance(result, Outcome):
        return ()
    files = () if result.extracted is None else result.extracted.files
    return (str(result.path), *files)
