"""Feeding: where the inputs of a batch come from, one after the other, as there is room.

What is a collection is gone through by whoever goes through the results. An iterator may
have to be waited for (a queue, another download, whoever looks at the results), and then a
thread of its own waits, one input ahead, so that results are given out meanwhile.
"""

import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

Task = TypeVar('Task')
Task_co = TypeVar('Task_co', covariant=True)


class Input(Protocol[Task_co]):
    """Inputs, as they are there."""

    @property
    def is_over(self) -> bool:
        """Whether there will be no more."""
        ...

    def take(self) -> Task_co | None:
        """The next, or None if there is none now.  Raises: what the input raises."""
        ...

    def close(self) -> None:
        """No more are wanted."""
        ...


class IterableInput(Generic[Task]):
    """Inputs that are there already."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        """Take them from here."""
        self._tasks = iter(tasks)
        self.is_over = False

    def take(self) -> Task | None:
        """The next; None if there is none."""
        task = next(self._tasks, None)
        self.is_over = task is None
        return task

    def close(self) -> None:
        """Nothing to end."""


class ThreadedInput(Generic[Task]):
    """Inputs that a thread waits for."""

    def __init__(self, tasks: Iterable[Task], on_more: Callable[[], None]) -> None:
        """Begin to take them; `on_more` is called when there is one, or there are no more."""
        self._tasks = tasks
        self._on_more = on_more
        self._queue: SimpleQueue[Task] = SimpleQueue()
        self._room = threading.Semaphore(0)
        self._is_left = False
        self._error: BaseException | None = None
        self.is_over = False
        # A daemon: an input that never comes must not keep the program from ending.
        threading.Thread(target=self._feed, name='dlmachine-feeder', daemon=True).start()

    def take(self) -> Task | None:
        """The next; None if it is not there yet, or there is none."""
        if self._error is not None:
            raise self._error
        try:
            task = self._queue.get_nowait()
        except Empty:
            return None
        self._room.release()
        return task

    def close(self) -> None:
        """Its thread ends as soon as the input lets it."""
        self._is_left = True
        self._room.release()

    def _feed(self) -> None:
        try:
            for task in self._tasks:
                if self._is_left:
                    return
                self._queue.put(task)
                self._on_more()
                self._room.acquire()  # It is taken.
        except BaseException as error:  # noqa: BLE001 -- raised again where it is taken
            self._error = error
        finally:
            self.is_over = self._error is None
            self._on_more()
