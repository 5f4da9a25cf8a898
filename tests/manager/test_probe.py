"""`manager.probe` and an audit with probes: what servers say, with each backend."""

from pathlib import Path
from threading import Timer
from time import monotonic
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import CancelledError, RequestError
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import in_turn, raw, redirect, resource, respond, silent
from tests.servers.http import Asked, Handler, Server, Wire

BODY = b'a,b\n1,2\n'
Status = dm.ProbeStatus


def only_get(handler: Handler, status: int = 405) -> Handler:
    """A server that refuses HEAD."""
    refused = respond(status)
    return lambda asked, wire: (refused if asked.method == 'HEAD' else handler)(asked, wire)


def methods(server: Server) -> list[str]:
    """The methods of all requests."""
    return [one.method for one in server.asked]


def test_a_stored_file_is_alive_until_it_changes(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """One HEAD each; nothing is written, and the file is not transferred."""
    url = server.on('/t', resource(BODY, etag='"v1"'))
    manager = make_manager(tmp_path / 'cache')
    assert manager.probe(url).status is Status.ALIVE
    assert not (tmp_path / 'cache').exists()
    path = Path(str(manager.download(url)))
    before = {one: one.stat().st_mtime_ns for one in path.parent.iterdir()}
    assert manager.probe(url).status is Status.ALIVE
    server.on('/t', resource(BODY * 2, etag='"v2"'))
    changed = manager.probe(url)

    assert (changed.status, changed.ok, changed.size_bytes) == (Status.CHANGED, True, 2 * len(BODY))
    assert changed.reason == 'the ETag is "v2"; that of the known version is "v1"'
    assert {one: one.stat().st_mtime_ns for one in path.parent.iterdir()} == before
    assert methods(server) == ['HEAD', 'GET', 'HEAD', 'HEAD']


@pytest.mark.parametrize('status', [400, 403, 404, 405, 501])
def test_a_server_without_head_is_asked_for_one_byte(
    manager: DownloadManager, server: Server, status: int
) -> None:
    """The size of the file is in the Content-Range."""
    url = server.on('/t', only_get(resource(BODY), status))
    result = manager.probe(url)

    assert (result.status, result.size_bytes, result.status_code) == (Status.ALIVE, len(BODY), 206)
    assert methods(server) == ['HEAD', 'GET']
    assert server.asked[-1].get('Range') == 'bytes=0-0'


def test_a_server_that_breaks_on_head_is_asked_for_one_byte(
    manager: DownloadManager, server: Server
) -> None:
    """It closes the connection without a response."""
    closing = raw()

    def handle(asked: Asked, wire: Wire) -> None:
        (closing if asked.method == 'HEAD' else resource(BODY))(asked, wire)

    assert manager.probe(server.on('/t', handle)).status is Status.ALIVE
    assert methods(server) == ['HEAD', 'GET']


@pytest.mark.parametrize(
    ('handler', 'status', 'asked'),
    [
        (respond(404), Status.GONE, 2), (respond(410), Status.GONE, 1), (respond(403), Status.FORBIDDEN, 2),
        (respond(401), Status.FORBIDDEN, 1), (respond(503), Status.UNREACHABLE, 2), (redirect('/t'), Status.UNREACHABLE, 1),
        (in_turn(respond(503), resource(BODY)), Status.ALIVE, 2), (raw(b'nonsense\r\n\r\n'), Status.UNREACHABLE, 2),
    ],
)  # fmt: skip
def test_what_a_server_says_is_a_result(
    make_manager: MakeManager, server: Server, handler: Handler, status: Status, asked: int
) -> None:
    """With as many requests as a download would make at most."""
    result = make_manager(retries=1).probe(server.on('/t', handler))
    assert result.status is status
    assert (result.fault is None) is result.ok
    assert len(server.asked) <= asked + (status is Status.UNREACHABLE)


def test_a_host_that_is_not_there_is_unreachable(make_manager: MakeManager) -> None:
    """The reason says why."""
    result = make_manager(retries=0).probe('http://127.0.0.1:1/t?token=s3cret')
    assert (result.status, result.url) == (Status.UNREACHABLE, 'http://127.0.0.1:1/t?token=***')
    assert 'no connection could be made' in result.reason
    slow = make_manager(retries=0, stall_timeout=0.2)
    with Server() as server:
        assert slow.probe(server.on('/t', silent)).status is Status.UNREACHABLE


def test_a_moved_file_has_a_new_url(manager: DownloadManager, server: Server) -> None:
    """By a permanent redirect."""
    new = server.on('/new', resource(BODY))
    moved = manager.probe(server.on('/old', redirect('/new', 301)))
    assert (moved.status, moved.moved_to, moved.final_url) == (Status.MOVED, new, new)
    passing = manager.probe(server.on('/now', redirect('/new', 302)))
    assert (passing.status, passing.moved_to, passing.final_url) == (Status.ALIVE, None, new)


def test_the_rate_is_kept(make_manager: MakeManager, server: Server) -> None:
    """As that of downloads is."""
    manager = make_manager(rate='5/s')
    urls = [server.on(f'/{number}', resource(BODY)) for number in range(8)]
    began = monotonic()
    assert all(row.probe is not None for row in manager.audit(urls, probe=True))
    # The first second has five of them at most.
    assert monotonic() - began > 0.4
    assert len(server.asked) == 8


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        ({'post': {'a': 1}}, 'method is POST: only a GET can be probed'),
        ({'offline': True}, 'offline is set'), ({'method': 'HEAD'}, 'method is HEAD: only a GET can be probed'),
        ({'nonsense': 1}, 'unknown option'),
    ],
)  # fmt: skip
def test_a_wrong_probe_is_refused(
    manager: DownloadManager, server: Server, options: dict[str, Any], problem: str
) -> None:
    """Nothing is sent."""
    with pytest.raises(RequestError, match=problem):
        manager.probe(server.on('/t', resource(BODY)), **options)
    with pytest.raises(RequestError, match='method must be one of'):
        manager.download(server.on('/t', resource(BODY)), method='TRACE')
    assert server.asked == []


