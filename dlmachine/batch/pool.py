"""A crew: as many threads as it takes to keep busy, and no more.

Python runs one thread at a time. Where answers come at once, each thread more only makes
the others wait for their turn, at twice the cost; where they are waited for, it does work
that would else be left. So there is one at first, and more come while there is time left.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic, process_time
from typing import Final, Generic, Protocol, TypeVar

from dlmachine.batch.inputs import Input, IterableInput, ThreadedInput

Task = TypeVar('Task')
Result = TypeVar('Result')

#: How long it is looked on before the crew grows.
_CHECK_SECONDS: Final = 0.01
#: Below this share of one processor there is time left.
_BUSY: Final = 0.5
#: Work without a result for so long is done elsewhere than in Python: by the net, the disk,
#: or the digest of a large file.
_QUIET_SECONDS: Final = 0.3
#: How often an idle thread looks whether the program is at its end.
_IDLE_SECONDS: Final = 0.5
#: The names of our threads begin with this.
_OURS: Final = 'dlmachine'


class CancelToken(Protocol):
    """Tells those who work to end."""

    is_set: bool

    def set(self) -> None:
        """From now on."""
        ...


class AdaptivePool(Generic[Task, Result]):
    """Threads that do the same work on one task after the other."""

    def __init__(
        self,
        work: Callable[[Task, Callable[[Result], None]], None],
        most: int,
        stop: CancelToken,
        on_tick: Callable[[], None] = lambda: None,
        on_idle: Callable[[], None] = lambda: None,
    ) -> None:
        """At most so many threads; none of them runs yet.

        `work` is given a task, and whom to tell its result, now or later. `on_tick` is called
        every hundredth of a second, `on_idle` when there are no tasks left, and at the end.
        """
        self._work = work
        self._on_tick = on_tick
        self._on_idle = on_idle
        self._most = most
        self._stop = stop
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        # None wakes up whoever waits for a result.
        self._done: SimpleQueue[tuple[Result | None, BaseException | None] | None] = SimpleQueue()
        self._done_at = monotonic()
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._pid = os.getpid()
        self._supervisor = threading.Thread(
            target=self._supervise, name=f'{_OURS}-foreman', daemon=True
        )

    def map_unordered(self, tasks: Iterable[Task], *, may_wait: bool = False) -> Iterator[Result]:
        """The result of each task, as it is done; tasks are taken as threads become free.

        `may_wait` says that the next task may have to be waited for. Once it is to stop, no
        more are taken; and it is to stop when it is left. Raises what the work raises.
        """
        ahead: Input[Task] = ThreadedInput(tasks, self._wake) if may_wait else IterableInput(tasks)
        open_tasks = 0
        try:
            if may_wait:
                self._supervisor.start()
            while True:
                # One task ahead of each thread keeps them busy while results are consumed.
                while open_tasks < 2 * self._most and not self._stop.is_set:
                    task = ahead.take()
                    if task is None:
                        break
                    self._tasks.put(task)
                    open_tasks += 1
                    if not self._threads:
                        self._begin()
                if not open_tasks and (ahead.is_over or self._stop.is_set):
                    return
                told = self._next()
                if told is None:
                    continue
                result, error = told
                open_tasks -= 1
                if error is not None:
                    raise error
                yield result  # type: ignore[misc]  # one of the two is there
        finally:
            ahead.close()
            self._finish()

    def _begin(self) -> None:
        self._grow(1)
        if not self._supervisor.is_alive():
            self._supervisor.start()

    def _next(self) -> tuple[Result | None, BaseException | None] | None:
        if self._pid != os.getpid():
            msg = 'this batch belongs to the process that began it'
            raise RuntimeError(msg)
        return self._done.get()

    def _wake(self) -> None:
        self._done.put(None)

    def _finish(self) -> None:
        if self._pid != os.getpid():
            return  # Threads and tasks are the parent's.
        self._stop.set()
        self._over.set()
        for _ in self._threads:
            self._tasks.put(None)
        if threading.current_thread().name.startswith(_OURS):
            # The garbage collector came upon an iterator that nobody has any more, in the middle
            # of somebody's work: the threads end by themselves, and are not waited for.
            return
        try:
            if self._supervisor.is_alive():
                self._supervisor.join()  # First: it may be making one more.
            for thread in self._threads:
                if thread.is_alive():
                    thread.join()
        finally:
            # Should this be interrupted: each thread does the same when it ends.
            self._on_idle()

    def _supervise(self) -> None:
        while True:
            began, used = monotonic(), process_time()
            if self._over.wait(_CHECK_SECONDS):
                return
            self._call(self._on_tick)
            if self._stop.is_set and self._done.empty():
                self._wake()  # Whoever waits for an input has none to wait for any more.
            if len(self._threads) >= self._most:
                continue
            now = monotonic()
            share = (process_time() - used) / (now - began)
            if self._tasks.qsize() and (share < _BUSY or now - self._done_at > _QUIET_SECONDS):
                with suppress(RuntimeError):  # There are as many as the system allows.
                    self._grow(self._wanted(share))

    def _wanted(self, share: float) -> int:
        # As many as would have the processor busy, but no more than there are: one too many
        # costs more than one too few, and it is soon looked again.
        there = len(self._threads)
        wanted = int(there * (_BUSY / max(share, 0.01) - 1))
        return max(1, min(wanted, there, self._most - there))

    def _grow(self, by: int) -> None:
        for _ in range(by):
            thread = threading.Thread(target=self._run, name=f'{_OURS}_{len(self._threads)}')
            self._threads.append(thread)  # Before: an interrupt may come after it has begun.
            try:
                thread.start()
            except RuntimeError:
                self._threads.remove(thread)
                raise

    def _run(self) -> None:
        try:
            self._work_on()
        finally:
            self._call(self._on_idle)

    def _work_on(self) -> None:
        while not self._over.is_set():
            if self._tasks.empty():
                # Tasks may be waiting for what is told only now.
                self._call(self._on_idle)
            try:
                task = self._tasks.get(timeout=_IDLE_SECONDS)
            except Empty:
                # A batch that nobody goes on with must not keep the program from ending.
                if threading.main_thread().is_alive():
                    continue
                return
            if task is None or self._over.is_set():
                return
            try:
                self._work(task, self._on_done)
            except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
                self._fail(error)

    def _call(self, function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 -- as above
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._done.put((None, error))
        self._done_at = monotonic()

    def _on_done(self, result: Result) -> None:
        self._done.put((result, None))
        self._done_at = monotonic()
