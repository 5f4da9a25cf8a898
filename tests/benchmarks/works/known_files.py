"""Recorded files: whether one costs more than a hit, and whether it costs more in a large folder."""

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measuring import Entry, Extras
from tests.benchmarks.serving import MIB, run_nginx
from tests.benchmarks.work import Bench, Rows, Target, Work, extra, ratio
from tests.benchmarks.works.common import WORKERS, by_program, renewing, write_urls
from tests.benchmarks.works.filling import seed, seed_folder

#: Timing is not exact to the last tenth: this much more counts as constant.
FLAT = 1.25
_TIMES = 2


@contextmanager
def known_files(bench: Bench) -> Iterator[Work]:
    """A batch of files that are all recorded in their folder, with freshness='stored'."""
    counts = (100, 500, 2000) if bench.is_quick else (1000, 10_000, 100_000)
    with run_nginx(bench.folder) as nginx, socket.create_server(('127.0.0.1', 0)) as listener:
        listener.setblocking(False)
        base = f'http://127.0.0.1:{listener.getsockname()[1]}/known'
        small, middle, large = (f'{count:,} files' for count in counts)
        batches = [_batch(bench, nginx, base, count, listener) for count in counts]
        yield Work(
            name='known-files',
            title="a batch of recorded files with freshness='stored'; a hit and a recorded file",
            reference=middle,
            unit='file',
            entries=(*batches, *_singles(bench, nginx, base, counts[0])),
            targets=(
                Target(text=f'seconds for {middle}', most=2.0, figure=wall_of(middle)),
                Target(text=f'CPU seconds for {middle}', most=2.0, figure=cpu_of(middle)),
                ratio(large, middle, f'a file of {large} / of {middle}', FLAT),
                Target(text='MiB more for the largest', most=64.0, figure=_growth(large, small)),
                extra(large, 'requests', 'requests', 0.0),
                ratio('recorded file', 'hit', 'a recorded file / a hit in the cache', 1.2),
            ),
        )


@contextmanager
def large_folder(bench: Bench) -> Iterator[Work]:
    """New files into an empty folder, and into one with 100,000 recorded files."""
    count, known = bench.pick(1000, 100), bench.pick(100_000, 2000)
    with run_nginx(bench.folder) as base:
        urls = [f'{base}/many/{number}.bin' for number in range(count)]
        listed = write_urls(bench.folder / 'urls.txt', urls)
        full, empty, used = (bench.folder / name for name in ('full', 'empty', 'used'))
        seed_folder(bench, full, f'{base}/small.bin', f'{base}/known', count=known, prefix='k')
        job = {'urls': listed, 'workers': WORKERS, 'backend': 'curl'}
        names = ('an empty folder', f'{known:,} recorded files')
        entries = (
            by_program(
                bench, 'dlmachine', 'folder', {**job, 'folder': empty}, name=names[0],
                units=count, before=renewing(empty),
            ),
            by_program(
                bench, 'dlmachine', 'folder', {**job, 'folder': used}, name=names[1],
                units=count, before=lambda: _copy(full, used),
            ),
        )  # fmt: skip
        yield Work(
            name='large-folder',
            title=f'{count:,} new files of 16 KiB into a folder',
            reference=names[0],
            unit='file',
            entries=entries,
            targets=(ratio(names[1], names[0], f'{names[1]} / {names[0]}', 1.2),),
        )


def _batch(bench: Bench, nginx: str, base: str, count: int, listener: socket.socket) -> Entry:
    folder = bench.folder / f'folder-{count}'
    seed_folder(bench, folder, f'{nginx}/small.bin', base, count=count)
    urls = [f'{base}/{number}.bin' for number in range(count)]
    listed = write_urls(bench.folder / f'{count}.txt', urls)
    job = {
        'urls': listed,
        'folder': folder,
        'backend': 'curl',
        'workers': WORKERS,
        'origin': 'cache',
    }
    return by_program(
        bench, 'dlmachine', 'folder', job, name=f'{count:,} files', units=count,
        is_slow=count > 20_000, after=count_requests(listener),
    )  # fmt: skip


def _singles(bench: Bench, nginx: str, base: str, count: int) -> tuple[Entry, Entry]:
    cache, listed = bench.folder / 'cache', bench.folder / f'{count}.txt'
    seed(bench, cache, f'{nginx}/small.bin', base, count=count, known=count)
    job = {'urls': listed, 'backend': 'curl', 'times': _TIMES, 'warm': 1}
    kept = bench.folder / f'folder-{count}'
    found = []
    for name, more in (('hit', {'folder': cache}), ('recorded file', {'dest': kept})):
        found.append(
            by_program(
                bench, 'dlmachine', 'hits', {**job, **more}, name=name, units=count * _TIMES,
                tells_time=True, note='one at a time, start and imports left out',
            )
        )  # fmt: skip
    return found[0], found[1]


def _copy(full: Path, used: Path) -> None:
    # With the times, so that each file is the recorded one.
    shutil.rmtree(used, ignore_errors=True)
    shutil.copytree(full, used)


def count_requests(listener: socket.socket) -> Callable[[], Extras]:
    """After a run: count the connections."""

    def check() -> Extras:
        connections = 0
        try:
            while True:
                listener.accept()[0].close()
                connections += 1
        except BlockingIOError:
            pass
        return {'requests': connections}

    return check


def wall_of(name: str) -> Callable[[Rows], float | None]:
    """The seconds of an entry."""

    def find(rows: Rows) -> float | None:
        row = rows.get(name)
        return row.wall if row and row.runs else None

    return find


def cpu_of(name: str) -> Callable[[Rows], float | None]:
    """The CPU seconds of an entry: other programs on the computer change them little."""

    def find(rows: Rows) -> float | None:
        row = rows.get(name)
        return row.cpu if row and row.runs else None

    return find


def _growth(large: str, small: str) -> Callable[[Rows], float | None]:
    def find(rows: Rows) -> float | None:
        one, other = rows.get(large), rows.get(small)
        return (one.peak - other.peak) / MIB if one and other and one.runs and other.runs else None

    return find
