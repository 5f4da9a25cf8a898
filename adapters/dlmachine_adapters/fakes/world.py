"""A world of fakes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from returns.result import Failure, Result, Success

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import BackendMissing, Fault
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import LogIn, ReadCookies, ReadSecret
from dlmachine.core.protocol.events import CookiesRead, EffectFailed, SecretRead
from dlmachine.core.protocol.ports import Progress, Transport, Workers
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine_adapters.fakes.clock import ManualClock
from dlmachine_adapters.fakes.cookies import MemoryCookies
from dlmachine_adapters.fakes.files import MemoryFiles
from dlmachine_adapters.fakes.folder_index import MemoryIndex
from dlmachine_adapters.fakes.gates import MemoryGates
from dlmachine_adapters.fakes.locks import MemoryLocks
from dlmachine_adapters.fakes.secrets import MemorySecrets
from dlmachine_adapters.fakes.server import Script
from dlmachine_adapters.fakes.store import MemoryStore
from dlmachine_adapters.fakes.transport import ScriptedTransport
from dlmachine_adapters.fakes.workers import InTurn
from dlmachine_adapters.observation import observe
from dlmachine_adapters.progress.metering import NoProgress


@dataclass(kw_only=True)
class MemoryWorld:
    """All ports in memory; each may be replaced by another of its kind.

    `chance` is what every snapshot has, so that all waits can be foretold.
    """

    clock: ManualClock
    files: MemoryFiles
    network: ScriptedTransport
    store: MemoryStore | None
    index: MemoryIndex
    locks: MemoryLocks
    gates: MemoryGates
    secrets: MemorySecrets
    cookies: MemoryCookies
    progress: Progress = field(default_factory=NoProgress)
    workers: Workers = field(default_factory=InTurn)
    chance: float = 0.5

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request, in order."""
        return tuple(self.network.requests)

    def transport(self, backend: str) -> Result[Transport, Fault]:
        if backend == self.network.seen.name:
            return Success(self.network)
        return Failure(BackendMissing(backend=backend, reason='this world has only its script'))

    def read_secret(self, effect: ReadSecret) -> SecretRead | EffectFailed:
        """Read a password or a token."""
        return self.secrets.read(effect)

    def read_cookies(self, effect: ReadCookies) -> CookiesRead | EffectFailed:
        """Read a caller's cookies, and those of jars."""
        return self.cookies.read(effect)

    def keep_cookies(self, jar: str, request: Request, head: ResponseHead) -> Fault | None:
        """Keep the cookies of a response in a jar."""
        return self.cookies.keep(jar, request, head)

    def log_in_once(
        self, effect: LogIn, values: str, perform: Callable[[], Fault | None]
    ) -> Fault | None:
        """Log in by a form each time."""
        return perform()

    def observe(self, descriptor: Descriptor, policy: Policy) -> Snapshot:
        return observe(
            descriptor,
            policy,
            clock=self.clock,
            files=self.files,
            store=self.store,
            index=lambda: self.index,
            backends=lambda: (self.network.seen,),
            chance=lambda: self.chance,
        )


def memory_world(
    scripts: Mapping[str, Script] | None = None,
    *,
    now: datetime | None = None,
    has_cache: bool = True,
) -> MemoryWorld:
    """A world that serves these URLs, with an empty cache at `/cache` or without one."""
    clock = ManualClock() if now is None else ManualClock(now)
    files = MemoryFiles(clock)
    return MemoryWorld(
        clock=clock,
        files=files,
        network=ScriptedTransport(clock, scripts),
        store=MemoryStore(files, clock) if has_cache else None,
        index=MemoryIndex(files, clock),
        locks=MemoryLocks(clock),
        gates=MemoryGates(clock),
        secrets=MemorySecrets(clock),
        cookies=MemoryCookies(clock),
    )
