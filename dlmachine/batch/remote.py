"""Runs whose middle part is done by a worker of an executor.

caller   look up, take the lock, look again worker   open a part, exchange, wait, validate, publish
(or discard) caller   record, remove old versions (or unpublish), release the lock

The state machine can continue from a state anywhere. The caller sends a state to the worker as a
value, with everything about the download (secrets included); the worker returns its last state.
Only the caller uses the lock and the registry, so workers need no database; they need the folder
under the same path.
"""

import contextlib
import os
import pickle
import secrets
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import Any, Final

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.key import shown_url
from dlmachine.core.cache.updates import MetadataUpdate
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import (
    CacheUnusable,
    Cancelled,
    Fault,
    InvalidInput,
    TimedOut,
    WorkerLost,
)
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.filename import OUR_FOLDER
from dlmachine.core.protocol.effects import (
    AcquireLock,
    Discard,
    Effect,
    Invalidate,
    Observe,
    OpenPart,
    ReadChecksums,
    ReadSource,
    Record,
    ReleaseLock,
    RemoveVersions,
    Unpublish,
)
from dlmachine.core.protocol.events import Discarded, EffectFailed, Event, NameTaken
from dlmachine.core.protocol.outcome import Ending
from dlmachine.core.protocol.states import Finished, Opening, Step
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import InCache
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.run import Run
from dlmachine_adapters.runtime.cancellation import POLL_SECONDS, CancelToken, FileCancelToken
from dlmachine_adapters.world import SystemWorld

#: The effects that only the caller performs; a worker performs all others.
_LOCAL_EFFECTS: Final = (
    AcquireLock, Observe, ReadChecksums, ReadSource, Record, RemoveVersions, Invalidate, Unpublish,
    ReleaseLock,
)  # fmt: skip
_MAX_WORDS: Final = 300
#: How much longer than the time limit the caller waits for the worker.
_GRACE_SECONDS: Final = 0.5
#: How long the caller waits for a worker that was cancelled.
_PATIENCE_SECONDS: Final = 5.0


@frozen
class RemoteRun:
    """A run that changes hands: where it stands, and its results so far.

    `folder` is that of the cache; `token` tells a worker of the caller's own process whose
    it is, and all others by what name to look for a notice that they are to stop. `elapsed` is
    how long the run has taken so far, by the caller's clock. `buffer` holds the bytes if memory
    is their destination.
    """

    step: Step
    token: str
    elapsed: timedelta
    folder: str | None = None
    story: tuple[tuple[Effect, Event], ...] = ()
    buffer: BytesIO | None = None

    @property
    def notice(self) -> Path | None:
        """The file whose existence cancels a worker in another process."""
        if self.folder is None:
            return None
        return Path(self.folder, OUR_FOLDER, 'locks', f'{self.token}.stop')


def run_with_executor(
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
    world: SystemWorld,
    executor: Executor,
) -> Ending:
    """Run the state machine to its end, with a worker if anything is to be fetched."""
    ahead = LocalHalf(descriptor, policy, world)
    try:
        step = ahead.run_until(
            ahead.begin(snapshot), lambda effect: not isinstance(effect, OpenPart)
        )
        if isinstance(step.effect, OpenPart):
            step = ahead.send(step, executor)
        return ahead.result(ahead.run_until(step))
    finally:
        ahead.release()


def perform_remotely(remote: RemoteRun) -> RemoteRun:
    """Run the worker's part, until an effect that only the caller performs."""
    state = remote.step.state
    assert isinstance(state, Opening)  # noqa: S101 -- the caller sends no other state
    world = _LOCAL_WORLDS.get((os.getpid(), remote.token)) or _world_here(remote)
    mine = Run(state.job.descriptor, state.job.policy, world)
    # Clocks of computers differ: the elapsed time is subtracted from this clock.
    mine.began_at -= remote.elapsed
    here = replace(state, job=replace(state.job, began_at=mine.began_at))
    try:
        step = mine.run_until(
            replace(remote.step, state=here), lambda effect: not isinstance(effect, _LOCAL_EFFECTS)
        )
        return replace(remote, step=step, story=tuple(mine.story), buffer=mine.buffer)
    finally:
        mine.release()


class LocalHalf(Run):
    """The caller's part of a run; the worker has the open part."""

    def __init__(self, descriptor: Descriptor, policy: Policy, world: SystemWorld) -> None:
        super().__init__(descriptor, policy, world)
        self._here = world
        self._returned: RemoteRun | None = None

    @property
    def buffer(self) -> BytesIO | None:
        """The buffer that the worker returned."""
        return None if self._returned is None else self._returned.buffer

    def send(self, step: Step, executor: Executor) -> Step:
        """Send a step to a worker, and return the worker's last step."""
        remote = _remote_run(step, self._here.clock.now() - self.began_at)
        number = os.getpid(), remote.token
        _LOCAL_WORLDS[number] = self._here
        try:
            came = _pass_on(remote, executor, self._here.stop, self._until())
        finally:
            del _LOCAL_WORLDS[number]
        if not isinstance(came, RemoteRun):
            return self.handle(step, EffectFailed(at=self._here.clock.now(), fault=came))
        self._returned = came
        self.story.extend(came.story)
        return came.step

    def _until(self) -> float | None:
        # By the monotonic clock; the worker has the same limit, and reports it first.
        left = self.left
        return None if left is None else monotonic() + left.total_seconds() + _GRACE_SECONDS

    def perform(self, effect: Effect, update: MetadataUpdate | None) -> Event:
        """Perform an effect; what the worker has done already is not done again."""
        if self._returned is None:
            return super().perform(effect, update)
        if isinstance(effect, Discard):
            return Discarded(at=self._here.clock.now())  # The worker has discarded it.
        event = super().perform(effect, update)
        if isinstance(effect, Record) and isinstance(event, NameTaken):
            # Only without working locks: there is no part here to publish under another name.
            folder = self._returned.folder or ''
            taken = CacheUnusable(path=folder, problem='another process took the version meanwhile')
            return EffectFailed(at=event.at, fault=taken)
        return event


