"""A shared proxy cache between: who asks for the current file does not get its old copy."""

from pathlib import Path
from typing import Any

import pytest

from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.http import Asked, Server, Wire

#: The proxy has a copy that is ten days old by its Age, and still fresh for it.
_OLD, _NEW = b'id\n1\n', b'id\n2\n'
_OLD_FIELDS = (('Age', '864000'), ('Cache-Control', 'max-age=31536000'), ('ETag', '"1"'))


def _proxy(asked: Asked, wire: Wire) -> None:
    """Answers as a shared cache with a fresh copy does (RFC 9111 section 4)."""
    control = asked.get('Cache-Control') or ''
    if control == 'no-cache' or (control.startswith('max-age=') and int(control[8:]) < 864_000):
        wire.respond(200, (('ETag', '"2"'),), _NEW)
    elif asked.get('If-None-Match') == '"1"':
        wire.respond(304, _OLD_FIELDS)
    else:
        wire.respond(200, _OLD_FIELDS, _OLD)


@pytest.fixture
def manager(make_manager: MakeManager, server: Server, tmp_path: Path) -> DownloadManager:
    """A manager behind the proxy."""
    server.on('/t.tsv', _proxy)
    return make_manager(tmp_path / 'cache')


@pytest.mark.parametrize(
    'options',
    [
        {'freshness': 'always'},
        {'check_freshness': True},
        {'force_download': True},
        {'freshness': '0s'},
        {'check_freshness': True, 'check_method': 'size'},
    ],
)
def test_the_current_file_is_that_of_the_server(
    manager: DownloadManager, server: Server, options: dict[str, Any]
) -> None:
    """Although the proxy would confirm the old one."""
    url = server.url('/t.tsv')
    assert Path(str(manager.download(url))).read_bytes() == _OLD

    manager.download(url, **options)

    asked = 'max-age=0' if options == {'freshness': '0s'} else 'no-cache'
    assert [one.get('Cache-Control') for one in server.asked] == [None, asked]


def test_a_duration_limits_the_age_of_what_a_proxy_answers(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """A week does not mean a week here and ten days there; a month is old enough for the proxy."""
    url = server.url('/t.tsv')
    monthly, weekly = (manager.with_options(freshness=lasts) for lasts in ('30d', '7d'))

    assert Path(monthly.download(url, dest=tmp_path / 'monthly.tsv')).read_bytes() == _OLD
    assert Path(weekly.download(url, dest=tmp_path / 'weekly.tsv')).read_bytes() == _NEW


def test_what_is_said_is_not_part_of_the_key(manager: DownloadManager, server: Server) -> None:
    """The copy is found by a download without it."""
    url = server.url('/t.tsv')
    stored = manager.download(url, freshness='always')

    assert manager.download(url) == stored
    assert len(server.asked) == 1


def test_the_callers_own_field_counts(manager: DownloadManager, server: Server) -> None:
    """It is sent as it is."""
    url = server.url('/t.tsv')
    manager.download(url, freshness='always', headers={'Cache-Control': 'max-stale'})

    assert server.asked[0].get('Cache-Control') == 'max-stale'
