"""Execute a plan: effect -> port -> event -> advance, until the end.

Only this module performs effects: the state machine decides which one comes next.
`docs/explanation/following-a-download.md` lists those of a cache miss, with their modules.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Final, TypeVar, assert_never

from returns.io import IOFailure, IOResult, IOSuccess
from returns.result import Result

from dlmachine.core.cache.updates import MetadataUpdate, as_file_update, as_version_update
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import Bug, Fault, InvalidInput
from dlmachine.core.frozen import replace
from dlmachine.core.machine.machine import advance, begin, most_effects
from dlmachine.core.protocol import effects, events
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.protocol.ports import Part, PartError, World
from dlmachine.core.protocol.redact_event import redact_event
from dlmachine.core.protocol.states import Failed, Finished, Step
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.exchanging import check_time, exchange, exchange_segments
from dlmachine.execution.lacking import no_cache, no_part
from dlmachine.execution.log import log_decision, log_download, log_failure, log_step
from dlmachine.execution.logging_in import log_in
from dlmachine.execution.nested import fill_cache, read_checksums, read_source
from dlmachine.execution.validating import find_objection
from dlmachine.execution.waiting import wait

if TYPE_CHECKING:
    from dlmachine.core.plan.plan import Plan


def execute(plan: 'Plan', world: World) -> IOResult[Outcome, Fault]:
    """Execute a plan; if the world has changed since, do what is necessary now.

    On an interrupt (Ctrl-C) the lock is released, and a part that can be resumed is kept.
    Faults: any; no exception is raised for an expected failure.
    """
    if isinstance(plan, Result):
        advice = 'Pass the value in it: dm.unwrap(plan)'
        wrapped = InvalidInput(where='plan', problem='is a Result', advice=advice)
        return IOFailure(wrapped)
    if plan.is_redacted:
        advice = 'Restore its secrets: plan.with_descriptor(descriptor)'
        masked = InvalidInput(where='plan', problem='has masked secrets', advice=advice)
        return IOFailure(masked)
    return run(plan.descriptor, plan.policy, plan.snapshot, world)


def run(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, world: World
) -> IOResult[Outcome, Fault]:
    """Run the state machine to its end: `execute` without a plan."""
    ahead = Run(descriptor, policy, world)
    try:
        return ahead.result(ahead.run_until(ahead.begin(snapshot)))
    finally:
        ahead.release()


#: The events that are logged, or that may contain a secret that a server echoed.
_NOTABLE: Final = frozenset({
    events.CookiesRead, events.EffectFailed, events.Interrupted, events.LoggedIn,
    events.Responded, events.SecretRead, events.SegmentsEnded,
})  # fmt: skip


_Patient = TypeVar('_Patient', effects.AcquireLock, effects.ReadCookies, effects.ReadSecret)


class Run:
    """One execution: its open part, its lock, and its effects and events so far."""

    def __init__(self, descriptor: Descriptor, policy: Policy, world: World) -> None:
        """Start a run; time limits count from now."""
        self._descriptor = descriptor
        self._policy = policy
        self._world = world
        self.slot: AbstractContextManager[object] = nullcontext()  # Entered for each exchange.
        self.began_at = world.clock.now()
        self._part: Part | None = None
        self._is_open = False
        self._lock: effects.AcquireLock | None = None
        self.story: list[tuple[effects.Effect, events.Event]] = []

    def begin(self, snapshot: Snapshot) -> Step:
        """Return the first step."""
        step = begin(self._descriptor, self._policy, replace(snapshot, now=self.began_at))
        log_decision(step, self._descriptor)
        return step

    def run_until(self, step: Step, may: Callable[[effects.Effect], bool] | None = None) -> Step:
        """Perform effects until the end, or until one that `may` rejects."""
        for _ in range(most_effects(self._descriptor, self._policy)):
            if step.effect is None or (may is not None and not may(step.effect)):
                break
            step = self.handle(step, self._perform(step.effect, step.update))
        return step

    def handle(self, step: Step, event: events.Event) -> Step:
        """Return the next step for the event of an effect."""
        effect, shown = step.effect, event
        assert effect is not None  # noqa: S101 -- an event is the result of an effect
        if type(event) in _NOTABLE:
            log_step(effect, event)
            shown = redact_event(effect, event)
        self.story.append((effect, shown))
        after = advance(step.state, event)
        if type(event) is events.Observed:
            log_decision(after, self._descriptor)
        return after

    def result(self, step: Step) -> IOResult[Outcome, Fault]:
        """Return the outcome or the fault of the last step."""
        match step.state:
            case Finished(outcome=outcome):
                log_download(outcome, self._descriptor)
                buffer = self.buffer
                if outcome.path is None and (outcome.fault is not None or buffer is None):
                    # A response without content, or one with an error status (`any_status`).
                    buffer = BytesIO(getattr(outcome.fault, 'body', '').encode())
                return IOSuccess(replace(outcome, buffer=buffer, story=tuple(self.story)))
            case Failed(fault=fault):
                log_failure(fault, self._descriptor)
                return IOFailure(fault)
            case unended:
                return IOFailure(Bug(state=type(unended).__name__, event='no end in sight'))

    def release(self) -> None:
        """Release the lock and the part, which only an interrupted run still holds."""
        if self._part is not None and self._is_open:
            self._part.discard(effects.Discard(keep=True))
        if self._lock is not None:
            lock = self._lock
            self._world.locks.release(effects.ReleaseLock(key=lock.key, folder=lock.folder))

    @property
    def buffer(self) -> BytesIO | None:
        """The buffer, if the bytes were published to memory."""
        return None if self._part is None else self._part.buffer

    def _perform(self, effect: effects.Effect, update: MetadataUpdate | None) -> events.Event:  # noqa: C901, PLR0911, PLR0912 -- one line an effect
        world = self._world
        match effect:
            case effects.CheckCopy():
                return world.files.confirm(effect)
            case effects.AcquireLock():
                self._lock = effect
                return world.locks.acquire(self._patient(effect))
            case effects.Observe():
                seen = world.observe(self._descriptor, self._policy)
                return events.Observed(at=world.clock.now(), snapshot=seen)
            case effects.FillCache(policy=policy):
                return fill_cache(run, self._descriptor, policy, world)
            case effects.OpenPart():
                return self._open(effect)
            case effects.ReadSecret():
                return world.read_secret(self._patient(effect))
            case effects.ReadCookies():
                return world.read_cookies(self._patient(effect))
            case effects.LogIn():
                return log_in(run, effect, self._policy, world, self._left)
            case effects.Exchange():
                return self._exchange(effect)
            case effects.ExchangeSegments():
                return self._exchange_segments(effect)
            case effects.Reassemble():
                return self._reassemble(effect)
            case effects.ReadChecksums():
                return read_checksums(run, effect, self._policy, world, self._left)
            case effects.ReadSource():
                return read_source(run, effect, self._policy, world, self._left)
            case effects.Validate():
                return self._validate()
            case effects.Wait():
                return wait(world, effect, self._descriptor)
            case effects.KeepChanged():
                return world.files.keep_changed(effect)
            case effects.Publish():
                return self._publish(effect)
            case effects.Record():
                return self._record(effect, update)
            case effects.RemoveVersions():
                store = world.store
                return no_cache(self._world) if store is None else store.remove_versions(effect)
            case effects.Invalidate():
                store = world.store
                return no_cache(self._world) if store is None else store.invalidate(effect)
            case effects.Unpublish():
                return world.files.unpublish(effect)
            case effects.Discard():
                return self._discard(effect)
            case effects.ReleaseLock():
                released = world.locks.release(effect)
                self._lock = None  # Only afterwards: releasing it twice is harmless.
                return released
            case _:
                assert_never(effect)

    def _open(self, effect: effects.OpenPart) -> events.PartOpened | events.EffectFailed:
        opened = self._world.files.open_part(effect)
        if isinstance(opened, events.EffectFailed):
            return opened
        self._part, self._is_open = opened, True
        return events.PartOpened(at=self._world.clock.now(), size_bytes=opened.size_bytes)

    def _exchange(
        self, effect: effects.Exchange
    ) -> events.Responded | events.Interrupted | events.EffectFailed:
        if self._part is None:
            return no_part(self._world)
        with self.slot:
            return exchange(self._world, effect, self._part, self._remaining)

    def _exchange_segments(
        self, effect: effects.ExchangeSegments
    ) -> events.SegmentsEnded | events.EffectFailed:
        if self._part is None:
            return no_part(self._world)
        with self.slot:
            return exchange_segments(self._world, effect, self._part, self._remaining)

    def _reassemble(self, effect: effects.Reassemble) -> events.Reassembled | events.EffectFailed:
        if self._part is None:
            return no_part(self._world)
        try:
            timeout, began_at = self._policy.timeout, self.began_at
            check = partial(check_time, self._world, self._descriptor, timeout, began_at)
            received = self._part.reassemble(effect, check)
        except PartError as error:
            return events.EffectFailed(at=self._world.clock.now(), fault=error.fault)
        return events.Reassembled(at=self._world.clock.now(), received=received)

    def _remaining(self, effect: effects.Exchange) -> timedelta | None:
        return None if effect.timeout is None else self._left(effect.timeout)

    @property
    def left(self) -> timedelta | None:
        """What is left of the total time; None without a limit."""
        return None if self._policy.timeout is None else self._left(self._policy.timeout)

    def _left(self, most: timedelta) -> timedelta:
        # Earlier steps have used some of the total time.
        timeout = self._policy.timeout
        if timeout is None:
            return most
        return min(most, max(timeout - (self._world.clock.now() - self.began_at), timedelta(0)))

    def _patient(self, effect: _Patient) -> _Patient:
        # The effect that waits no longer than the total time allows.
        if self._policy.timeout is None:
            return effect
        return replace(effect, patience=self._left(effect.patience))

    def _validate(self) -> events.Validated | events.EffectFailed:
        part, validate = self._part, self._policy.validate
        if part is None or validate is None:
            return no_part(self._world)
        try:
            problem = find_objection(part, validate)
        except PartError as error:
            return events.EffectFailed(at=self._world.clock.now(), fault=error.fault)
        return events.Validated(at=self._world.clock.now(), problem=problem)

    def _publish(self, effect: effects.Publish) -> events.Event:
        if self._part is None:
            return no_part(self._world)
        event = self._part.publish(effect)
        self._is_open = not isinstance(event, events.Published)
        return event

    def _discard(self, effect: effects.Discard) -> events.Event:
        if self._part is None:
            return no_part(self._world)
        discarded = self._part.discard(effect)
        self._is_open = False
        return discarded

    def _record(self, effect: effects.Record, update: MetadataUpdate | None) -> events.Event:
        store, of_cache = self._world.store, None
        if update is not None:
            of_folder, of_cache = as_file_update(update), as_version_update(update)
            if of_folder is not None:
                return self._world.index.record(effect, of_folder, self.left)
        if store is None or of_cache is None:
            return no_cache(self._world)
        return store.record(effect, of_cache)