#: The worlds of waiting callers, by process: a forked child inherits those of its parent.
_LOCAL_WORLDS: Final[dict[tuple[int, str], SystemWorld]] = {}
#: The worlds of workers, by process and folder; they are kept for their connections.
_WORLDS: Final[dict[tuple[int, str | None], SystemWorld]] = {}


def _world_here(remote: RemoteRun) -> SystemWorld:
    number, notice = (os.getpid(), remote.folder), remote.notice
    if number not in _WORLDS:
        _WORLDS.setdefault(number, SystemWorld(None, shares=remote.folder))
    world = _WORLDS[number]
    return world if notice is None else world.under(FileCancelToken(notice))


def _remote_run(step: Step, elapsed: timedelta) -> RemoteRun:
    # A worker may have another current folder, so all paths are made absolute.
    state = step.state
    assert isinstance(state, Opening)  # noqa: S101 -- the effect is OpenPart
    assert isinstance(step.effect, OpenPart)  # noqa: S101 -- as above
    job, cache = state.job, state.job.snapshot.cache
    folder = '' if cache is None else os.path.abspath(cache.folder)
    if cache is not None and folder != cache.folder:
        entries = tuple(_absolute(entry) for entry in cache.entries)
        seen = replace(cache, folder=folder, entries=entries)
        decision = job.decision
        if isinstance(decision.destination, InCache):
            decision = replace(decision, destination=InCache(folder))
        entry = None if decision.entry is None else _absolute(decision.entry)
        job = replace(
            job,
            snapshot=replace(job.snapshot, cache=seen),
            decision=replace(decision, entry=entry),
        )
    beside = step.effect.beside
    effect = replace(step.effect, beside=None if beside is None else os.path.abspath(beside))
    sent = replace(step, state=replace(state, job=job), effect=effect)
    token = secrets.token_hex(16)
    return RemoteRun(step=sent, token=token, elapsed=elapsed, folder=folder or None)


def _absolute(entry: CacheEntry) -> CacheEntry:
    return replace(entry, path=os.path.abspath(entry.path))


def _pass_on(
    remote: RemoteRun, executor: Executor, stop: CancelToken, until: float | None
) -> RemoteRun | Fault:
    try:
        future = executor.submit(perform_remotely, remote)
    except Exception as error:  # noqa: BLE001 -- an executor may raise anything
        return _lost(remote, error)
    came: RemoteRun | Fault | None = None
    while came is None and not stop.is_set and (until is None or monotonic() < until):
        came = _look(future, remote, POLL_SECONDS)
    if came is not None:
        return came
    fault = Cancelled() if stop.is_set else _too_late(remote)
    if future.cancel():
        return fault
    with _noticed(remote):
        came = _look(future, remote, _PATIENCE_SECONDS)
    # Finished work counts; a failure caused by the cancellation does not replace the fault.
    is_done = isinstance(came, RemoteRun) and (
        isinstance(came.step.effect, Record) or isinstance(came.step.state, Finished)
    )
    return came if came is not None and (is_done or stop.is_set) else fault


def _too_late(remote: RemoteRun) -> Fault:
    job: Any = getattr(remote.step.state, 'job', None)
    url = shown_url(job.descriptor)
    return TimedOut(url=url, phase='total', limit=job.policy.timeout)


def _look(
    future: 'Future[RemoteRun]', remote: RemoteRun, seconds: float
) -> RemoteRun | Fault | None:
    try:
        return future.result(timeout=seconds)
    except Exception as error:  # noqa: BLE001 -- a worker may raise anything
        is_open = isinstance(error, TimeoutError) and not future.done()
        return None if is_open else _lost(remote, error)


@contextmanager
def _noticed(remote: RemoteRun) -> Iterator[None]:
    notice = remote.notice
    if notice is not None:
        with contextlib.suppress(OSError):
            notice.touch()
    yield
    if notice is not None:
        with contextlib.suppress(OSError):
            notice.unlink(missing_ok=True)


def _lost(remote: RemoteRun, error: Exception) -> Fault:
    state: Any = remote.step.state
    validate = state.job.policy.validate
    if validate is not None and isinstance(
        error, (pickle.PicklingError, AttributeError, TypeError)
    ):
        try:
            pickle.dumps(validate)
        except Exception as problem:  # noqa: BLE001 -- any exception means that it cannot be sent
            return InvalidInput(
                where='validate',
                problem=f'cannot be sent to a worker: {problem}'[:_MAX_WORDS],
                advice='Pass a function defined at the top level of a module',
            )
    words = f'{type(error).__name__}: {error}' if str(error) else type(error).__name__
    return WorkerLost(problem=words[:_MAX_WORDS])
