"""A pool of threads that grows only while there is processor time left.

Python runs one thread at a time. If responses arrive at once, another thread only makes the others
wait, at twice the cost; if responses take time, another thread does useful work meanwhile. So the
pool starts with one thread, and adds threads while the processor is idle.
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

#: Seconds between checks of whether to add a thread.
_CHECK_SECONDS: Final = 0.01
#: The pool grows while it uses less than this share of one processor.
_BUSY: Final = 0.5
#: Without a result for this long, the time is spent outside Python: on the network, the disk, or
#: the digest of a large file.
_QUIET_SECONDS: Final = 0.3
#: Results that may be held back until they are recorded together; an input that may wait for
#: earlier results is not taken that far ahead.
_HELD_BACK: Final = 32
#: Seconds between checks of an idle thread whether the program is ending.
_IDLE_SECONDS: Final = 0.5
#: The names of all threads of dlmachine begin with this.
_OURS: Final = 'dlmachine'


class CancelToken(Protocol):
    """Tells the threads to stop."""

    is_set: bool

    def set(self) -> None:
        """Stop the threads."""
        ...


class AdaptivePool(Generic[Task, Result]):
    """Threads that do the same work on one task after another."""

    def __init__(
        self,
        work: Callable[[Task, Callable[[Result], None]], None],
        most: int,
        stop: CancelToken,
        on_tick: Callable[[], None] = lambda: None,
        on_idle: Callable[[], None] = lambda: None,
        spare: int = 0,
    ) -> None:
        """Set up a pool of at most `most` threads; none of them runs yet.

        `work` gets a task and a function to call with its result, at once or later. `on_tick` is
        called every hundredth of a second, `on_idle` when there are no tasks left, and at the end.
        `spare` are further threads, for which no more tasks are taken ahead.
        """
        self._work = work
        self._on_tick = on_tick
        self._on_idle = on_idle
        self._most_open = 2 * most  # One task ahead of each thread keeps them busy.
        self._most = most + spare
        self._stop = stop
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        # None wakes up the consumer.
        self._done: SimpleQueue[tuple[Result | None, BaseException | None] | None] = SimpleQueue()
        self._done_at = monotonic()
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._pid = os.getpid()
        self._supervisor = threading.Thread(
            target=self._supervise, name=f'{_OURS}-supervisor', daemon=True
        )

    def map_unordered(
        self,
        tasks: Iterable[Task],
        known: Callable[[Task], Result | None] = lambda _: None,
        *,
        may_wait: bool = False,
    ) -> Iterator[Result]:
        """Yield the result of each task as it is done; tasks are taken as threads become free.

        `known` returns the result of a task that needs no thread, or None. `may_wait` says that
        the iterator of tasks may block. A cancelled pool takes no more tasks; closing this iterator
        cancels the pool. Raises what the work raises.
        """
        ahead: Input[Task] = ThreadedInput(tasks, self._wake) if may_wait else IterableInput(tasks)
        most = self._most_open + (0 if may_wait else _HELD_BACK)
        open_tasks = 0
        try:
            if may_wait:
                self._supervisor.start()
            while True:
                while open_tasks < most and not self._stop.is_set:
                    task = ahead.take()
                    if task is None:
                        break
                    result = known(task)
                    if result is not None:
                        yield result
                        continue
                    self._tasks.put(task)
                    open_tasks += 1
                    if not self._threads:
                        self._begin()
                if not open_tasks and (ahead.is_over or self._stop.is_set):
                    return
                done = self._next()
                if done is None:
                    continue
                result, error = done
                open_tasks -= 1
                if error is not None:
                    raise error
                yield result  # type: ignore[misc]  # one of the two is set
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
            return  # The threads belong to the parent.
        self._stop.set()
        self._over.set()
        for _ in self._threads:
            self._tasks.put(None)
        if threading.current_thread().name.startswith(_OURS):
            # The garbage collector closed an abandoned iterator inside one of the threads: the
            # threads end by themselves, and are not waited for.
            return
        try:
            if self._supervisor.is_alive():
                self._supervisor.join()  # First, because it may be adding a thread.
            for thread in self._threads:
                if thread.is_alive():
                    thread.join()
        finally:
            # Even after an interrupt: each thread also calls it at its end.
            self._on_idle()

    def _supervise(self) -> None:
        while True:
            began, used = monotonic(), process_time()
            if self._over.wait(_CHECK_SECONDS):
                return
            self._call(self._on_tick)
            if self._stop.is_set and self._done.empty():
                self._wake()  # The consumer must not wait for an input any more.
            if len(self._threads) >= self._most:
                continue
            now = monotonic()
            share = (process_time() - used) / (now - began)
            if self._tasks.qsize() and (share < _BUSY or now - self._done_at > _QUIET_SECONDS):
                with suppress(RuntimeError):  # The system allows no more threads.
                    self._grow(self._wanted(share))

    def _wanted(self, share: float) -> int:
        # Estimated from the current share, but at most twice as many: a superfluous thread costs
        # more than a missing one, and the next check comes soon.
        there = len(self._threads)
        wanted = int(there * (_BUSY / max(share, 0.01) - 1))
        return max(1, min(wanted, there, self._most - there))

    def _grow(self, by: int) -> None:
        for _ in range(by):
            thread = threading.Thread(target=self._run, name=f'{_OURS}_{len(self._threads)}')
            self._threads.append(thread)  # Before the start, which an interrupt may follow.
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
                # Tasks may wait for results that are only reported now.
                self._call(self._on_idle)
            try:
                task = self._tasks.get(timeout=_IDLE_SECONDS)
            except Empty:
                # An abandoned batch must not keep the program from ending.
                if threading.main_thread().is_alive():
                    continue
                return
            if task is None or self._over.is_set():
                return
            try:
                self._work(task, self._on_done)
            except BaseException as error:  # noqa: BLE001 -- raised again in the consumer
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
