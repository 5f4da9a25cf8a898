"""Performs one effect after the other by the ports of a world.

Only this module performs effects. The state machine decides which effect comes next, and the ports
report its result.
"""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from typing import TypeVar, assert_never

from dlmachine.core.cache.updates import MetadataUpdate, as_file_update, as_version_update
from dlmachine.core.faults import StorageFailed
from dlmachine.core.frozen import replace
from dlmachine.core.protocol import effects, events
from dlmachine.core.protocol.ports import Part, PartError, World
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.exchanging import check_time, exchange, exchange_segments
from dlmachine.execution.logging_in import log_in
from dlmachine.execution.nested import RunToEnd, fill_cache, read_checksums, read_source
from dlmachine.execution.validating import find_objection
from dlmachine.execution.waiting import wait

_Patient = TypeVar(
    '_Patient',
    effects.AcquireLock,
    effects.ExtractArchive,
    effects.ReadCookies,
    effects.ReadSecret,
)


class Performer:
    """The effects of one download: its open part, its lock, and the time that is left.

    `run` is the function for downloads within this one: of a login, of a checksum file.
    """

    #: Entered for each exchange.
    slot: AbstractContextManager[object] = nullcontext()

    def __init__(
        self,
        descriptor: Descriptor,
        policy: Policy,
        world: World,
        run: RunToEnd,
        began_at: datetime | None,
    ) -> None:
        """Begin; time limits count from `began_at`, or from now."""
        self._descriptor = descriptor
        self._policy = policy
        self._world = world
        self._run = run
        self.began_at = began_at or world.clock.now()
        self._part: Part | None = None
        self._is_open = False
        self._lock: effects.AcquireLock | None = None

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

    def perform(self, effect: effects.Effect, update: MetadataUpdate | None) -> events.Event:  # noqa: C901, PLR0911, PLR0912 -- one line an effect
        """Perform an effect by its port, and return its event."""
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
                return fill_cache(self._run, self._descriptor, policy, world)
            case effects.OpenPart():
                return self._open(effect)
            case effects.ReadSecret():
                return world.read_secret(self._patient(effect))
            case effects.ReadCookies():
                return world.read_cookies(self._patient(effect))
            case effects.LogIn():
                return log_in(self._run, effect, self._policy, world, self._left)
            case effects.Exchange():
                return self._exchange(effect)
            case effects.ExchangeSegments():
                return self._exchange_segments(effect)
            case effects.Reassemble():
                return self._reassemble(effect)
            case effects.ReadChecksums():
                return read_checksums(self._run, effect, self._policy, world, self._left)
            case effects.ReadSource():
                return read_source(self._run, effect, self._policy, world, self._left)
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
                return self._store_missing() if store is None else store.remove_versions(effect)
            case effects.Invalidate():
                store = world.store
                return self._store_missing() if store is None else store.invalidate(effect)
            case effects.Unpublish():
                return world.files.unpublish(effect)
            case effects.Discard():
                return self._discard(effect)
            case effects.ReleaseLock():
                released = world.locks.release(effect)
                self._lock = None  # Only afterwards: releasing it twice is harmless.
                return released
            case effects.ExtractArchive():
                return self._extract(effect)
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
            return self._no_part()
        with self.slot:
            return exchange(self._world, effect, self._part, self._remaining)

    def _exchange_segments(
        self, effect: effects.ExchangeSegments
    ) -> events.SegmentsEnded | events.EffectFailed:
        if self._part is None:
            return self._no_part()
        with self.slot:
            return exchange_segments(self._world, effect, self._part, self._remaining)

    def _reassemble(self, effect: effects.Reassemble) -> events.Reassembled | events.EffectFailed:
        if self._part is None:
            return self._no_part()
        try:
            timeout, began_at = self._policy.timeout, self.began_at
            check = partial(check_time, self._world, self._descriptor, timeout, began_at)
            received = self._part.reassemble(effect, check)
        except PartError as error:
            return events.EffectFailed(at=self._world.clock.now(), fault=error.fault)
        return events.Reassembled(at=self._world.clock.now(), received=received)

    def _extract(
        self, effect: effects.ExtractArchive
    ) -> events.ArchiveExtracted | events.EffectFailed:
        world, timeout = self._world, self._policy.timeout
        check = partial(check_time, world, self._descriptor, timeout, self.began_at)
        return world.files.extract(self._patient(effect), world.locks, check)

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
            return self._no_part()
        try:
            problem = find_objection(part, validate)
        except PartError as error:
            return events.EffectFailed(at=self._world.clock.now(), fault=error.fault)
        return events.Validated(at=self._world.clock.now(), problem=problem)

    def _publish(self, effect: effects.Publish) -> events.Event:
        if self._part is None:
            return self._no_part()
        event = self._part.publish(effect)
        self._is_open = not isinstance(event, events.Published)
        return event

    def _discard(self, effect: effects.Discard) -> events.Event:
        if self._part is None:
            return self._no_part()
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
            return self._store_missing()
        return store.record(effect, of_cache)

    def _no_part(self) -> events.EffectFailed:
        return self._missing('write', 'no part is open')

    def _store_missing(self) -> events.EffectFailed:
        return self._missing('record', 'there is no cache')

    def _missing(self, operation: str, problem: str) -> events.EffectFailed:
        fault = StorageFailed(path='', operation=operation, problem=problem)
        return events.EffectFailed(at=self._world.clock.now(), fault=fault)
