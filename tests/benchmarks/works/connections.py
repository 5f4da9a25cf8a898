"""Connections: many files of one host over TLS, 20 ms away."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.benchmarks.measuring import Entry, Extras
from tests.benchmarks.serving import SMALL_BYTES, block, slow_line
from tests.benchmarks.work import Bench, Work, extra, ratio
from tests.benchmarks.works.common import (
    ARIA2C,
    BACKENDS,
    CURL,
    WORKERS,
    by_program,
    by_tool,
    renewing,
    write_urls,
)
from tests.servers.behaviours import resource
from tests.servers.http import Server

_ONE_WAY_SECONDS = 0.01


@contextmanager
def connections(bench: Bench) -> Iterator[Work]:
    """1,000 files; the server counts the connections."""
    from tests.servers.tls import Authority

    count = bench.pick(1000, 30)
    authority = Authority.make(bench.folder)
    cainfo = str(authority.cainfo)
    handler = resource(block(SMALL_BYTES), etag='"one"')
    with (
        Server(context=authority.server_context(), fallback=handler) as server,
        slow_line(server.port, _ONE_WAY_SECONDS) as port,
    ):
        urls = [f'https://127.0.0.1:{port}/{number}.bin' for number in range(count)]
        yield Work(
            name='connections',
            title=f'{count:,} files of 16 KiB over TLS, 20 ms there and back, {WORKERS} at once',
            reference='curl -Z',
            unit='file',
            entries=_entries(bench, urls, cainfo, server),
            targets=(
                ratio('dlmachine curl', 'curl -Z', 'curl backend / curl -Z', 1.05),
                *(
                    extra(
                        f'dlmachine {one}', 'connections', f'{one} backend, connections',
                        float(WORKERS),
                    )
                    for one in BACKENDS
                ),
            ),
        )  # fmt: skip


def _entries(bench: Bench, urls: list[str], cainfo: str, server: Server) -> tuple[Entry, ...]:
    folder = bench.folder / 'out'
    config, listed = bench.folder / 'curl.txt', write_urls(bench.folder / 'urls.txt', urls)
    config.write_text(
        ''.join(f'url = "{url}"\noutput = "{folder}/{n}.bin"\n' for n, url in enumerate(urls))
    )
    seen = 0

    def count_connections() -> Extras:
        nonlocal seen
        before, seen = seen, server.connections
        return {'connections': seen - before}

    around = {'before': renewing(folder), 'after': count_connections, 'units': len(urls)}
    job = {'urls': listed, 'folder': folder, 'workers': WORKERS, 'cainfo': cainfo}
    program, workers = partial(by_program, bench), str(WORKERS)
    return (
        by_tool(
            'curl -Z',
            (
                'curl', *CURL, '-Z', '--parallel-max', workers, '--cacert', cainfo,
                '-K', str(config),
            ),
            **around,
        ),
        by_tool(
            'aria2c',
            (
                'aria2c', *ARIA2C, f'--ca-certificate={cainfo}', '-j', workers,
                '-d', str(folder), '-i', str(listed),
            ),
            **around,
        ),
        program('pycurl', 'many', job, name='pycurl multi', **around),
        program('requests', 'many', job, name='requests loop', note='one at a time', **around),
        program('pooch', 'many', job, name='pooch', note='one at a time', **around),
        *(
            program('dlmachine', 'many', {**job, 'backend': one}, name=f'dlmachine {one}', **around)
            for one in BACKENDS
        ),
    )  # fmt: skip
