"""Group commit: the records of a batch are written together.

A transaction costs more than the records in it. A run that has reached its record is therefore set
aside, and its thread takes the next task. A few hundredths of a second later all waiting records
are written in one transaction, and each run continues to its end. Until then the run keeps its
lock, and its file is already published: if the program is killed, the state on disk is that of a
kill between the two.
"""

import os
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Final, TypeAlias

from dlmachine.batch.slots import Slots
from dlmachine.core.cache.updates import MetadataUpdate
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.effects import Effect, Record
from dlmachine.core.protocol.events import Event
from dlmachine.core.protocol.outcome import Ending
from dlmachine.core.protocol.states import Step
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.run import Run
from dlmachine_adapters.files.locks import holding_as
from dlmachine_adapters.world import SystemWorld

#: Receives the result of a run.
OnDone: TypeAlias = Callable[[Ending], None]

#: Flush at 32 records, or once the oldest has waited 50 ms: a transaction costs many records.
_FLUSH_AT_RECORDS: Final = 32
_FLUSH_AFTER_SECONDS: Final = 0.05
#: After this time the supervisor flushes, because all threads are busy.
_FLUSH_LATE_AFTER_SECONDS: Final = 0.07


@frozen(kw_only=False)
class _Entry:
    """A run that has reached its record."""

    run: Run
    step: Step
    update: MetadataUpdate
    on_done: OnDone
    holder: object


class GroupCommit:
    """The runs of one batch that wait for their record; shared by its threads."""

    def __init__(self, world: SystemWorld, workers: int) -> None:
        """Start without waiting runs; at most `workers` exchange at once."""
        self._world = world
        # A run that holds a lock must never wait for one that waits for a lock.
        self._slots, self._timed_slots = Slots(workers, world.stop), Slots(workers, world.stop)
        self._pid = os.getpid()
        self._mutex = Lock()
        self._entries: list[_Entry] = []
        self._since = 0.0

    def run(
        self,
        descriptor: Descriptor,
        policy: Policy,
        snapshot: Snapshot,
        world: SystemWorld,
        on_done: OnDone,
    ) -> None:
        """Run the state machine to its end, perhaps later, and call `on_done` with the result.

        `world` is that of the batch, or a copy for this download.
        """
        if policy.timeout is None:
            ahead = Run(descriptor, policy, world)
            ahead.slot = self._slots
            is_due = self._run(ahead, snapshot, on_done)
        else:
            with self._timed_slots:  # First, because its time passes from its start.
                is_due = self._run(Run(descriptor, policy, world), snapshot, on_done)
        if is_due:
            self.flush()

    def _run(self, ahead: Run, snapshot: Snapshot, on_done: OnDone) -> bool:
        """Run until the record, or the end; return whether the records are due."""
        holder = object()
        entry: _Entry | None = None
        with holding_as(holder):
            try:
                step = ahead.run_until(ahead.begin(snapshot), _may_be_done_now)
                if isinstance(step.effect, Record) and step.update is not None:
                    entry = _Entry(ahead, step, step.update, on_done, holder)
                    return self._put_aside(entry)
                on_done(ahead.result(step))
                return False
            finally:
                if entry is None:
                    ahead.release()

    def tick(self) -> None:
        """Flush if the oldest record has waited too long."""
        if self._entries and monotonic() - self._since > _FLUSH_LATE_AFTER_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the waiting records, and continue each run to its end."""
        if self._pid != os.getpid():
            return  # After a fork, the parent writes them.
        with self._mutex:
            entries, self._entries = self._entries, []
        if not entries:
            return
        ended: list[tuple[OnDone, Ending]] = []
        problem: BaseException | None = None
        with self._world.stop.tracked():
            try:
                left = [one for entry in entries if (one := entry.run.left) is not None]
                updates = [entry.update for entry in entries]
                events = self._world.record_all(updates, min(left, default=None))
            except BaseException:
                for entry in entries:
                    _release(entry)
                raise
            for entry, event in zip(entries, events, strict=True):
                try:
                    ended.append((entry.on_done, _end(entry, event)))
                except BaseException as error:  # noqa: BLE001 -- raised below: the others come first
                    problem = error
        # Called together, because the first call wakes up the consumer of the results.
        for on_done, done in ended:
            on_done(done)
        if problem is not None:
            raise problem

    def _put_aside(self, entry: _Entry) -> bool:
        now = monotonic()
        with self._mutex:
            if not self._entries:
                self._since = now
            self._entries.append(entry)
            is_late = now - self._since > _FLUSH_AFTER_SECONDS or self._world.stop.is_set
            return is_late or len(self._entries) >= _FLUSH_AT_RECORDS


def _may_be_done_now(effect: Effect) -> bool:
    return not isinstance(effect, Record)


def _end(entry: _Entry, event: Event) -> Ending:
    ahead = entry.run
    with holding_as(entry.holder):
        try:
            return ahead.result(ahead.run_until(ahead.handle(entry.step, event)))
        finally:
            ahead.release()


def _release(entry: _Entry) -> None:
    with holding_as(entry.holder):
        entry.run.release()
