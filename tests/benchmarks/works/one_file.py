"""One big file with its SHA-256, and the memory for a larger one."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.benchmarks.measuring import Entry
from tests.benchmarks.serving import MIB, run_nginx, write_file
from tests.benchmarks.work import Bench, Rows, Target, Work, ratio
from tests.benchmarks.works.common import (
    ARIA2C,
    BACKENDS,
    CURL,
    by_program,
    by_tool,
    checking,
    digest_of,
    renewing,
)

_MAX_GROWTH_MIB = 4.0


@contextmanager
def one_file(bench: Bench) -> Iterator[Work]:
    """1 GiB into a file."""
    size = bench.pick(1024, 128) * MIB
    with run_nginx(bench.folder) as base:
        source = bench.folder / 'root' / 'big.bin'
        write_file(source, size)
        yield Work(
            name='one-file',
            title=f'{size // MIB:,} MiB into a file, SHA-256 computed and checked',
            reference='aria2c',
            entries=_entries(bench, f'{base}/big.bin', size, digest_of(source)),
            targets=(
                ratio('dlmachine curl', 'aria2c', 'curl backend / aria2c', 0.55),
                ratio('dlmachine curl', 'curl', 'curl backend / curl without digest', 1.35),
                ratio('dlmachine requests', 'aria2c', 'requests backend / aria2c', 0.65),
            ),
        )


def _entries(bench: Bench, url: str, size: int, sha256: str) -> tuple[Entry, ...]:
    folder = bench.folder / 'out'
    path = folder / 'big.out'
    around = {'before': renewing(folder), 'after': checking(path, size, sha256)}
    job = {'url': url, 'path': str(path), 'sha256': sha256}
    program = partial(by_program, bench)
    curl = ('curl', *CURL, '-o', str(path), url)
    listed = folder / 'big.sha256'
    return (
        by_tool('curl', curl, note='no digest', **around),
        by_tool(
            'curl, sha256sum',
            curl,
            ('sha256sum', '--check', '--status', str(listed)),
            note='read again for the digest',
            before=lambda: _list_digest(folder, listed, f'{sha256}  {path}\n'),
            after=around['after'],
        ),
        by_tool(
            'aria2c',
            (
                'aria2c', *ARIA2C, f'--checksum=sha-256={sha256}',
                '-d', str(folder), '-o', path.name, url,
            ),
            note='one connection; read again for the digest',
            **around,
        ),
        program('pycurl', 'one', job, name='pycurl loop', note='no digest', **around),
        program('requests', 'one', job, name='requests loop', **around),
        program('pooch', 'one', job, name='pooch', **around),
        program('parfive', 'one', {**job, 'ranges': 5}, name='parfive', note='5 ranges', **around),
        program(
            'original', 'one', job, name='original 0.0.3', note='digest computed, not checked',
            **around,
        ),
        *(
            program('dlmachine', 'one', {**job, 'backend': one}, name=f'dlmachine {one}', **around)
            for one in BACKENDS
        ),
    )  # fmt: skip


def _list_digest(folder: Path, listed: Path, text: str) -> None:
    renewing(folder)()
    listed.write_text(text)


@contextmanager
def one_file_memory(bench: Bench) -> Iterator[Work]:
    """The peak memory of a small and a large file."""
    small, large = 64 * MIB, bench.pick(4096, 512) * MIB
    backends = BACKENDS
    with run_nginx(bench.folder) as base:
        entries = []
        for size in (small, large):
            source = bench.folder / 'root' / f'{size}.bin'
            write_file(source, size, is_sparse=True)
            sha256 = digest_of(source)
            for backend in backends:
                path = bench.folder / 'out' / f'{size}.out'
                job = {'url': f'{base}/{size}.bin', 'path': path, 'sha256': sha256}
                entry = by_program(
                    bench, 'dlmachine', 'one', {**job, 'backend': backend},
                    name=f'dlmachine {backend}, {size // MIB:,} MiB',
                    units=size // MIB, is_slow=True,
                    before=renewing(path.parent), after=checking(path, size, sha256),
                )  # fmt: skip
                entries.append(entry)
        yield Work(
            name='one-file-memory',
            title=f'peak memory for {large // MIB:,} MiB and for 64 MiB (zeros)',
            reference='dlmachine curl, 64 MiB',
            unit='MiB',
            entries=tuple(entries),
            targets=tuple(_growth(backend, large // MIB) for backend in backends),
        )


def _growth(backend: str, large: int) -> Target:
    def figure(rows: Rows) -> float | None:
        small_row = rows.get(f'dlmachine {backend}, 64 MiB')
        large_row = rows.get(f'dlmachine {backend}, {large:,} MiB')
        if not (small_row and large_row and small_row.runs and large_row.runs):
            return None
        return (large_row.peak - small_row.peak) / MIB

    text = f'{backend} backend, MiB more for the large file'
    return Target(text=text, most=_MAX_GROWTH_MIB, figure=figure)
