"""`freshness='http'`: requests counted at a server that says how long its answers are fresh."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dlmachine.core.protocol.outcome import Outcome
from dlmachine.errors import OfflineMissError
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import in_turn, respond
from tests.servers.http import Server

Fetch = Callable[..., Outcome]


@pytest.fixture
def manager(make_manager: MakeManager, tmp_path: Path) -> DownloadManager:
    """A manager that follows HTTP's rules."""
    return make_manager(tmp_path / 'cache', freshness='http')


def said(server: Server, control: str, **fields: str) -> str:
    """The URL of a file with this Cache-Control."""
    headers = {'Cache-Control': control, **{name.title(): value for name, value in fields.items()}}
    return server.on('/t.tsv', respond(200, tuple(headers.items()), b'id\n1\n'))


def test_a_response_is_used_as_long_as_the_server_says(
    manager: DownloadManager, server: Server
) -> None:
    """And the outcome tells why, with the fields of the response."""
    url = said(server, 'max-age=60')
    first, second = manager.fetch(url), manager.fetch(url)

    assert len(server.asked) == 1
    assert re.fullmatch(r'fresh for .* more \(max-age 1 min, age [0-9]+ s\)', second.reason)
    assert (second.status, int(second.headers.get('Age') or -1) >= 0) == (200, True)
    assert second.headers.get('Cache-Control') == 'max-age=60'
    assert [str(one.cache_status) for one in (first, second)] == [
        'dlmachine; fwd=uri-miss; fwd-status=200; stored',
        f'dlmachine; hit; ttl={60 - int(second.headers.get("Age") or 0)}',
    ]


@pytest.mark.parametrize('control', ['no-store', 'no-cache', 'max-age=0', 's-maxage=60'])
def test_a_response_that_may_not_be_used_again_is_not(
    manager: DownloadManager, server: Server, control: str
) -> None:
    """The caller gets it, and the next request goes to the server."""
    url = said(server, control)
    for _ in range(2):
        assert Path(str(manager.download(url))).read_bytes() == b'id\n1\n'
    assert len(server.asked) == 2


def test_each_variant_is_stored(manager: DownloadManager, server: Server) -> None:
    """Only fields that Vary names tell requests apart, and credentials always do."""
    url = said(server, 'max-age=60', vary='X-Lab')
    one: dict[str, str] = {'X-Lab': '1'}
    for fields in (one, {'X-Lab': '2'}, {}, dict(one, Authorization='me')):
        for _ in range(2):
            sent: dict[str, str] = {**fields, 'X-Other': str(len(server.asked))}
            manager.fetch(url, headers=sent)
    assert len(server.asked) == 4


def test_a_request_may_ask_for_more(manager: DownloadManager, server: Server) -> None:
    """By its own Cache-Control."""
    url = said(server, 'max-age=60')
    with pytest.raises(OfflineMissError, match='the request says only-if-cached'):
        manager.fetch(url, headers={'Cache-Control': 'only-if-cached'})
    manager.fetch(url)
    manager.fetch(url, headers={'Cache-Control': 'only-if-cached'})
    assert len(server.asked) == 1
    manager.fetch(url, headers={'Cache-Control': 'min-fresh=90'})
    assert len(server.asked) == 2


def test_a_plan_says_what_a_download_would_do(manager: DownloadManager, server: Server) -> None:
    """With its arithmetic, also after JSON."""
    url = said(server, 'max-age=60')
    manager.fetch(url, headers={'X-Lab': '1'})

    made = manager.plan(url, headers={'X-Lab': '2'})

    assert made.verdict.value == 'use cached'
    assert 'freshness    fresh for ' in str(made)


def test_a_file_at_a_path_follows_the_same_rules(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """Also one that is filled from the cache."""
    url = said(server, 'max-age=60')
    for _ in range(2):
        manager.download(url, tmp_path / 't.tsv')
    assert len(server.asked) == 1
    for _ in range(2):
        manager.download(url, tmp_path / 'other.tsv', via_cache=True)
    assert len(server.asked) == 2


def test_a_response_with_no_store_is_for_one_request(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """Also for later requests with another freshness; but a file at a path is the user's."""
    url, asked = said(server, 'no-store'), []
    for dest in (None, tmp_path / 't.tsv'):
        first = manager.fetch(url, dest=dest)
        later = [manager.fetch(url, dest=dest, freshness='stored') for _ in range(2)]
        asked += [one.origin.value for one in (first, *later)]
        assert Path(str(first.path)).read_bytes() == b'id\n1\n'

    assert asked == ['network', 'network', 'cache', 'network', 'cache', 'cache']


def test_a_digest_of_the_body_is_stored_and_returned(
    manager: DownloadManager, server: Server
) -> None:
    """Since it is right; and `immutable` spares the check that a reload would make."""
    digest = {'content-md5': 'vJKA38HU5nIz8Tj1u78JUQ=='}
    url = said(server, 'max-age=60, immutable', **digest)
    manager.fetch(url)
    again = manager.fetch(url, headers={'Cache-Control': 'max-age=0'})

    assert again.headers.get('Content-Md5') == digest['content-md5']
    assert len(server.asked) == 1
    manager.fetch(url, headers={'Cache-Control': 'no-cache'})
    assert len(server.asked) == 2


@pytest.mark.parametrize('method', ['size', 'modified'])
def test_a_new_response_is_used_however_much_it_looks_like_the_old_one(
    make_manager: MakeManager, server: Server, tmp_path: Path, method: str
) -> None:
    """Only a 304, or an equal strong ETag, says that the copy is current (section 4.3.3)."""
    manager = make_manager(tmp_path / 'cache', check_method=method)
    fields = ('Last-Modified', 'Wed, 01 May 2024 12:00:00 GMT'), ('Cache-Control', 'no-cache')
    bodies = [b'id\n1\n', b'id\n2\n']
    url = server.on('/t.tsv', in_turn(*(respond(200, fields, body) for body in bodies)))

    got = [manager.fetch(url, freshness='http') for _ in bodies]

    assert [Path(str(one.path)).read_bytes() for one in got] == bodies
    assert server.asked[1].get('If-Modified-Since')


def test_a_new_response_with_the_same_bytes_ends_the_old_lifetime(
    manager: DownloadManager, server: Server
) -> None:
    """Its fields replace all of those that are stored."""
    said = ('Cache-Control', 'max-age=60'), ('ETag', '"v1"')
    responses = [respond(200, said[number:], b'id\n1\n') for number in (0, 1, 1)]
    url = server.on('/t.tsv', in_turn(*responses))
    for control in ({}, {'Cache-Control': 'no-cache'}, {}):
        manager.fetch(url, headers=control)
    assert len(server.asked) == 3


def test_cookies_count_unless_they_are_left_out_of_the_key(
    manager: DownloadManager, server: Server
) -> None:
    """A copy of a request without them is not used for one with them."""
    url, sent = said(server, 'max-age=60'), {'Cookie': 'a=b'}
    manager.fetch(url)
    manager.fetch(url, headers=sent)
    manager.fetch(url, headers=sent, key_without=['Cookie'])
    assert len(server.asked) == 2
