"""The world of one process: all ports, over state that all processes share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from returns.result import Failure, Result, Success

from dlmachine.core.access.cookies import CookieStore
from dlmachine.core.decision.snapshot import BackendSeen, FileSeen, Snapshot
from dlmachine.core.faults import BackendMissing, Fault, TimedOut
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import (
    CheckCopy,
    Exchange,
    KeepChanged,
    LogIn,
    ReadCookies,
    ReadSecret,
)
from dlmachine.core.protocol.events import (
    ChangedKept,
    CookiesRead,
    CopyConfirmed,
    CopyMissing,
    EffectFailed,
    Interrupted,
    Responded,
    SecretRead,
)
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.protocol.ports import Sink, Transport
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness
from dlmachine_adapters.fakes.cookies import MemoryCookies
from dlmachine_adapters.fakes.gates import MemoryGates
from dlmachine_adapters.fakes.secrets import MemorySecrets
from dlmachine_adapters.fakes.server import Turn
from dlmachine_adapters.fakes.transport import ScriptedTransport
from dlmachine_adapters.fakes.workers import InTurn
from dlmachine_adapters.folder_index.index import FolderIndexes
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.observation import observe
from dlmachine_adapters.progress.metering import NoProgress
from dlmachine_adapters.runtime.sessions import Sessions
from property_tests.simulation.clock import SimClock
from property_tests.simulation.door import LOGIN, PASSWORD, RIGHT, WRONG, Door
from property_tests.simulation.index import Indexes
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.local_source import SimLocal, Source
from property_tests.simulation.locks import LockTable, SimLocks
from property_tests.simulation.misses import Misses
from property_tests.simulation.network import Network
from property_tests.simulation.processes import Process
from property_tests.simulation.requests import TOKEN, URL, Target
from property_tests.simulation.response_faults import ServerFault, draw_mishap, turn_of, was_settled
from property_tests.simulation.reuse import Responses, Sent
from property_tests.simulation.store import Registry, SimStore

#: The times of responses; the last ones exceed some timeouts.
_DELAYS: Final = (0.0, 0.0, 0.0, 0.0, 1.0, 15.0, 400.0)
#: One in so many readings of a token fails.
_LOST_EVERY: Final = 61
_HEALTHY: Final = 96


@dataclass(eq=False)
class Shared:
    """The state that all processes share; with `is_honest`, no request fails."""

    kernel: Kernel
    network: Network
    registry: Registry
    misses: Misses
    locks: LockTable
    indexes: Indexes
    has_cache: bool = True
    is_honest: bool = False
    door: Door | None = None
    source: Source | None = None
    jars: dict[str, CookieStore] = field(default_factory=dict)
    requests: int = 0
    responses: Responses = field(default_factory=Responses)


@dataclass(eq=False)
class Asked:
    """A request of a run, and whether the server is known not to have acted on it."""

    request: Request
    is_settled: bool = False


@dataclass(eq=False)
class Attempt:
    """One run for one target by one process; `asked` are its requests.

    `was_deceived` says that a server sent false validators, so that the result may be of any age.
    """

    process: Process
    target: Target
    asked: list[Asked] = field(default_factory=list)
    was_deceived: bool = False
    seen_from: float = 0.0
    looked: float = 0.0


OnRequest = Callable[[Attempt, Asked], None]


class Watcher(Protocol):
    """Sees what a process sees of files at paths, and does to them."""

    def looked_up(self, attempt: Attempt, folder: str, name: str, seen: FileSeen) -> None:
        """A process looked at a path."""

    def confirmed(self, attempt: Attempt, effect: CheckCopy, event: object) -> None:
        """A process checked a copy, with this result."""

    def guarding(self, attempt: Attempt, path: str) -> None:
        """A process is about to look for a changed file in its way."""


class WatchedIndex(FolderIndexes):
    """The real indexes, watched."""

    def __init__(self, clock: SimClock, attempt: Attempt, watcher: Watcher) -> None:
        super().__init__(clock)
        self._attempt = attempt
        self._watcher = watcher

    def look_up(
        self, folder: str, name: str, path: str, key: str, patience: timedelta | None = None
    ) -> FileSeen:
        """Look at a path."""
        seen = super().look_up(folder, name, path, key, patience)
        self._watcher.looked_up(self._attempt, folder, name, seen)
        return seen


class WatchedFiles(LocalFiles):
    """The real files, watched."""

    def __init__(self, clock: SimClock, attempt: Attempt, watcher: Watcher) -> None:
        super().__init__(clock)
        self._attempt = attempt
        self._watcher = watcher

    def confirm(self, effect: CheckCopy) -> CopyConfirmed | CopyMissing:
        """Check a copy."""
        event = super().confirm(effect)
        self._watcher.confirmed(self._attempt, effect, event)
        return event

    def keep_changed(self, effect: KeepChanged) -> ChangedKept | EffectFailed:
        """Move a changed file away."""
        self._watcher.guarding(self._attempt, effect.copy.path)
        return super().keep_changed(effect)


class SimTransport(ScriptedTransport):
    """The scripted backend, with responses from the tape; it may exceed the timeout."""

    def __init__(
        self, shared: Shared, attempt: Attempt, clock: SimClock, on_request: OnRequest
    ) -> None:
        self._on_request = on_request
        self._shared = shared
        self._attempt = attempt
        self._remaining: timedelta | None = None
        self._began = 0.0
        super().__init__(clock, dict.fromkeys((*shared.network.sites, LOGIN), self._turn))

    def exchange(
        self, effect: Exchange, part: Sink, context: ExchangeContext = UNLIMITED
    ) -> Responded | Interrupted:
        """Send a request and return its response, or a timeout."""
        self._remaining, self._began = context.remaining, self._shared.kernel.now
        return super().exchange(effect, part, context)

    def _turn(self, request: Request) -> Turn:
        kernel, choices = self._shared.kernel, self._shared.kernel.choices
        kernel.step(f'{request.method} {request.url}')
        drawn = 0 if self._shared.is_honest else choices.pick(256)
        is_healthy = drawn < _HEALTHY or request.url == LOGIN
        server_fault, at = None if is_healthy else self._mishap(request), 0
        asked = Asked(request)
        self._shared.requests += 1
        self._on_request(self._attempt, asked)
        self._attempt.asked.append(asked)
        seconds = 0.0 if drawn == 0 else _DELAYS[drawn % len(_DELAYS)]
        if seconds:
            kernel.wait(lambda: False, seconds)
        left = self._remaining
        if left is not None and kernel.now - self._began >= left.total_seconds():
            kernel.tell('   the response exceeds the timeout')
            late = TimedOut(url='', phase='total', limit=left)
            self._note_answer(request, late)
            return late
        door = self._shared.door
        closed = None if door is None else door.turn(request, drawn)
        if closed is not None:
            kernel.tell('   the login')
            self._note_answer(request, closed)
            return closed
        language = request.headers.get('Accept-Language') or ''
        site = self._shared.network.sites[request.url]
        resource = site.resource(kernel, language)
        content = site.in_language(site.content, language)
        process, said = self._attempt.process, site.said(kernel)
        is_by_http = self._attempt.target.policy.freshness is Freshness.HTTP
        sent = Sent(content, process, kernel.now, said, is_by_http)
        if server_fault is None:
            self._shared.responses.note(sent, resource)
            self._note_answer(request, resource)
            return resource
        at = choices.pick(48)
        kernel.tell(f'   failure: {server_fault.name}, at {at}')
        self._attempt.was_deceived |= bool(server_fault.caught_by)
        turn = turn_of(server_fault, resource, at, request)
        asked.is_settled = was_settled(turn)
        self._shared.responses.note(sent, turn)
        self._note_answer(request, turn)
        return turn

    def _note_answer(self, request: Request, turn: Turn) -> None:
        attempt = self._attempt
        self._shared.misses.answered(
            attempt.process, attempt.target, attempt.looked, request.url, turn
        )

    def _mishap(self, request: Request) -> ServerFault | None:
        network = self._shared.network
        leads_on = network.leads_on and request.url == URL
        server_fault = draw_mishap(
            self._shared.kernel.choices, leads_on=leads_on, lacks=network.lacks
        )
        site = network.sites[request.url]
        if server_fault.caught_by and not server_fault.caught_by & self._checks(request):
            return None
        # Excluded: redirects to copies of sites without copies; a second coding; a part whose
        # version is identified by a date only; and a false 304 to a condition, which no client can
        # recognize.
        is_conditional = (
            'If-None-Match' in request.headers or 'If-Modified-Since' in request.headers
        )
        is_apt = (
            not (server_fault.is_move and request.url != URL)
            and not (server_fault.is_coding and site.is_coded)
            and not (server_fault.is_range and site.validators not in {'strong', 'both'})
            and not (server_fault.name.startswith('unasked 304') and is_conditional)
        )
        return server_fault if is_apt else None

    def _checks(self, request: Request) -> set[str]:
        site, policy = self._shared.network.sites[request.url], self._attempt.target.policy
        if site.sums_of is not None:
            return set()
        checks = (
            ('checksum', policy.checksum is not None or policy.checksum_file is not None),
            ('digest', site.gives_digest and not site.is_coded),
            ('content', policy.check_content),
        )
        return {name for name, is_there in checks if is_there}


class SimWorld:
    """Implements `ports.World` for one process."""

    def __init__(
        self, shared: Shared, attempt: Attempt, on_request: OnRequest, watcher: Watcher
    ) -> None:
        process = attempt.process
        self._shared = shared
        self._attempt = attempt
        self.clock = SimClock(shared.kernel, process)
        self.files = WatchedFiles(self.clock, attempt, watcher)
        self.store = SimStore(shared.registry, self.clock) if shared.has_cache else None
        self.index = WatchedIndex(self.clock, attempt, watcher)
        self.locks = SimLocks(shared.kernel, process, self.clock, shared.locks)
        self.progress = NoProgress()
        self.gates = MemoryGates(self.clock)
        self.secrets = MemorySecrets(self.clock)
        self.cookies = MemoryCookies(self.clock)
        self.cookies.jars = shared.jars
        self._sessions = Sessions(self.clock)
        self.workers = InTurn()
        self._transport = SimTransport(shared, attempt, self.clock, on_request)
        self._local = SimLocal(shared.kernel, self.clock)

    def transport(self, backend: str) -> Result[Transport, Fault]:
        """The backend for servers, or that for local files."""
        if backend == self._transport.seen.name:
            return Success(self._transport)
        if backend == self._local.name:
            self._shared.requests += 1
            return Success(self._local)
        return Failure(BackendMissing(backend=backend, reason='it is not simulated'))

    def read_secret(self, effect: ReadSecret) -> SecretRead | EffectFailed:
        """Read a password or a token; now and then it is not there."""
        # Drawn from the clock, so that earlier tapes still mean the same.
        drawn = self.clock.now().microsecond // 1_000
        is_lost = drawn % _LOST_EVERY == 1 and not self._shared.is_honest
        self.secrets.values[f'env:{TOKEN}'] = [] if is_lost else ['s3cret']
        is_wrong = drawn % _LOST_EVERY in {2, 3} and not self._shared.is_honest
        self.secrets.values[f'env:{PASSWORD}'] = [] if is_lost else [WRONG if is_wrong else RIGHT]
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
        """Log in by a form; a process has its own logins."""
        return self._sessions.log_in_once(effect, values, perform)

    def _backends(self) -> tuple[BackendSeen, ...]:
        seen = (self._transport.seen,)
        return seen if self._shared.source is None else (*seen, self._local.seen)

    def observe(self, descriptor: Descriptor, policy: Policy) -> Snapshot:
        """Observe everything that a decision depends on."""
        self._shared.kernel.look('looks')
        self._attempt.looked = self._shared.kernel.now
        return observe(
            descriptor,
            policy,
            clock=self.clock,
            files=self.files,
            store=self.store,
            index=lambda: self.index,
            backends=self._backends,
            chance=lambda: 0.5,
        )
