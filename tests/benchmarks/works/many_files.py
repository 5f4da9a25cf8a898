"""Many small files, and whether the cost of one grows with their number."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Entry
from tests.benchmarks.serving import SMALL_BYTES, block, run_nginx
from tests.benchmarks.work import Bench, Work, ratio
from tests.benchmarks.works.common import (
    ARIA2C,
    BACKENDS,
    CURL,
    WORKERS,
    by_program,
    by_tool,
    counting,
    renewing,
    write_urls,
)

#: The original needs more than a minute for all of them.
_ORIGINAL_COUNT = 100
#: Timing is not exact to the last tenth: this much more counts as constant.
_FLAT = 1.25


@contextmanager
def many_files(bench: Bench) -> Iterator[Work]:
    """1,000 files of 16 KiB into the cache."""
    count = bench.pick(1000, 200)
    with run_nginx(bench.folder) as base:
        urls = [f'{base}/many/{number}.bin' for number in range(count)]
        yield Work(
            name='many-files',
            title=f'{count:,} files of 16 KiB, {WORKERS} at once',
            reference='aria2c',
            unit='file',
            entries=(*_tools(bench, urls), *_programs(bench, urls)),
            targets=(
                ratio('dlmachine curl', 'aria2c', 'curl backend / aria2c', 5.0),
                ratio('dlmachine curl', 'parfive', 'curl backend / parfive', 1.0),
                ratio('dlmachine requests', 'requests loop', 'requests backend / loop', 1.2),
            ),
        )


@contextmanager
def many_files_scale(bench: Bench) -> Iterator[Work]:
    """100 to 20,000 files into a new cache."""
    counts = (100, 200, 500) if bench.is_quick else (100, 1000, 20_000)
    with run_nginx(bench.folder) as base:
        entries = []
        for count in counts:
            urls = [f'{base}/many/{number}.bin' for number in range(count)]
            listed = write_urls(bench.folder / f'{count}.txt', urls)
            entries += [_ours(bench, one, listed, count, f', {count:,} files') for one in BACKENDS]
        last = counts[-1]
        yield Work(
            name='many-files-scale',
            title='cost of one file as their number grows, into a new cache',
            reference=f'dlmachine curl, {counts[1]:,} files',
            unit='file',
            entries=tuple(entries),
            targets=tuple(
                ratio(
                    f'dlmachine {one}, {last:,} files',
                    f'dlmachine {one}, {counts[1]:,} files',
                    f'{one} backend, a file of {last:,} / of {counts[1]:,}',
                    _FLAT,
                )
                for one in BACKENDS
            ),
        )


def _tools(bench: Bench, urls: list[str]) -> tuple[Entry, ...]:
    folder = bench.folder / 'out'
    config, listed = bench.folder / 'curl.txt', bench.folder / 'aria2.txt'
    config.write_text(
        ''.join(f'url = "{url}"\noutput = "{folder}/{n}.bin"\n' for n, url in enumerate(urls))
    )
    listed.write_text(''.join(f'{url}\n  out={n}.bin\n' for n, url in enumerate(urls)))
    around = {
        'before': renewing(folder),
        'after': counting(folder, len(urls)),
        'units': len(urls),
        'note': 'no cache, no digest, no records',
    }
    workers = str(WORKERS)
    return (
        by_tool(
            'curl -Z', ('curl', *CURL, '-Z', '--parallel-max', workers, '-K', str(config)), **around
        ),
        by_tool(
            'aria2c', ('aria2c', *ARIA2C, '-j', workers, '-d', str(folder), '-i', str(listed)),
            **around,
        ),
    )  # fmt: skip


def _programs(bench: Bench, urls: list[str]) -> tuple[Entry, ...]:
    folder, count = bench.folder / 'out', len(urls)
    listed = write_urls(bench.folder / 'urls.txt', urls)
    fewer = write_urls(bench.folder / 'fewer.txt', urls[:_ORIGINAL_COUNT])
    around: dict[str, Any] = {
        'before': renewing(folder),
        'after': counting(folder, count),
        'units': count,
    }
    job = {
        'urls': listed,
        'folder': folder,
        'workers': WORKERS,
        'sha256': sha256(block(SMALL_BYTES)).hexdigest(),
    }
    program, bare = partial(by_program, bench), 'no cache, no digest, no records'
    alone = 'one at a time'
    return (
        program('pycurl', 'many', job, name='pycurl multi', note=bare, **around),
        program('requests', 'many', job, name='requests loop', note=f'{bare}; {alone}', **around),
        program('pooch', 'many', job, name='pooch', note=f'no records; {alone}', **around),
        program('parfive', 'many', job, name='parfive', note=bare, **around),
        program(
            'original', 'many', {**job, 'urls': fewer}, name='original 0.0.3', is_slow=True,
            note=f'only {min(_ORIGINAL_COUNT, count)} files; {alone}', before=renewing(folder),
            units=min(_ORIGINAL_COUNT, count),
        ),
        *(_ours(bench, one, listed, count) for one in BACKENDS),
    )  # fmt: skip


def _ours(bench: Bench, backend: str, listed: Path, count: int, words: str = '') -> Entry:
    folder = bench.folder / 'out'
    job = {'urls': listed, 'folder': folder, 'workers': WORKERS, 'backend': backend}
    return by_program(
        bench, 'dlmachine', 'many', job, name=f'dlmachine {backend}{words}', units=count,
        before=renewing(folder), after=counting(folder, count), is_slow=count > 2000,
    )  # fmt: skip