def test_closing_the_manager_ends_a_probe(make_manager: MakeManager, server: Server) -> None:
    """With the error of a cancelled download."""
    manager = make_manager()
    timer = Timer(0.3, manager.close)
    timer.start()
    with pytest.raises(CancelledError):
        manager.probe(server.on('/t', silent))
    timer.join()


def test_an_audit_probes_each_item(manager: DownloadManager, server: Server) -> None:
    """Rows come in order, with what a download would do beside what the server said."""
    alive, gone = server.on('/a', resource(BODY)), server.on('/b', respond(410))
    manager.download(alive)
    post = dm.Descriptor(alive, query={'a': 1}, post=True)
    rows = list(manager.audit([alive, gone, 'ht!tp', post], probe=True))

    assert [row.status.value for row in rows] == ['hit', 'missing', 'would-fail', 'missing']
    probes = [row.probe for row in rows]
    assert [one and one.status for one in probes] == [
        Status.ALIVE, Status.GONE, None, Status.SKIPPED,
    ]  # fmt: skip
    assert all(row.probe is None for row in manager.audit([alive]))


def test_many_items_are_probed_a_few_at_a_time(manager: DownloadManager, server: Server) -> None:
    """More than are waited for at once."""
    urls = [server.on(f'/{number}', resource(BODY * number)) for number in range(1, 40)]
    rows = list(manager.audit(urls, probe=True))
    sizes = [row.probe.size_bytes for row in rows if row.probe is not None]
    assert sizes == [len(BODY) * number for number in range(1, 40)]


def test_a_recorded_file_is_compared_too(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """At a path, and in a folder; an audit of a batch does the same."""
    url = server.on('/t.csv', resource(BODY, etag='"v1"'))
    manager, path = make_manager(), tmp_path / 'd' / 't.csv'
    manager.download(url, path)
    assert manager.probe(url, path).status is Status.ALIVE
    server.on('/t.csv', resource(BODY, etag='"v2"'))
    assert manager.probe(url, path).status is Status.CHANGED
    assert manager.probe(url).status is Status.ALIVE
    (row,) = manager.audit([url], f'{path.parent}/', probe=True)
    assert row.probe is not None
    assert row.probe.status is Status.CHANGED
