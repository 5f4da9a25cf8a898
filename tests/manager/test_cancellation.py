"""Cancellation: `close()` and a closed iterator end what runs at once, and nothing is lost."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.faults import Cancelled
from dlmachine.errors import CancelledError
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.part_paths import read_note
from tests.servers.behaviours import in_turn, range_of, resource, respond, silent
from tests.servers.http import Asked, Handler, Server, Wire

BODY = os.urandom(1 << 16) * 64  # 4 MiB
SENT = 3 << 20
FIELDS = (('ETag', '"v1"'), ('Accept-Ranges', 'bytes'), ('Content-Length', str(len(BODY))))


class Ending:
    """A server's handler, and an event that releases it at the end of the test."""

    def __init__(self, rest: Callable[[Wire], None]) -> None:
        self.is_there = threading.Event()
        self._rest = rest

    def __call__(self, asked: Asked, wire: Wire) -> None:
        wire.head(200, FIELDS, 'OK')
        wire.send(BODY[:SENT])
        self.is_there.set()
        self._rest(wire)


def stalled(wire: Wire) -> None:
    """Send nothing more."""
    wire.pause(60)


def trickling(wire: Wire) -> None:
    """Send byte by byte."""
    for number in range(SENT, len(BODY)):
        wire.send(BODY[number : number + 1])
        wire.pause(0.01)


def endless(asked: Asked, wire: Wire) -> None:
    """An endless body without a length, because a length might not fit on the disk."""
    wire.head(200, (('ETag', '"v1"'), ('Connection', 'close')), 'OK')
    while True:
        wire.send(BODY)


