"""The adapters of one process: real ones on a real folder, paused at each step."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from returns.result import Result, Success

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import Fault
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import LogIn, ReadCookies, ReadSecret
from dlmachine.core.protocol.events import CookiesRead, EffectFailed, SecretRead
from dlmachine.core.protocol.ports import Transport
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes.cookies import MemoryCookies
from dlmachine_adapters.fakes.gates import MemoryGates
from dlmachine_adapters.fakes.secrets import MemorySecrets
from dlmachine_adapters.fakes.transport import ScriptedTransport
from dlmachine_adapters.fakes.workers import InTurn
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.observation import observe
from dlmachine_adapters.progress.metering import NoProgress
from dlmachine_adapters.uses.uses import Uses
from property_tests.simulation.clock import SimClock
from property_tests.simulation.locks import SimLocks
from property_tests.simulation.processes import Process

if TYPE_CHECKING:
    from property_tests.pruning.stage import Stage

_Read = TypeVar('_Read')
_BUSY_SECONDS = 1e6


class SteppedRegistry(Registry):
    """The registry; a transaction waits for that of another process."""

    def __init__(self, stage: 'Stage') -> None:
        super().__init__(stage.folder)
        self._stage = stage

    def read(
        self, ask: Callable[[sqlite3.Connection], _Read], patience: float | None = None
    ) -> _Read:
        """Read, after a step."""
        self._stage.kernel.look('reads the registry')
        return super().read(ask, patience)

    @contextmanager
    def writing(self, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """Write, with steps before, within and after the transaction."""
        stage, kernel = self._stage, self._stage.kernel
        kernel.step('begins a transaction')
        if stage.writer is not None:
            kernel.wait(lambda: stage.writer is None, _BUSY_SECONDS)
        stage.writer = kernel.current
        try:
            with super().writing(patience) as connection:
                yield connection
                kernel.step('commits')
        finally:
            stage.writer = None
        self.commit_seconds = 0.0  # The real time changes nothing.
        stage.promises.is_changed = True
        if kernel.current in stage.on_commit:
            stage.on_commit[kernel.current]()
        kernel.step('has committed')

    def _shows_changes(self, patience: float | None) -> bool:
        # Whether an answer is remembered would depend on the real time.
        return False


class World:
    """Implements `ports.World`; `uses` are those of the process."""

    def __init__(self, stage: 'Stage', process: Process) -> None:
        self._stage = stage
        self.clock = SimClock(stage.kernel, process)
        self.store = store = CachedirStore(stage.folder, self.clock)
        store.registry = self.registry = SteppedRegistry(stage)
        uses = Uses(lambda: stage.folder, store.has_version)
        store.on_stored = uses.note_stored
        self.files = LocalFiles(self.clock, uses)
        self.locks = SimLocks(stage.kernel, process, self.clock, stage.locks)
        self.index: Any = None  # No download is for a path.
        self.progress = NoProgress()
        self.gates = MemoryGates(self.clock)
        self.secrets = MemorySecrets(self.clock)
        self.cookies = MemoryCookies(self.clock)
        self.workers = InTurn()
        self._transport = ScriptedTransport(self.clock, stage.scripts())

    def close(self) -> None:
        """Close the connections to the registry."""
        self.registry.close()

    def transport(self, backend: str) -> Result[Transport, Fault]:
        """The only backend."""
        self._stage.kernel.step(f'a request by {backend}')
        # The server may have another version by now.
        for url, script in self._stage.scripts().items():
            self._transport.serve(url, script)
        return Success(self._transport)

    def read_secret(self, effect: ReadSecret) -> SecretRead | EffectFailed:
        """No download needs one."""
        return self.secrets.read(effect)

    def read_cookies(self, effect: ReadCookies) -> CookiesRead | EffectFailed:
        """No download has any."""
        return self.cookies.read(effect)

    def keep_cookies(self, jar: str, request: Request, head: ResponseHead) -> Fault | None:
        """No download has a jar."""
        return self.cookies.keep(jar, request, head)

    def log_in_once(
        self, effect: LogIn, values: str, perform: Callable[[], Fault | None]
    ) -> Fault | None:
        """Log in by a form each time."""
        return perform()

    def observe(self, descriptor: Descriptor, policy: Policy) -> Snapshot:
        """Observe everything that a decision depends on."""
        self._stage.kernel.look('looks')
        given: Any = self._transport.seen
        return observe(
            descriptor,
            policy,
            clock=self.clock,
            files=self.files,
            store=self.store,
            index=lambda: self.index,
            backends=lambda: (given,),
            chance=lambda: 0.5,
        )
