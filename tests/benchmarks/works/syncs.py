"""Sync: a locked manifest whose files are all recorded in the folder."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.measuring import Entry
from tests.benchmarks.serving import run_nginx
from tests.benchmarks.work import Bench, Target, Work, extra, ratio
from tests.benchmarks.works.common import WORKERS, by_program
from tests.benchmarks.works.filling import seed_sync
from tests.benchmarks.works.known_files import FLAT, count_requests, cpu_of, wall_of


@contextmanager
def syncs(bench: Bench) -> Iterator[Work]:
    """`manager.sync` of 1,000, 10,000 and 100,000 entries that are there already.

    10,000 of them are also in 100 folders, one after another in each: the worst order.
    """
    counts = (100, 500, 2000) if bench.is_quick else (1000, 10_000, 100_000)
    folders = bench.pick(100, 20)
    with run_nginx(bench.folder) as nginx, socket.create_server(('127.0.0.1', 0)) as listener:
        listener.setblocking(False)
        base = f'http://127.0.0.1:{listener.getsockname()[1]}/known'
        _, middle, large = (f'{count:,} entries' for count in counts)
        spread = f'{middle} in {folders} folders'
        entries = [_sync(bench, nginx, base, count, listener) for count in counts]
        entries.append(_sync(bench, nginx, base, counts[1], listener, folders))
        yield Work(
            name='sync',
            title='sync of a locked manifest whose files are recorded in the folder',
            reference=middle,
            unit='entry',
            entries=tuple(entries),
            targets=(
                Target(text=f'seconds for {middle}', most=2.0, figure=wall_of(middle)),
                Target(text=f'CPU seconds for {middle}', most=2.0, figure=cpu_of(middle)),
                Target(text=f'CPU seconds for {spread}', most=2.0, figure=cpu_of(spread)),
                ratio(large, middle, f'an entry of {large} / of {middle}', FLAT),
                extra(large, 'requests', 'requests', 0.0),
            ),
        )


def _sync(
    bench: Bench, nginx: str, base: str, count: int, listener: socket.socket, folders: int = 0
) -> Entry:
    folder = bench.folder / f'sync-{count}-{folders}'
    seed_sync(bench, folder, f'{nginx}/small.bin', base, count=count, folders=folders)
    job = {'folder': folder, 'backend': 'curl', 'workers': WORKERS}
    name = f'{count:,} entries' + (f' in {folders} folders' if folders else '')
    return by_program(
        bench, 'dlmachine', 'sync', job, name=name, units=count,
        is_slow=count > 20_000, after=count_requests(listener),
    )  # fmt: skip
