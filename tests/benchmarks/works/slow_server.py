"""A server that gives each connection 4 MiB/s."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.benchmarks.serving import MIB, run_nginx, write_file
from tests.benchmarks.work import Bench, Work, ratio
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

_RANGES = 16


@contextmanager
def slow_server(bench: Bench) -> Iterator[Work]:
    """64 MiB over any number of connections."""
    size = bench.pick(64, 16) * MIB
    folder = bench.folder / 'out'
    path = folder / 'slow.out'
    with run_nginx(bench.folder) as base:
        source = bench.folder / 'root' / 'medium.bin'
        write_file(source, size)
        url, sha256 = f'{base}/slow/medium.bin', digest_of(source)
        around = {'before': renewing(folder), 'after': checking(path, size, sha256)}
        job = {'url': url, 'path': path, 'ranges': _RANGES, 'size': size}
        ours = {**job, 'sha256': sha256}
        aria2c = (
            'aria2c', *ARIA2C, f'-x{_RANGES}', f'-s{_RANGES}', '--min-split-size=1M',
            '-d', str(folder), '-o', path.name, url,
        )  # fmt: skip
        program = partial(by_program, bench)
        yield Work(
            name='slow-server',
            title=f'{size // MIB} MiB from a server that gives each connection 4 MiB/s',
            reference='aria2c -x16',
            entries=(
                program(
                    'pycurl', 'ranges', job, name='pycurl, 16 ranges', note='no digest', **around
                ),
                by_tool('aria2c -x16', aria2c, note='no digest', **around),
                program(
                    'parfive', 'one', job, name='parfive, 16 ranges', note='no digest', **around
                ),
                by_tool(
                    'curl', ('curl', *CURL, '-o', str(path), url), is_slow=True,
                    note='one connection; no digest', **around,
                ),
                *(
                    program(
                        'dlmachine', 'one', {**ours, 'backend': one}, name=f'dlmachine {one}',
                        **around,
                    )
                    for one in BACKENDS
                ),
            ),
            targets=tuple(
                ratio(f'dlmachine {one}', 'aria2c -x16', f'{one} backend / aria2c -x16', 1.0)
                for one in BACKENDS
            ),
        )  # fmt: skip
