"""The setup of a run, and the failures at each step."""

import gzip
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from dlmachine.core.archives.extracted_folder import EXTRACTED_FOLDER
from dlmachine.core.keeping.limits import Keeping
from dlmachine.core.spec.policy import Policy
from dlmachine_adapters.fakes.server import Resource
from property_tests.pruning.installed import Logs, installed
from property_tests.pruning.programs import URLS, Program, downloading, draw, pruning
from property_tests.pruning.promises import Promises
from property_tests.pruning.world import SteppedRegistry
from property_tests.simulation.choices import Choices
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.locks import LockTable
from property_tests.simulation.processes import Process, Violation

#: In memory, if there is such a folder.
_ROOT: Final = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
#: Below this number, the byte of a step only chooses the process.
_CALM: Final = 200
_SECONDS: Final = (1.0, 3600.0, 3 * 3600.0, 86_400.0)
_JUMPS: Final = (3600.0, -3600.0, 365 * 86_400.0, -365 * 86_400.0)
_CENTURY: Final = 100 * 365 * 86_400.0
_LONE: Final = f'{"e" * 32}-1.csv'
_FOREIGN: Final = f'{"f" * 32}-1.csv'


@dataclass(eq=False)
class Played:
    """The result of a run: what is broken, a promise (`is_promise`) or the simulation."""

    tape: bytes
    steps: int = 0
    removed: int = 0
    story: list[str] = field(default_factory=list)
    broken: str | None = None
    is_promise: bool = False


class Stage:
    """One run in a cache folder; `writer` is the process with a transaction."""

    def __init__(self, tape: bytes, folder: str, *, told: bool = False) -> None:
        self.choices, self.folder = Choices(tape), folder
        self.kernel = Kernel(self.choices, story=[] if told else None)
        self.locks = LockTable(self.kernel)
        self.logs, self.promises = Logs(self.kernel), Promises(self)
        self.writer: Process | None = None
        self.on_commit: dict[Process, Callable[[], None]] = {}
        self.locked_digests = frozenset[str]()
        self.foreign = frozenset({_FOREIGN})
        self.tokens = 0
        self._versions = dict.fromkeys(URLS, 1)
        self._programs: dict[Process, Program] = {}

    def scripts(self) -> dict[str, Resource]:
        """What the server has at the moment."""
        return {
            url: Resource(self._content(url, version), etag=f'"{version}"')
            for url, version in self._versions.items()
        }

    def play(self) -> None:
        """Play the complete run.  Raises: Violation."""
        kernel, choices = self.kernel, self.choices
        self._store_foreign()
        for url in URLS[: choices.among((2, 3, 1, 0))]:
            self._spawn(downloading(self, [(url, Policy())]))
            kernel.run()
            self._publish(url)
        if choices.pick(3) == 1:
            self.locked_digests = frozenset({sha256(self._content(URLS[0], 1)).hexdigest()})
        kernel.now += choices.among((*_SECONDS[::-1], 0.0))
        for _ in range(choices.among((3, 4, 5, 2))):
            self._spawn(draw(self, choices))
        kernel.check, kernel.happen = self.promises.check, self._happen
        kernel.run()
        # At last nothing fails, and everything was used long ago, or all clocks were ahead.
        kernel.happen = lambda runnable: runnable[0]
        kernel.skew = choices.among((_CENTURY, -_CENTURY))
        self._spawn(pruning(self, Keeping(max_size=0)))
        kernel.run()
        self.promises.at_the_end()

    def _spawn(self, program: Program) -> None:
        self._programs[self.kernel.spawn(program)] = program

    def _happen(self, runnable: list[Process]) -> Process | None:
        choices, kernel = self.choices, self.kernel
        drawn = 0 if choices.is_over else choices.pick(256)
        if drawn < _CALM:
            return runnable[drawn % len(runnable)]
        match drawn % 7:
            case 0 | 1 | 2:
                kernel.tell(f'** {runnable[0].name} is killed')
                kernel.kill(runnable[0])
                self._spawn(self._programs[runnable[0]])
                return None
            case 3:
                kernel.now += choices.among(_SECONDS)
            case 4:
                kernel.skew += choices.among(_JUMPS)
            case 5:
                self._publish(choices.among(URLS))
            case _:
                self._link()
        return runnable[0]

    def _publish(self, url: str) -> None:
        self._versions[url] += 1
        self.kernel.tell(f'** a new version of {url}')

    def _link(self) -> None:
        names = sorted(name for name in os.listdir(self.folder) if name.endswith('.csv'))
        if names:
            name = self.choices.among(names)
            self.tokens += 1
            self.kernel.tell(f'** somebody links {name}')
            os.link(f'{self.folder}/{name}', f'{self.folder}/linked-{self.tokens}')

    def _store_foreign(self) -> None:
        registry = SteppedRegistry(self)
        item, version_id = 'f' * 32, _FOREIGN.removesuffix('.csv')
        with registry.writing() as connection:
            connection.execute(
                'INSERT INTO main (item_id, version_id, version, status, date, ext)'
                " VALUES (?, ?, 1, 3, '2024-05-01 12:00:00', 'csv')",
                (item, version_id),
            )
        registry.close()
        with open(f'{self.folder}/{_FOREIGN}', 'wb') as file:
            file.write(b'of another program')
        # What was extracted from a file that is gone.
        os.makedirs(f'{self.folder}/{EXTRACTED_FOLDER}/{_LONE}/{_LONE}')

    def _content(self, url: str, version: int) -> bytes:
        # Packed, so that it can be extracted.
        return gzip.compress(f'{url[-5]}-{version} '.encode() * (version + 3), mtime=0)


def play(tape: bytes, *, told: bool = False) -> Played:
    """Play a tape to its end, with its story if requested."""
    with _folder() as folder:
        played, stage = Played(tape), Stage(tape, folder, told=told)
        with installed(stage, stage.logs):
            try:
                stage.play()
            except Violation as error:
                played.broken, played.is_promise = str(error), True
            except Exception as error:  # noqa: BLE001 -- any failure is reported with its story
                played.broken = f'{type(error).__name__}: {error}'
                stage.kernel.tell(traceback.format_exc())
            finally:
                stage.kernel.stop()
                stage.promises.close()
        played.steps, played.removed = stage.kernel.steps, stage.promises.removed
        played.story = stage.kernel.story or []
    return played


def tell(tape: bytes) -> str:
    """The story of a tape, as text."""
    played = play(tape, told=True)
    return '\n'.join([*played.story, '', f'broken: {played.broken}', f'tape: {tape.hex()}'])


@contextmanager
def _folder() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix='dlmachine-', dir=_ROOT)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
