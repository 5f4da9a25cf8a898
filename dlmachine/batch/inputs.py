"""The inputs of a batch, taken one at a time as there is room.

The consumer of the results iterates over a collection. An iterator may block (on a queue, on
another download, on the consumer itself), so a separate thread reads it, one input ahead, while
results are yielded.
"""

import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

Task = TypeVar('Task')
Task_co = TypeVar('Task_co', covariant=True)


class Input(Protocol[Task_co]):
    """Inputs, as they become available."""

    @property
    def is_over(self) -> bool:
        """Whether there will be no more inputs."""
        ...

    def take(self) -> Task_co | None:
        """Return the next input; None if there is none now.  Raises what the iterator raises."""
        ...

    def close(self) -> None:
        """Stop taking inputs."""
        ...


class IterableInput(Generic[Task]):
    """The inputs of a collection, which never block."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = iter(tasks)
        self.is_over = False

    def take(self) -> Task | None:
        """Return the next input; None at the end."""
        task = next(self._tasks, None)
        self.is_over = task is None
        return task

    def close(self) -> None:
        """Do nothing."""


class ThreadedInput(Generic[Task]):
    """The inputs of an iterator that may block, read by a thread."""

    def __init__(self, tasks: Iterable[Task], on_more: Callable[[], None]) -> None:
        """Start the thread; it calls `on_more` for each input and at the end."""
        self._tasks = tasks
        self._on_more = on_more
        self._queue: SimpleQueue[Task] = SimpleQueue()
        self._room = threading.Semaphore(0)
        self._is_left = False
        self._error: BaseException | None = None
        self.is_over = False
        # A daemon thread: an iterator that blocks for ever must not keep the program from ending.
        threading.Thread(target=self._read, name='dlmachine-input', daemon=True).start()

    def take(self) -> Task | None:
        """Return the next input; None if there is none now, or no more."""
        if self._error is not None:
            raise self._error
        try:
            task = self._queue.get_nowait()
        except Empty:
            return None
        self._room.release()
        return task

    def close(self) -> None:
        """End the thread as soon as the iterator returns."""
        self._is_left = True
        self._room.release()

    def _read(self) -> None:
        try:
            for task in self._tasks:
                if self._is_left:
                    return
                self._queue.put(task)
                self._on_more()
                self._room.acquire()  # Wait until it is taken.
        except BaseException as error:  # noqa: BLE001 -- raised again by `take`
            self._error = error
        finally:
            self.is_over = self._error is None
            self._on_more()
