"""Sync: a locked manifest whose files are all recorded in the folder."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.measuring import Entry
from tests.benchmarks.serving import run_nginx
from tests.benchmarks.work import Bench, Target, Work, extra, ratio
from tests.benchmarks.works.common import WORKERS, by_program
from tests.benchmarks.works.filling import seed_sync
from tests.benchmarks.works.known_files import FLAT, count_requests, wall_of


@contextmanager
def syncs(bench: Bench) -> Iterator[Work]:
    """`manager.sync` of 1,000, 10,000 and 100,000 entries that are there already."""
    counts = (100, 500, 2000) if bench.is_quick else (1000, 10_000, 100_000)
    with run_nginx(bench.folder) as nginx, socket.create_server(('127.0.0.1', 0)) as listener:
        listener.setblocking(False)
        base = f'http://127.0.0.1:{listener.getsockname()[1]}/known'
        _, middle, large = (f'{count:,} entries' for count in counts)
        yield Work(
            name='sync',
            title='sync of a locked manifest whose files are recorded in the folder',
            reference=middle,
            unit='entry',
            entries=tuple(_sync(bench, nginx, base, count, listener) for count in counts),
            targets=(
                Target(text=f'seconds for {middle}', most=2.0, figure=wall_of(middle)),
                ratio(large, middle, f'an entry of {large} / of {middle}', FLAT),
                extra(large, 'requests', 'requests', 0.0),
            ),
        )


def _sync(bench: Bench, nginx: str, base: str, count: int, listener: socket.socket) -> Entry:
    folder = bench.folder / f'sync-{count}'
    seed_sync(bench, folder, f'{nginx}/small.bin', base, count=count)
    job = {'folder': folder, 'backend': 'curl', 'workers': WORKERS}
    return by_program(
        bench, 'dlmachine', 'sync', job, name=f'{count:,} entries', units=count,
        is_slow=count > 20_000, after=count_requests(listener),
    )  # fmt: skip
