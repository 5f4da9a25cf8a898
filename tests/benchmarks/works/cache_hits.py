"""Hits, and whether one takes longer in a larger cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Entry, Extras
from tests.benchmarks.serving import MIB, SMALL_BYTES, block, run_nginx
from tests.benchmarks.work import Bench, Rows, Target, Work, ratio
from tests.benchmarks.works.common import WORKERS, by_program, write_urls
from tests.benchmarks.works.filling import fill, seed

_TIMES = 2


@contextmanager
def cache_hits(bench: Bench) -> Iterator[Work]:
    """2,000 hits in one process."""
    count = bench.pick(1000, 200)
    known = sha256(block(SMALL_BYTES)).hexdigest()
    with run_nginx(bench.folder) as base:
        urls = [f'{base}/many/{number}.bin' for number in range(count)]
        listed = write_urls(bench.folder / 'urls.txt', urls)
        single = write_urls(bench.folder / 'single.txt', urls[:1])
        larger = write_urls(
            bench.folder / 'larger.txt', [f'{base}/larger/{n}.bin' for n in range(count // 10)]
        )
        fewer = {'urls': larger, 'times': 10 * _TIMES}
        job = {'urls': listed, 'times': _TIMES, 'workers': WORKERS, 'units': count * _TIMES}
        yield Work(
            name='cache-hits',
            title=f'{count * _TIMES:,} hits in one process, {count:,} entries',
            reference='pooch',
            unit='hit',
            entries=(
                _hitting(bench, 'pooch', {**job, 'sha256': known}, 'hashes the file each time'),
                _hitting(bench, 'pooch', job, 'no digest', words=', no hash'),
                _hitting(
                    bench, 'original',
                    {**job, 'urls': single, 'times': count * _TIMES}, 'one entry only',
                ),
                _hitting(bench, 'dlmachine', job, 'looks at size and record'),
                _hitting(
                    bench, 'dlmachine', {**job, 'sha256': known}, 'hashes the file each time',
                    words=', checksum',
                ),
                _hitting(
                    bench, 'pooch', {**job, **fewer, 'sha256': sha256(block(MIB)).hexdigest()},
                    'hashes the file each time', words=', 1 MiB files',
                ),
                _hitting(bench, 'dlmachine', {**job, **fewer}, '', words=', 1 MiB files'),
            ),
            targets=(
                ratio('dlmachine', 'pooch', 'dlmachine / pooch', 0.8),
                _loaded('dlmachine'),
            ),
        )  # fmt: skip


@contextmanager
def cache_size(bench: Bench) -> Iterator[Work]:
    """One hit with 1,000 entries and with 1,000,000."""
    counts = (1000, 20_000) if bench.is_quick else (1000, 100_000, 1_000_000)
    times, known = 2, 1000
    with run_nginx(bench.folder) as base:
        urls = [f'{base}/known/{number}.bin' for number in range(known)]
        listed = write_urls(bench.folder / 'urls.txt', urls)
        entries = []
        for count in counts:
            folder = bench.folder / f'cache-{count}'
            seed(bench, folder, f'{base}/small.bin', f'{base}/known', count=count, known=known)
            job = {'urls': listed, 'folder': folder, 'backend': 'curl', 'times': times, 'warm': 1}
            entry = by_program(
                bench, 'dlmachine', 'hits', job, name=f'{count:,} entries', units=known * times,
                tells_time=True, after=partial(_size, folder),
            )  # fmt: skip
            entries.append(entry)
        smallest, largest = f'{counts[0]:,} entries', f'{counts[-1]:,} entries'
        yield Work(
            name='cache-size',
            title='one hit as the cache grows (start and imports left out)',
            reference=smallest,
            unit='hit',
            entries=tuple(entries),
            targets=(ratio(largest, smallest, f'{largest} / {smallest}', 1.3),),
        )


def _hitting(bench: Bench, who: str, job: dict[str, Any], note: str, words: str = '') -> Entry:
    folder = bench.folder / f'cache-{who}-{Path(str(job["urls"])).stem}'
    units = job['units']
    name = {'original': 'original 0.0.3'}.get(who, who) + words
    work = 'hits' if who == 'dlmachine' else 'many'
    entry = by_program(
        bench, who, work, {**job, 'folder': folder, 'backend': 'curl'},
        name=name, note=note, units=units, after=partial(_size, folder),
    )  # fmt: skip
    if not entry.absent and not folder.exists():
        fill(bench, who, folder, Path(str(job['urls'])))
    return entry


def _size(folder: Path) -> Extras:
    registry = folder / 'cache.sqlite'
    return {'registry_mib': registry.stat().st_size >> 20} if registry.exists() else {}


def _loaded(name: str) -> Target:
    def figure(rows: Rows) -> float | None:
        row = rows.get(name)
        return float(len(row.runs[0].extras['loaded'])) if row and row.runs else None

    return Target(text='backends and cachedir imported by a hit', most=0.0, figure=figure)
