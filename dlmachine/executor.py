"""Execute: effect -> port -> event -> advance, until the end.

The only place where effects meet the world. It decides nothing: which effect comes next
is the machine's to say, and what became of it the ports'.
"""

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import assert_never

from returns.io import IOFailure, IOResult, IOSuccess
from returns.pipeline import is_successful
from returns.unsafe import unsafe_perform_io

from dlmachine.core.descriptor import Descriptor
from dlmachine.core.effects import (
    AcquireLock,
    ConfirmCopy,
    Discard,
    Effect,
    Exchange,
    ExchangeMany,
    Join,
    Observe,
    OpenPart,
    Publish,
    ReadChecksums,
    Record,
    ReleaseLock,
    Retire,
    Unpublish,
    Validate,
    Wait,
)
from dlmachine.core.events import (
    Answered,
    ChecksumsRead,
    Event,
    Failed,
    Interrupted,
    Joined,
    Observed,
    PartOpened,
    Published,
    SegmentsEnded,
    Validated,
    Waited,
)
from dlmachine.core.faults import (
    AnswerUnusable,
    BodyTooLarge,
    Bug,
    Fault,
    InvalidInput,
    StorageFailed,
)
from dlmachine.core.learning import list_policy
from dlmachine.core.machine import advance, begin, most_effects
from dlmachine.core.metadata import MetadataUpdate
from dlmachine.core.on_segments import brings_body
from dlmachine.core.outcome import Outcome
from dlmachine.core.plan import Plan
from dlmachine.core.policy import Policy
from dlmachine.core.ports import Part, PartError, Sink, World
from dlmachine.core.redact import redact_url
from dlmachine.core.snapshot import Snapshot
from dlmachine.core.states import Broken, Finished
from dlmachine.telling import log_step

logger = logging.getLogger('dlmachine')
logger.addHandler(logging.NullHandler())


def execute(plan: Plan, world: World) -> IOResult[Outcome, Fault]:
    """Do what a plan says, and whatever the world makes necessary instead.

    What is held when it is interrupted (Ctrl-C) is given back; a part that can be gone on
    from is kept. Faults: any; nothing is raised for an expected failure.
    """
    if plan.is_redacted:
        advice = 'Give it its secrets back: plan.with_descriptor(descriptor)'
        masked = InvalidInput(where='plan', problem='its secrets are masked', advice=advice)
        return IOFailure(masked)
    return run(plan.descriptor, plan.policy, plan.snapshot, world)


def run(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, world: World
) -> IOResult[Outcome, Fault]:
    """Go through the machine to the end: what `execute` does, without a plan to be read."""
    ahead = _Run(descriptor, policy, snapshot, world)
    try:
        return ahead.to_end()
    finally:
        ahead.let_go()


#: What a function of the caller's has to say is cut off here.
_MOST_WORDS = 300