def started(work: Callable[[], Any]) -> Future[Any]:
    """Start the work in a separate thread."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future


def assert_ends_at_once(end: Callable[[], None], *futures: Future[Any]) -> None:
    """Each future ends as cancelled, within a second of the call."""
    began = monotonic()
    end()
    took = monotonic() - began
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(timeout=0.2)

    assert took < 1


HasBegun = Callable[[int], bool]


@pytest.fixture
def has_begun(monkeypatch: pytest.MonkeyPatch) -> HasBegun:
    """Wait until that many parts have been written to."""
    from dlmachine_adapters.parts import part as module

    begun: dict[int, object] = {}
    changed = threading.Condition()
    write: Callable[..., None] = module.PartialFile.write

    def reported(self: module.PartialFile, data: bytes) -> None:
        write(self, data)
        with changed:
            begun[id(self)] = self  # Kept, so that its id is not reused.
            changed.notify_all()

    def wait(count: int) -> bool:
        with changed:
            return changed.wait_for(lambda: len(begun) >= count, 5)

    monkeypatch.setattr(module.PartialFile, 'write', reported)
    return wait


@pytest.mark.parametrize('rest', [stalled, trickling], ids=['stalled', 'trickling'])
def test_close_ends_a_download_that_can_be_resumed(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    has_begun: HasBegun,
    rest: Callable[[Wire], None],
) -> None:
    """Its part is synced and has a note; the same manager requests the rest later."""
    slow = Ending(rest)
    url = server.on('/x', in_turn(slow, resource(BODY, etag='"v1"')))
    manager, target = make_manager(), tmp_path / 'out' / 'x'
    running = started(lambda: manager.download(url, dest=target))
    assert has_begun(1)
    assert_ends_at_once(manager.close, running)
    (part,) = (tmp_path / 'out' / '.dlmachine').glob('*.part')
    note = read_note(part)

    assert note is not None
    assert note.is_left
    assert note.kept_bytes == part.stat().st_size > 0
    assert not target.exists()
    assert manager.download(url, dest=target) == str(target)
    assert target.read_bytes() == BODY
    assert server.asked[1].get('Range') == f'bytes={note.kept_bytes - 1}-'


def test_close_ends_segments(
    make_manager: MakeManager, server: Server, tmp_path: Path, has_begun: HasBegun
) -> None:
    """All of them; the bytes of each are resumed."""
    stalling, body = threading.Semaphore(0), BODY + BODY
    good = resource(body, etag='"v1"')

    def first(asked: Asked, wire: Wire) -> None:
        found = range_of(asked, len(body))
        if found is None or found[0] == 0:
            good(asked, wire)
            return
        place = f'bytes {found[0]}-{found[1]}/{len(body)}'
        length = str(found[1] - found[0] + 1)
        wire.head(206, (('ETag', '"v1"'), ('Content-Range', place), ('Content-Length', length)))
        wire.send(body[found[0] : found[0] + 700_000])
        stalling.release()
        wire.pause(60)

    url = server.on('/x', first)
    manager, target = make_manager(segments=3), tmp_path / 'x'
    running = started(lambda: manager.download(url, dest=target))
    assert all(stalling.acquire(timeout=5) for _ in range(3))
    sleep(0.3)  # Long enough for the pieces to be written.
    assert_ends_at_once(manager.close, running)
    parts, before = list(tmp_path.glob('.dlmachine/*.part')), len(server.asked)
    server.on('/x', good)
    manager.download(url, dest=target)
    again = [range_of(asked, len(body)) for asked in server.asked[before:]]

    assert len(parts) == 1
    assert target.read_bytes() == body
    # The bytes of the three are not requested again.
    assert None not in again
    assert sum(span[1] - span[0] + 1 for span in again if span) < len(body) - 3 * 600_000


def test_close_ends_a_fast_download(
    make_manager: MakeManager, server: Server, tmp_path: Path, has_begun: HasBegun
) -> None:
    """Even one that never waits for the server."""
    manager = make_manager()
    url = server.on('/x', endless)
    running = started(lambda: manager.download(url, dest=tmp_path / 'x'))
    assert has_begun(1)
    assert_ends_at_once(manager.close, running)


def test_close_ends_the_wait_for_a_response(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """The fault says that the caller cancelled; no file is left, and there is no retry."""
    asked = threading.Event()

    def mute(request: Asked, wire: Wire) -> None:
        asked.set()
        silent(request, wire)

    manager = make_manager(tmp_path / 'cache', stale_if_error=True)
    running = started(lambda: manager.fetch(server.on('/x', mute)))
    assert asked.wait(5)
    assert_ends_at_once(manager.close, running)
    error: Any = running.exception()

    assert error.fault == Cancelled(tries=1)
    assert len(server.asked) == 1
    assert [
        path for path in (tmp_path / 'cache').rglob('*') if path.suffix in {'.part', '.lock'}
    ] == []


def test_close_ends_backoff(make_manager: MakeManager, server: Server) -> None:
    """However long the wait that the server requested."""
    refused = threading.Event()

    def busy(request: Asked, wire: Wire) -> None:
        respond(503, (('Retry-After', '200'),))(request, wire)
        refused.set()

    manager = make_manager()
    running = started(lambda: manager.fetch(server.on('/x', busy)))
    assert refused.wait(5)
    assert_ends_at_once(manager.close, running)

    assert len(server.asked) == 1


def test_what_was_there_before_the_wait_is_kept(
    make_manager: MakeManager, server: Server, tmp_path: Path, has_begun: HasBegun
) -> None:
    """A part survives a wait that was cut short."""
    broke = threading.Event()

    def breaking(request: Asked, wire: Wire) -> None:
        wire.head(200, FIELDS, 'OK')
        wire.send(BODY[:SENT])
        wire.close()
        broke.set()

    manager = make_manager(retry_wait=600, retry_max_wait=600)
    url = server.on('/x', breaking)
    running = started(lambda: manager.download(url, dest=tmp_path / 'x'))
    assert has_begun(1)
    assert broke.wait(5)
    assert_ends_at_once(manager.close, running)
    (part,) = (tmp_path / '.dlmachine').glob('*.part')
    note = read_note(part)

    assert note is not None
    assert note.kept_bytes > 0


def test_close_ends_the_wait_for_a_lock(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """The holder of the lock is not affected."""
    go_on, asked = threading.Event(), threading.Event()

    def late(request: Asked, wire: Wire) -> None:
        asked.set()
        go_on.wait(20)
        wire.respond(200, (), b'abc')

    url = server.on('/x', late)
    first, second = make_manager(tmp_path / 'cache'), make_manager(tmp_path / 'cache')
    holding = started(lambda: first.fetch(url))
    assert asked.wait(5)
    waiting = started(lambda: second.fetch(url))
    with pytest.raises(TimeoutError):
        waiting.result(timeout=0.3)
    assert_ends_at_once(second.close, waiting)
    go_on.set()

    assert holding.result(timeout=5).record.size_bytes == 3


def test_leaving_the_block_closes(make_manager: MakeManager, server: Server) -> None:
    """Also when an exception ends the `with` block."""
    slow = Ending(stalled)
    url = server.on('/x', slow)
    running: list[Future[Any]] = []

    def leave() -> None:
        with make_manager() as manager:
            running.append(started(lambda: manager.download(url)))
            assert slow.is_there.wait(5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        leave()
    with pytest.raises(CancelledError):
        running[0].result(timeout=0.2)


def test_a_download_may_close_its_own_manager(make_manager: MakeManager, server: Server) -> None:
    """It does not wait for itself, and completes."""
    manager = make_manager()

    def close(file: object) -> bool:
        manager.close()
        return True

    outcome = manager.fetch(server.on('/x', resource(BODY)), validate=close)

    assert outcome.record is not None
    assert outcome.record.size_bytes == len(BODY)


# --- batches ------------------------------------------------------------------------


def some_slow(server: Server, rest: Callable[[Wire], None]) -> tuple[list[str], list[Ending]]:
    """One quick URL and three slow ones."""
    slow = [Ending(rest) for _ in range(3)]
    handlers: list[Handler] = [resource(b'quick'), *slow]
    return [server.on(f'/{n}', handler) for n, handler in enumerate(handlers)], slow


@pytest.mark.parametrize('rest', [stalled, trickling], ids=['stalled', 'trickling'])
def test_a_closed_iterator_ends_its_downloads(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    has_begun: HasBegun,
    rest: Callable[[Wire], None],
) -> None:
    """Downloads of other callers continue; every part is kept."""
    urls, _ = some_slow(server, rest)
    manager, go_on, asked = make_manager(), threading.Event(), threading.Event()

    def late(request: Asked, wire: Wire) -> None:
        asked.set()
        go_on.wait(20)
        wire.respond(200, (), b'abc')

    other = started(lambda: manager.fetch(server.on('/other', late)))
    items: Any = manager.download_many(urls, dest=tmp_path, workers=4)
    assert next(items).index == 0
    assert has_begun(4)  # The quick one, too.
    assert asked.wait(5)
    began = monotonic()
    items.close()
    took = monotonic() - began
    go_on.set()

    assert took < 1
    assert other.result(timeout=5).record.size_bytes == 3
    assert len(list((tmp_path / '.dlmachine').glob('*.part'))) == 3


def test_a_closed_manager_ends_its_batches(make_manager: MakeManager, server: Server) -> None:
    """Running downloads end as cancelled, and no more inputs are taken."""
    slow = Ending(stalled)
    url, manager = server.on('/x', slow), make_manager()

    def urls() -> Iterator[str]:
        while True:
            yield url

    running = started(lambda: list(manager.download_many(urls(), workers=2)))
    assert slow.is_there.wait(5)
    manager.close()
    items: list[dm.BatchItem[str]] = running.result(timeout=1)

    assert 2 <= len(items) <= 4
    assert {item.fault.code for item in items if item.fault} == {'cancelled'}


def test_a_batch_begun_before_runs_after(make_manager: MakeManager, server: Server) -> None:
    """It belongs to the manager at its first `next`, not at its creation."""
    manager = make_manager()
    items = manager.download_many([server.on('/x', resource(b'abc'))])
    manager.close()

    assert [item.ok for item in items] == [True]


def test_an_interrupted_loop_ends_its_downloads(make_manager: MakeManager, server: Server) -> None:
    """An exception where the iterator waits, as Ctrl-C raises it."""
    urls, slow = some_slow(server, stalled)
    items: Any = make_manager().download_many(urls, workers=4)
    next(items)
    assert all(one.is_there.wait(5) for one in slow)
    began = monotonic()
    with pytest.raises(KeyboardInterrupt):
        items.throw(KeyboardInterrupt)

    assert monotonic() - began < 1


def test_cancelled_items_can_be_requested_again(
    make_manager: MakeManager, server: Server, tmp_path: Path, has_begun: HasBegun
) -> None:
    """Each resumes its part."""
    slow = Ending(stalled)
    url = server.on('/x', in_turn(slow, resource(BODY, etag='"v1"')))
    manager: DownloadManager = make_manager(tmp_path / 'cache')
    running = started(lambda: list(manager.download_many([url])))
    assert has_begun(1)
    manager.close()
    (item,) = running.result(timeout=1)
    again = manager.fetch(item.input)

    assert isinstance(item.fault, Cancelled)
    assert Path(again.path or '').read_bytes() == BODY
    assert server.asked[1].get('Range') is not None
