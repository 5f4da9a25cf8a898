"""Copies that came through redirects, by the rules of HTTP: requests counted at the server."""

from pathlib import Path

import pytest

from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import redirect, respond
from tests.servers.http import Fields, Server

LASTS: Fields = (('Cache-Control', 'max-age=6000'),)
SHORT: Fields = (('Cache-Control', 'max-age=3000'),)
BODY = b'id\n1\n'


@pytest.fixture
def manager(make_manager: MakeManager, tmp_path: Path) -> DownloadManager:
    """A manager that follows HTTP's rules."""
    return make_manager(tmp_path / 'cache', freshness='http')


def moved(server: Server, *hops: tuple[int, Fields]) -> str:
    """The URL of a fresh file behind these redirects."""
    server.on('/t.tsv', respond(200, (*LASTS, ('ETag', '"1"')), BODY))
    target, url = '/t.tsv', server.url('/t.tsv')
    for number, (status, fields) in enumerate(reversed(hops)):
        path = f'/{number}'
        url = server.on(path, redirect(target, status, fields=fields))
        target = path
    return url


@pytest.mark.parametrize(
    ('hops', 'requests'),
    [
        ([(301, ())], 2),
        ([(308, LASTS)], 2),
        ([(302, LASTS)], 2),
        ([(302, ())], 4),
        ([(307, (('Cache-Control', 'max-age=0'),))], 4),
        ([(301, (('Cache-Control', 'no-store'),))], 4),
        ([(301, (*LASTS, ('Vary', 'X-Lab')))], 4),
        ([(301, ()), (308, ()), (302, LASTS)], 4),
        ([(301, ()), (302, ()), (308, ())], 8),
        ([(302, ()), (301, ())], 6),
    ],
)
def test_a_copy_is_used_while_its_redirects_are_fresh(
    manager: DownloadManager, server: Server, hops: list[tuple[int, Fields]], requests: int
) -> None:
    """All of them: else all are asked for again."""
    url = moved(server, *hops)
    found = [Path(str(manager.download(url))).read_bytes() for _ in range(2)]

    assert found == [BODY] * 2
    assert len(server.asked) == requests


def test_the_first_to_become_stale_counts(manager: DownloadManager, server: Server) -> None:
    """The outcome says so, and a check asks for all of them."""
    url = moved(server, (301, SHORT))
    manager.fetch(url)
    assert '(redirect ' in manager.fetch(url).reason

    server.on('/0', redirect('/t.tsv', 302))
    manager.fetch(url, freshness='always')
    assert '(redirect ' not in manager.fetch(url).reason
    assert len(server.asked) == 6


@pytest.mark.parametrize('changed', ['/1', '/0', '/t.tsv'])
def test_a_change_at_any_of_the_urls_makes_the_copy_invalid(
    manager: DownloadManager, server: Server, changed: str
) -> None:
    """RFC 9111 section 4.4: the stored response of that URL, through whatever it is reached."""
    url = moved(server, (301, ()), (301, ()))
    manager.fetch(url)
    manager.fetch(server.url(changed), method='DELETE', follow=False, any_status=True)
    known = len(server.asked)
    outcomes = [manager.fetch(url) for _ in range(2)]

    assert [one.origin.value for one in outcomes] == ['cache', 'cache']
    assert [one.is_validated for one in outcomes] == [True, False]
    assert len(server.asked) == known + 3
