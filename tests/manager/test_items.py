"""`manager.item`: cachedir's item of a stored copy."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'a,b\n1,2\n'


def test_it_is_the_item_of_the_stored_copy(manager: DownloadManager, server: Server) -> None:
    """None before the download; then that of the newest version, without a request."""
    url = server.on('/t.vcf.gz', resource(BODY))
    assert manager.item(url) is None
    first = manager.download(url)
    item = manager.item(url)

    assert item is not None
    assert (item.path, item.version, item.filename) == (first, 1, 't.vcf.gz')
    second = manager.download(url, force_download=True)
    newest = manager.item(url, check_freshness=True)
    assert newest is not None
    assert newest.path == second
    assert manager.item(url, query={'other': 1}) is None
    assert len(server.asked) == 2


def test_the_options_choose_the_version(manager: DownloadManager, server: Server) -> None:
    """By its date and its size, as those of a download do."""
    url = server.on('/t', resource(BODY))
    manager.download(url)
    later = datetime.now(UTC) + timedelta(days=1)

    assert manager.item(url, newer_than=later) is None
    assert manager.item(url, min_bytes=1000) is None
    assert manager.item(url, older_than=later) is not None


def test_an_entry_of_cachedir_has_its_item(manager: DownloadManager) -> None:
    """Under its own key; a file without an extension too."""
    cache = manager.cache
    assert cache is not None
    made = cache.create('http://example.org/README')
    Path(made.path).write_bytes(BODY)
    made.ready()
    item = manager.item('http://example.org/README')

    assert item is not None
    assert item.version_id == made.version_id


def test_there_is_none_without_a_cache(make_manager: MakeManager) -> None:
    """As there is no `cache`."""
    assert make_manager().item('http://h/') is None


def test_a_registry_that_cannot_be_read_is_an_error(
    make_manager: MakeManager, tmp_path: Path
) -> None:
    """It is not mistaken for an empty cache."""
    (tmp_path / 'cache.sqlite').write_bytes(b'no registry' * 100)
    with pytest.raises(DownloadError):
        make_manager(tmp_path).item('http://h/')


def test_a_row_that_is_gone_has_no_item(
    manager: DownloadManager, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program may remove it at this moment."""
    url = server.on('/t', resource(BODY))
    manager.download(url)
    cache = manager.cache
    assert cache is not None
    with sqlite3.connect(cache.path) as other:
        look_up = manager._world.store.look_up  # type: ignore[union-attr]

        def late(*args: object) -> object:
            seen = look_up(*args)  # type: ignore[arg-type]
            other.execute('DELETE FROM main')
            other.commit()
            return seen

        monkeypatch.setattr(manager._world.store, 'look_up', late)
        assert manager.item(url) is None
    other.close()
