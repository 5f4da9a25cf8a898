"""`with_options`: a manager with other options over the same connections and cache."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dlmachine.errors import CancelledError, RequestError
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Asked, Server, Wire

BODY = b'a,b\n1,2\n'


def test_it_shares_connections_and_cache(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """One connection serves both; what one stores, the other has."""
    url = server.on('/t.csv', resource(BODY))
    manager = make_manager(tmp_path / 'cache')
    first = manager.download(url)
    forcing = manager.with_options(force_download=True)
    second = forcing.download(url)

    assert second != first
    assert manager.download(url) == second
    assert (len(server.asked), server.connections) == (2, 1)
    assert (manager.policy.force_download, forcing.policy.force_download) == (False, True)


def test_options_are_those_of_the_manager_and_the_new_ones(make_manager: MakeManager) -> None:
    """Also of one that was derived itself; the settings say where each came from."""
    manager = make_manager(retries=5, checksum='md5:' + 'a' * 32, config={'timeout': 60})
    derived = manager.with_options(backend='curl', retries=1, checksum_file='sums.md5')
    again = derived.with_options(timeout=90, checksum='md5:' + 'b' * 32)

    assert (again.policy.backend, again.policy.retries) == ('curl', 1)
    assert again.policy.checksum is not None
    assert again.policy.checksum_file is None
    sources = {one.name: one.source for one in derived.config.settings}
    assert (sources['timeout'], sources['retries'], sources['rate']) == (
        'config', 'keyword', 'default',
    )  # fmt: skip


def test_header_fields_and_secret_names_are_added(make_manager: MakeManager) -> None:
    """As those of a call are."""
    manager = make_manager(headers={'X-A': '1', 'X-B': '1'}, secret_names=['b'])
    derived = manager.with_options(headers=['x-a: 2', 'x-c: 2'], secret_names=['a'])
    deeper = derived.with_options(retries=0)
    descriptor, _ = deeper.prepare('http://h/')

    assert sorted(descriptor.headers) == [('X-B', '1'), ('x-a', '2'), ('x-c', '2')]
    assert deeper.secret_names == ('a', 'b')
    assert manager.secret_names == ('b',)
    shown = {one.name: one.value for one in deeper.config.settings}
    assert shown['secret_names'] == ('a', 'b')


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        ({'retires': 1}, "unknown option 'retires'. Did you mean 'retries'?"),
        ({'retries': 'many'}, "retries must be a whole number, not 'many'"),
        ({'headers': {'Transfer-Encoding': 'x'}}, 'is set by dlmachine itself'),
        ({'path': 'x'}, 'path is not an option of with_options: it keeps the cache of its manager'),
        ({'pkg': 'x'}, 'pkg is not an option'), ({'config': {}}, 'config is not an option'),
        ({'query': {'a': 1}}, 'query'),
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused(
    make_manager: MakeManager, options: dict[str, Any], problem: str
) -> None:
    """At once, with the message of the manager."""
    with pytest.raises(RequestError) as caught:
        make_manager().with_options(**options)
    assert problem in str(caught.value)


def _stalling(begun: threading.Event) -> Any:
    def handle(asked: Asked, wire: Wire) -> None:
        wire.head(200, (('Content-Length', '100'),), 'OK')
        wire.send(b'x')
        begun.set()
        wire.pause(60)

    return handle


def _cancel(
    runs: DownloadManager, closes: DownloadManager, server: Server, path: str = '/slow'
) -> None:
    begun = threading.Event()
    url = server.on(path, _stalling(begun))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(runs.download, url, False)
        assert begun.wait(10)
        closes.close()
        with pytest.raises(CancelledError):
            running.result(10)


def test_closing_it_leaves_its_manager_at_work(make_manager: MakeManager, server: Server) -> None:
    """Only its own downloads end; both can be used afterwards."""
    manager = make_manager()
    derived = manager.with_options(retries=0)
    url = server.on('/t', resource(BODY))
    begun = threading.Event()
    slow = server.on('/slow-2', _stalling(begun))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(manager.download, slow, False)
        assert begun.wait(10)
        _cancel(derived, derived, server)
        assert not running.done()
        assert derived.download(url, dest=False).getvalue() == BODY
        manager.close()
        with pytest.raises(CancelledError):
            running.result(10)


def test_closing_its_manager_closes_it(make_manager: MakeManager, server: Server) -> None:
    """Through any number of managers between them; it works again when it is used again."""
    manager = make_manager()
    derived = manager.with_options(retries=0).with_options(timeout=60)
    url = server.on('/t', resource(BODY))

    _cancel(derived, manager, server)
    with derived:
        assert derived.download(url, dest=False).getvalue() == BODY
    assert manager.download(url, dest=False).getvalue() == BODY


def test_progress_can_be_switched(make_manager: MakeManager) -> None:
    """Its manager keeps its own bars."""
    manager = make_manager()
    with manager.adapters() as own, manager.with_options(retries=0).adapters() as same:
        assert own.progress is same.progress
    with manager.with_options(progress=True).adapters() as shown:
        assert shown.progress is not own.progress


def test_a_subclass_stays_one(tmp_path: Path) -> None:
    """With its own attributes."""

    class Mine(DownloadManager):
        label = 'x'

    mine = Mine(tmp_path)
    mine.label = 'y'
    assert mine.with_options(retries=0).label == 'y'