class _Run:
    """One execution: the handles that effects speak of, and the story so far."""

    def __init__(
        self, descriptor: Descriptor, policy: Policy, snapshot: Snapshot, world: World
    ) -> None:
        self._descriptor = descriptor
        self._policy = policy
        self._snapshot = snapshot
        self._world = world
        self._began_at = world.clock.now()
        self._part: Part | None = None
        self._is_open = False
        self._lock: AcquireLock | None = None
        self._story: list[tuple[Effect, Event]] = []

    def to_end(self) -> IOResult[Outcome, Fault]:
        key = self._snapshot.key[:12]
        # Time limits count from now, not from when the plan was made.
        snapshot = replace(self._snapshot, now=self._began_at)
        step = begin(self._descriptor, self._policy, snapshot)
        job = getattr(step.state, 'job', None)
        if job is not None:
            logger.info('%s %s: %s', job.decision.verdict.value, key, job.decision.reason.value)
        for _ in range(most_effects(self._descriptor, self._policy)):
            if step.effect is None:
                break
            event = self._perform(step.effect, step.update)
            self._story.append((step.effect, event))
            log_step(step.effect, event)
            step = advance(step.state, event)
        match step.state:
            case Finished(outcome=outcome):
                return IOSuccess(self._told(outcome))
            case Broken(fault=fault):
                logger.warning('failed %s: %s', key, fault)
                return IOFailure(fault)
            case unended:
                return IOFailure(Bug(state=type(unended).__name__, event='no end in sight'))

    def let_go(self) -> None:
        """Give back what is still held, which only an interruption leaves so."""
        if self._part is not None and self._is_open:
            self._part.discard(Discard(keep=True))
        if self._lock is not None:
            self._world.locks.release(ReleaseLock(key=self._lock.key))

    def _told(self, outcome: Outcome) -> Outcome:
        buffer = None if outcome.path is not None or self._part is None else self._part.buffer
        return replace(outcome, buffer=buffer, story=tuple(self._story))

    def _perform(self, effect: Effect, update: MetadataUpdate | None) -> Event:  # noqa: C901, PLR0911, PLR0912 -- one line an effect
        world = self._world
        match effect:
            case ConfirmCopy():
                return world.files.confirm(effect)
            case AcquireLock():
                self._lock = effect
                return world.locks.acquire(effect)
            case Observe():
                seen = world.observe(self._descriptor, self._policy)
                return Observed(at=world.clock.now(), snapshot=seen)
            case OpenPart():
                return self._open(effect)
            case Exchange():
                return self._exchange(effect)
            case ExchangeMany():
                return self._exchange_many(effect)
            case Join():
                return self._join(effect)
            case ReadChecksums():
                return self._read_checksums(effect)
            case Validate():
                return self._validate()
            case Wait(duration=duration):
                world.clock.sleep(duration)
                return Waited(at=world.clock.now())
            case Publish():
                return self._publish(effect)
            case Record():
                return self._record(effect, update)
            case Retire():
                return self._store_missing() if world.store is None else world.store.retire(effect)
            case Unpublish():
                return world.files.unpublish(effect)
            case Discard():
                return self._discard(effect)
            case ReleaseLock():
                # An interruption on the way leaves it to `let_go`, and twice is once.
                released = world.locks.release(effect)
                self._lock = None
                return released
            case _:
                assert_never(effect)

    def _open(self, effect: OpenPart) -> PartOpened | Failed:
        opened = self._world.files.open_part(effect)
        if isinstance(opened, Failed):
            return opened
        self._part, self._is_open = opened, True
        return PartOpened(at=self._world.clock.now(), size_bytes=opened.size_bytes)

    def _exchange(self, effect: Exchange) -> Answered | Interrupted | Failed:
        world, part = self._world, self._part
        if part is None:
            return self._no_part()
        metered = world.progress.watch(part, effect.expect.name)
        try:
            return self._ask(effect, metered)
        finally:
            world.progress.leave(metered)

    def _ask(self, effect: Exchange, sink: Sink) -> Answered | Interrupted:
        now = self._world.clock.now()
        loaded = self._world.transport(effect.backend)
        if not is_successful(loaded):
            return Interrupted(at=now, fault=loaded.failure())
        elapsed = now - self._began_at
        remaining = None if effect.timeout is None else max(effect.timeout - elapsed, timedelta(0))
        return _named(loaded.unwrap().exchange(effect, sink, remaining), effect)

    def _exchange_many(self, effect: ExchangeMany) -> SegmentsEnded | Failed:
        world, part = self._world, self._part
        if part is None:
            return self._no_part()
        metered = world.progress.watch(part, effect.exchange.expect.name)
        try:
            pairs = zip(effect.exchanges, metered.divide(effect), strict=True)
            jobs = [partial(self._ask, exchange, sink) for exchange, sink in pairs]
            ends = world.workers.run(jobs, effect.connections, brings_body)
        except PartError as error:
            return Failed(at=world.clock.now(), fault=error.fault)
        finally:
            metered.reunite()
            world.progress.leave(metered)
        return SegmentsEnded(at=world.clock.now(), ends=ends)

    def _join(self, effect: Join) -> Joined | Failed:
        if self._part is None:
            return self._no_part()
        try:
            received = self._part.join(effect)
        except PartError as error:
            return Failed(at=self._world.clock.now(), fault=error.fault)
        return Joined(at=self._world.clock.now(), received=received)

    def _read_checksums(self, effect: ReadChecksums) -> ChecksumsRead | Failed:
        world, wish = self._world, effect.wish
        if wish is None:
            return world.files.read_checksums(effect)
        # A list is downloaded as anything is: decided by the core, executed here.
        policy = list_policy(self._policy, effect.max_bytes)
        done = run(wish, policy, world.observe(wish, policy), world)
        if not is_successful(done):
            return Failed(at=world.clock.now(), fault=unsafe_perform_io(done.failure()))
        buffer = unsafe_perform_io(done.unwrap()).buffer
        text = b'' if buffer is None else buffer.read()
        return ChecksumsRead(at=world.clock.now(), text=text.decode('utf-8', 'replace'))

    def _validate(self) -> Validated | Failed:
        part, validate = self._part, self._policy.validate
        if part is None or validate is None:
            return self._no_part()
        try:
            with part.view() as file:
                problem = None if validate(file) else 'is refused by validate'
        except PartError as error:
            return Failed(at=self._world.clock.now(), fault=error.fault)
        except Exception as error:  # noqa: BLE001 -- whatever it raises, it does not say yes
            problem = f'is refused by validate: {type(error).__name__}: {error}'[:_MOST_WORDS]
        return Validated(at=self._world.clock.now(), problem=problem)

    def _publish(self, effect: Publish) -> Event:
        if self._part is None:
            return self._no_part()
        event = self._part.publish(effect)
        self._is_open = not isinstance(event, Published)
        return event

    def _discard(self, effect: Discard) -> Event:
        if self._part is None:
            return self._no_part()
        discarded = self._part.discard(effect)
        self._is_open = False
        return discarded

    def _record(self, effect: Record, update: MetadataUpdate | None) -> Event:
        store = self._world.store
        if store is None or update is None:
            return self._store_missing()
        return store.record(effect, update)

    def _no_part(self) -> Failed:
        fault = StorageFailed(path='', operation='write', problem='no part is open')
        return Failed(at=self._world.clock.now(), fault=fault)

    def _store_missing(self) -> Failed:
        fault = StorageFailed(path='', operation='record', problem='there is no cache')
        return Failed(at=self._world.clock.now(), fault=fault)


def _named(event: Answered | Interrupted, effect: Exchange) -> Answered | Interrupted:
    # A part does not know the URL it is filled from; its faults leave the place empty.
    if isinstance(event, Interrupted):
        match event.fault:
            case AnswerUnusable(url='') | BodyTooLarge(url='') as fault:
                url = redact_url(effect.request.url)
                return replace(event, fault=replace(fault, url=url))
    return event
