"""Threads that do several exchanges at once.

Contract: implements `ports.Workers`. If the caller is interrupted, the threads are not waited for:
their sinks are closed by then.
"""

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TypeVar

End = TypeVar('End')


class ThreadWorkers:
    """Runs jobs in as many threads as allowed."""

    def run(
        self, jobs: Sequence[Callable[[], End]], most: int, goes_on: Callable[[End], bool]
    ) -> tuple[End | None, ...]:
        """Run the jobs, at most `most` at once.  Raises what a job raises."""
        waiting = iter(enumerate(jobs))
        taking = threading.Lock()
        done: SimpleQueue[tuple[int, End] | BaseException | None] = SimpleQueue()

        def work() -> None:
            try:
                while True:
                    with taking:
                        number, job = next(waiting, (-1, None))
                    if job is None:
                        break
                    end = job()
                    done.put((number, end))
                    if not goes_on(end):
                        break
            except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
                done.put(error)
            done.put(None)

        working = min(most, len(jobs))
        for _ in range(working):
            threading.Thread(target=work, daemon=True, name='dlmachine-segment').start()
        ends: list[End | None] = [None] * len(jobs)
        while working:
            one = done.get()
            if one is None:
                working -= 1
            elif isinstance(one, BaseException):
                raise one
            else:
                ends[one[0]] = one[1]
        return tuple(ends)
