"""`AsyncDownloadManager`: the same downloads, awaited, and cancelled with their task."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

import dlmachine as dm
from tests.servers.behaviours import in_turn, resource, respond, silent
from tests.servers.http import Asked, Server, Wire

BODY = os.urandom(1 << 16) * 64  # 4 MiB
SENT = 3 << 20
FIELDS = (('ETag', '"v1"'), ('Accept-Ranges', 'bytes'), ('Content-Length', str(len(BODY))))
QUIET: dict[str, Any] = {'progress': False, 'retry_wait': 0.01}


class Stalling:
    """A handler that stops in the middle of a body, and tells when it does."""

    def __init__(self) -> None:
        self.is_there = threading.Event()

    def __call__(self, asked: Asked, wire: Wire) -> None:
        wire.head(200, FIELDS, 'OK')
        wire.send(BODY[:SENT])
        self.is_there.set()
        wire.pause(60)


class Meeting:
    """A handler that answers once so many requests are there at the same time."""

    def __init__(self, count: int) -> None:
        self._barrier = threading.Barrier(count)

    def __call__(self, asked: Asked, wire: Wire) -> None:
        self._barrier.wait(timeout=20)
        resource(b'met')(asked, wire)


def has_asked(server: Server, count: int) -> bool:
    """Wait until so many requests have come."""
    until = monotonic() + 10
    while len(server.asked) < count and monotonic() < until:
        sleep(0.01)
    return len(server.asked) >= count


async def cancelled(work: Coroutine[Any, Any, Any], is_there: Callable[[], bool]) -> float:
    """Start a task, cancel it once something is there; return how long that took in seconds."""
    task = asyncio.create_task(work)
    assert await asyncio.to_thread(is_there)
    began = monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return monotonic() - began


@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_a_file_is_downloaded_once(server: Server, tmp_path: Path, backend: str) -> None:
    """To a path, into memory and into the cache, as by a `DownloadManager`."""
    url = server.on('/t.tsv', resource(b'a\n', etag='"v1"'))

    async def main() -> None:
        async with dm.AsyncDownloadManager(
            tmp_path / 'cache', backend=backend, **QUIET
        ) as downloads:
            path = await downloads.download(url, tmp_path / 't.tsv')
            assert path == str(tmp_path / 't.tsv')
            assert (await downloads.download(url, False)).read() == b'a\n'
            first = await downloads.fetch(url)
            again = await downloads.fetch(url)
            assert (again.origin, again.path) == (dm.Origin.CACHE, first.path)
            assert downloads.manager.plan(url).verdict is dm.Verdict.USE_CACHED
            assert (await downloads.probe(url)).status is dm.ProbeStatus.ALIVE

    asyncio.run(main())
    assert [asked.method for asked in server.asked] == ['GET', 'GET', 'GET', 'HEAD']


def test_errors_are_those_of_a_manager(server: Server) -> None:
    """Of a download, of an option, and of the number of calls in flight."""
    url = server.on('/none', respond(404))

    async def main() -> None:
        async with dm.AsyncDownloadManager(**QUIET) as downloads:
            with pytest.raises(dm.NotFoundError):
                await downloads.download(url)
            with pytest.raises(dm.RequestError, match="Did you mean 'retries'"):
                await downloads.download(url, retires=1)  # type: ignore[call-overload]

    asyncio.run(main())
    for count in (0, -1, True, '2'):
        with pytest.raises(dm.RequestError, match='in_flight must be a whole number of 1 or more'):
            dm.AsyncDownloadManager(in_flight=count)  # type: ignore[arg-type]


def test_downloads_wait_for_each_other_in_one_loop(server: Server) -> None:
    """All at the same time: the server answers none before it has all requests."""
    count = 30
    meeting = Meeting(count)
    urls = [server.on(f'/{number}', meeting) for number in range(count)]
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def main() -> None:
        ticking = asyncio.create_task(tick())
        async with dm.AsyncDownloadManager(max_per_host=count, **QUIET) as downloads:
            bodies = await asyncio.gather(*(downloads.download(url, False) for url in urls))
            assert [body.read() for body in bodies] == [b'met'] * count
        ticking.cancel()

    asyncio.run(main())
    assert ticks > count  # The loop went on meanwhile.


@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_a_cancelled_download_can_be_resumed(server: Server, tmp_path: Path, backend: str) -> None:
    """It ends within a second, and the rest is requested later; others are not disturbed."""
    stalling, target = Stalling(), tmp_path / 'x'
    url = server.on('/x', in_turn(stalling, resource(BODY, etag='"v1"')))
    meeting = server.on('/other', Meeting(2))

    async def main() -> None:
        async with dm.AsyncDownloadManager(backend=backend, **QUIET) as downloads:
            other = asyncio.create_task(downloads.download(meeting, False))

            def is_written() -> bool:
                until = monotonic() + 10
                while monotonic() < until:
                    if any(one.stat().st_size for one in tmp_path.glob('.dlmachine/*.part')):
                        return stalling.is_there.wait(10)
                    sleep(0.01)
                return False

            took = await cancelled(downloads.download(url, target), is_written)
            assert took < 1
            assert not target.exists()
            assert await downloads.download(url, target) == str(target)
            assert (await downloads.download(meeting, False)).read() == b'met'
            assert (await other).read() == b'met'

    asyncio.run(main())
    assert target.read_bytes() == BODY
    ranges = [asked.get('Range') for asked in server.asked if asked.target == '/x']
    assert ranges[0] is None
    assert ranges[1] is not None


def test_a_download_that_waits_for_its_turn_is_cancelled(server: Server) -> None:
    """It is never requested."""
    url, waiting = server.on('/x', silent), server.on('/y', resource(b'y'))

    async def main() -> None:
        async with dm.AsyncDownloadManager(in_flight=1, **QUIET) as downloads:
            first = asyncio.create_task(downloads.download(url, False))
            second = asyncio.create_task(downloads.download(waiting, False))
            assert await asyncio.to_thread(has_asked, server, 1)
            for task in (second, first):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    asyncio.run(main())
    assert [asked.target for asked in server.asked] == ['/x']


def test_a_time_limit_of_the_loop_ends_a_download(server: Server) -> None:
    """`asyncio.timeout` cancels; closing the manager ends what runs, as of a `DownloadManager`."""
    url = server.on('/x', silent)

    async def main() -> None:
        async with dm.AsyncDownloadManager(**QUIET) as downloads:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await downloads.download(url, False)
            running = asyncio.create_task(downloads.download(url, False))
            assert await asyncio.to_thread(has_asked, server, 2)
            await downloads.close()
            with pytest.raises(dm.CancelledError):
                await running
            fresh = server.on('/y', resource(b'y'))
            assert (await downloads.download(fresh, False)).read() == b'y'

    began = monotonic()
    asyncio.run(main())
    assert monotonic() - began < 20


def test_a_batch_is_a_stream(server: Server, tmp_path: Path) -> None:
    """Of results in the order of completion, or all of them in that of the inputs."""
    urls = [server.on(f'/{number}', resource(str(number).encode())) for number in range(20)]
    urls.append(server.url('/none'))

    async def main() -> None:
        async with dm.AsyncDownloadManager(retries=0, **QUIET) as downloads:
            found = {item.index: item async for item in downloads.download_many(urls, tmp_path)}
            assert sorted(found) == list(range(21))
            assert [found[index].ok for index in range(21)] == [True] * 20 + [False]
            results = await downloads.download_all(urls, tmp_path, workers=3)
            assert [item.input for item in results] == urls
            assert len(results.ok) == 20
            assert [item async for item in downloads.download_many([])] == []

    asyncio.run(main())


@pytest.mark.parametrize('ends', ['cancel', 'leave'])
def test_a_batch_ends_with_its_task(server: Server, ends: str) -> None:
    """If it is cancelled, or its loop is left; no more is requested then."""
    first = [server.on('/quick', resource(b'q')), *(server.on(f'/slow{n}', silent) for n in '12')]
    later = [server.on(f'/{number}', resource(b'x')) for number in range(50)]

    async def read(downloads: dm.AsyncDownloadManager) -> None:
        items = downloads.download_many([*first, *later], False, workers=2)
        async with aclosing(items):
            async for _ in items:
                if ends == 'leave':
                    assert await asyncio.to_thread(has_asked, server, 3)
                    return

    async def main() -> None:
        async with dm.AsyncDownloadManager(**QUIET) as downloads:
            if ends == 'cancel':
                assert await cancelled(read(downloads), partial(has_asked, server, 3)) < 2
            else:
                began = monotonic()
                await read(downloads)
                assert monotonic() - began < 5

    asyncio.run(main())
    assert {asked.target for asked in server.asked} == {'/quick', '/slow1', '/slow2'}
