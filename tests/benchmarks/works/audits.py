"""Audit: a long list of URLs with a cache that has all of them."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measuring import Extras
from tests.benchmarks.serving import MIB, run_nginx
from tests.benchmarks.work import Bench, Rows, Target, Work, extra, ratio
from tests.benchmarks.works.common import by_program, write_urls
from tests.benchmarks.works.filling import seed


@contextmanager
def audits(bench: Bench) -> Iterator[Work]:
    """100,000 URLs with 100,000 entries, and a tenth of it."""
    large = bench.pick(100_000, 5000)
    counts = (large // 10, large)
    with run_nginx(bench.folder) as nginx, socket.create_server(('127.0.0.1', 0)) as listener:
        listener.setblocking(False)
        base = f'http://127.0.0.1:{listener.getsockname()[1]}/known'
        entries = []
        for count in counts:
            folder = bench.folder / f'cache-{count}'
            seed(bench, folder, f'{nginx}/small.bin', base, count=count, known=count)
            urls = [f'{base}/{number}.bin' for number in range(count)]
            listed = write_urls(bench.folder / f'{count}.txt', urls)
            entry = by_program(
                bench, 'dlmachine', 'audit', {'urls': listed, 'folder': folder},
                name=f'{count:,} URLs', units=count,
                is_slow=count > 20_000, after=_untouched(listener, folder),
            )  # fmt: skip
            entries.append(entry)
        first, last = (f'{count:,} URLs' for count in counts)
        yield Work(
            name='audit',
            title='audit of a list against a cache of as many entries',
            reference=first,
            unit='URL',
            entries=tuple(entries),
            targets=(
                Target(text='seconds of CPU', most=30.0, figure=_of(last, lambda row: row.cpu)),
                Target(
                    text='MiB of memory', most=200.0, figure=_of(last, lambda row: row.peak / MIB)
                ),
                ratio(last, first, f'one URL of {last} / of {first}', 1.2),
                extra(last, 'requests', 'requests', 0.0),
                extra(last, 'writes', 'files changed', 0.0),
            ),
        )


def _of(name: str, figure: Callable[..., float]) -> Callable[[Rows], float | None]:
    def find(rows: Rows) -> float | None:
        row = rows.get(name)
        return figure(row) if row and row.runs else None

    return find


def _untouched(listener: socket.socket, folder: Path) -> Callable[[], Extras]:
    """After a run: count connections and changed files."""
    before = _look(folder)

    def check() -> Extras:
        connections = 0
        try:
            while True:
                listener.accept()[0].close()
                connections += 1
        except BlockingIOError:
            pass
        return {'requests': connections, 'writes': len(before ^ _look(folder))}

    return check


def _look(folder: Path) -> set[tuple[str, int, int]]:
    with os.scandir(folder) as found:
        return {(one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in found}
