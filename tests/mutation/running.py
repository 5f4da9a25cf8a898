"""Run the tests on mutants in several processes."""

import multiprocessing
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from multiprocessing.queues import Queue
from typing import Any, Final

from tests.mutation.anew import try_anew
from tests.mutation.in_place import Task, Tell, try_in_place
from tests.mutation.making import NOT_IN_PLACE, Mutant
from tests.mutation.workshop import enter, read_results, write_results

_FORK: Final = multiprocessing.get_context('fork')

Work = Callable[[Iterable[Task], Tell], None]


def run(
    modules: Sequence[str],
    only: Collection[str] | None,
    jobs: int,
    is_explained: Callable[[Mutant], bool],
) -> bool:
    """Try the mutants of these modules, or `only` those with these names; save the results.

    What is left by the first pass is tried by the second one, which takes longer: definitions, and
    what survives although imports run it, unless that is explained. Returns whether all were tried.
    """
    results = {
        name: one
        for name, one in read_results().items()
        if (one.module not in modules if only is None else name not in only)
    }
    tried = _share(try_in_place, [(one, only) for one in modules], jobs)
    for found in _saved(tried, results):
        print(f'{found[0].module}: {len(found)} mutants', flush=True)
    left = [
        (one.module, [one.name])
        for one in results.values()
        if one.module in modules
        and (one.exit_code is None or (one.exit_code == NOT_IN_PLACE and not is_explained(one)))
    ]
    tried = _share(try_anew, left, jobs)
    for number, _ in enumerate(_saved(tried, results), 1):
        if number % 100 == 0:
            print(f'imported anew: {number} of {len(left)}', flush=True)
    return all(one.exit_code is not None for one in results.values())


def _saved(tried: Iterable[list[Mutant]], results: dict[str, Mutant]) -> Iterator[list[Mutant]]:
    for found in tried:
        if found:
            results.update({one.name: one for one in found})
            write_results(results.values())
            yield found


def _share(work: Work, tasks: Sequence[Task], jobs: int) -> Iterator[list[Mutant]]:
    """Share the tasks among processes, and yield the results of each."""
    waiting: Queue[Task | None] = _FORK.Queue()
    done: Queue[list[dict[str, Any]] | None] = _FORK.Queue()
    for task in chain(tasks, [None] * jobs):
        waiting.put(task)
    workers = [
        _FORK.Process(target=_work, args=(work, waiting, done), daemon=True)
        for _ in range(min(jobs, len(tasks)))
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        for found in iter(done.get, None):
            yield [Mutant(**one) for one in found]
    for worker in workers:
        worker.join()


def _work(
    work: Work, waiting: 'Queue[Task | None]', done: 'Queue[list[dict[str, Any]] | None]'
) -> None:
    enter()
    try:
        # Their class cannot be found any more by its name, where the tests are those of the copy.
        work(iter(waiting.get, None), lambda found: done.put([asdict(one) for one in found]))
    finally:
        done.put(None)
