"""Cookies of a download: kept during the download, by either backend, and recorded nowhere."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.manager import DownloadManager
from tests.servers.behaviours import in_turn, range_of, redirect, resource, respond
from tests.servers.http import Asked, Handler, Server, Wire

BODY = bytes(range(256)) * 40
TOKEN = 'planted-cookie-value'

MakeManager = Callable[..., DownloadManager]


def sets(*cookies: str) -> tuple[tuple[str, str], ...]:
    """Header fields that set cookies."""
    return tuple(('Set-Cookie', cookie) for cookie in cookies)


def behind(cookie: str, inside: Handler, outside: Handler) -> Handler:
    """Responses with and without a cookie."""

    def handle(asked: Asked, wire: Wire) -> None:
        has_it = cookie in (asked.get('Cookie') or '').split('; ')
        (inside if has_it else outside)(asked, wire)

    return handle


def read(manager: DownloadManager, url: str, **options: Any) -> bytes:
    """Read the content of a URL."""
    got: Any = manager.download(url, dest=False, **options)
    content: bytes = got.read()
    return content


def sent(server: Server, path: str) -> list[str | None]:
    """The cookies sent to a path."""
    return [asked.get('Cookie') for asked in server.asked if asked.path == path]


@pytest.mark.parametrize('status', [301, 302, 303, 307, 308])
def test_a_login_sets_a_cookie_and_redirects_back(
    server: Server, make_manager: MakeManager, tmp_path: Path, status: int
) -> None:
    """The same URL with other cookies is not a loop: Earthdata, consent walls."""
    url = server.on('/data.bin', behind(f's={TOKEN}', resource(BODY), redirect('/login', status)))
    server.on('/login', redirect(url, status, fields=sets(f's={TOKEN}; Path=/')))
    outcome = make_manager(tmp_path / 'cache').fetch(url)

    assert Path(str(outcome.path)).read_bytes() == BODY
    assert sent(server, '/data.bin') == [None, f's={TOKEN}']
    assert [path.partition('8')[0][:4] for path in outcome.record.urls] == ['http'] * 3
    assert all('#' not in path for path in outcome.record.urls)


def test_a_redirect_to_itself_that_sets_a_cookie(server: Server, manager: DownloadManager) -> None:
    """Consent walls do that."""
    ask = redirect('/data.bin', fields=sets('consent=yes'))
    url = server.on('/data.bin', behind('consent=yes', resource(BODY), ask))
    assert read(manager, url) == BODY


@pytest.mark.parametrize('cookies', [(), ('a=1',), ('a=1; Path=/elsewhere',), ('a=1; Max-Age=0',)])
def test_a_redirect_loop_repeats_request_and_cookies(
    server: Server, manager: DownloadManager, cookies: tuple[str, ...]
) -> None:
    """A cookie that changes nothing does not make a different request."""
    url = server.on('/data.bin', redirect('/other', fields=sets(*cookies)))
    server.on('/other', redirect('/data.bin'))
    with pytest.raises(dm.DownloadError, match='it is a loop'):
        manager.download(url, retries=0)
    assert len(server.asked) <= 4


def test_endless_new_cookies_hit_the_redirect_limit(
    server: Server, manager: DownloadManager
) -> None:
    """The limit of redirects ends them."""
    count = iter(range(100))

    def turn(asked: Asked, wire: Wire) -> None:
        wire.respond(302, (('Location', '/data.bin'), *sets(f'n={next(count)}')))

    url = server.on('/data.bin', turn)
    with pytest.raises(dm.DownloadError, match='redirect number 6; the limit is 5'):
        manager.download(url, retries=0, max_redirects=5)


def test_a_login_form_redirects_to_its_result(server: Server, manager: DownloadManager) -> None:
    """The same URL by another method is another request (RFC 9110 section 15.4.4)."""

    def form(asked: Asked, wire: Wire) -> None:
        if asked.method == 'POST':
            wire.respond(303, (('Location', asked.target), *sets('done=1')))
        else:
            wire.respond(200, (), (asked.get('Cookie') or '').encode())

    assert read(manager, server.on('/form', form), post={'a': 1}) == b'done=1'


def test_cookies_survive_retries(server: Server, manager: DownloadManager) -> None:
    """Also cookies of an error and of a truncated body."""
    busy = respond(503, sets('first=1'))

    def broken(asked: Asked, wire: Wire) -> None:
        wire.head(200, (('Content-Length', '100'), *sets('second=2')))
        wire.send(b'x')
        wire.close()

    url = server.on('/data.bin', in_turn(busy, broken, resource(BODY)))
    assert read(manager, url) == BODY
    assert sent(server, '/data.bin') == [None, 'first=1', 'first=1; second=2']


def test_a_mirror_gets_only_its_own_cookies(server: Server, manager: DownloadManager) -> None:
    """Another host gets none; the same host on another port does (RFC 6265 section 8.5)."""
    with Server() as other:
        url = server.on('/data.bin', respond(404, sets('a=1')))
        mirrors = [
            other.on('/data.bin', respond(404)).replace('127.0.0.1', 'localhost'),
            other.on('/more.bin', resource(BODY)),
        ]
        manager.download(url, mirrors=mirrors)
        assert [asked.get('Cookie') for asked in other.asked] == [None, 'a=1']


def test_segments_carry_the_latest_cookies(
    server: Server, make_manager: MakeManager, tmp_path: Path
) -> None:
    """Including those of the first range."""
    body, etag, mutex = BODY * 1000, '"v1"', threading.Lock()

    def ranges(asked: Asked, wire: Wire) -> None:
        span = range_of(asked, len(body))
        if span is None:
            wire.respond(200, (('ETag', etag),), body)
            return
        first, last = span
        with mutex:
            fields = (('ETag', etag), ('Content-Range', f'bytes {first}-{last}/{len(body)}'))
        extra = sets('part=1') if first == 0 else ()
        wire.respond(206, (*fields, *extra), body[first : last + 1])

    url = server.on('/data.bin', ranges)
    path = make_manager().download(url, dest=tmp_path / 'data.bin', segments=3)
    assert Path(str(path)).read_bytes() == body
    assert len(server.asked) > 2
    assert {asked.get('Cookie') for asked in server.asked[1:]} == {'part=1'}


def test_the_callers_own_cookie_stays(server: Server, manager: DownloadManager) -> None:
    """It is sent first and wins over a cookie of the same name, but is not sent to another origin."""
    with Server() as other:
        last = other.on('/data.bin', resource(BODY)).replace('127.0.0.1', 'localhost')
        server.on('/b', redirect(last))
        url = server.on('/a', redirect('/b', fields=sets('mine=theirs; Path=/', 'new=1')))
        manager.download(url, headers={'Cookie': 'mine=1'})
        assert sent(server, '/b') == ['mine=1; new=1']
        assert sent(other, '/data.bin') == [None]


def test_cookies_do_not_reach_another_download(server: Server, manager: DownloadManager) -> None:
    """Nor a refresh of the same file: each download starts without cookies."""
    url = server.on('/data.bin', resource(BODY, etag='"v1"', fields=sets('a=1')))
    cases: list[dm.DownloadOptions] = [{}, {'check_freshness': True}, {'force_download': True}]
    for options in cases:
        manager.download(url, **options)
    manager.download(server.on('/other.bin', resource(BODY)))
    assert {asked.get('Cookie') for asked in server.asked} == {None}


def test_a_conditional_request_carries_cookies(server: Server, manager: DownloadManager) -> None:
    """A 304 is accepted as usual."""
    stored = resource(BODY, etag='"v1"')
    url = server.on('/data.bin', stored)
    manager.download(url)
    server.on('/data.bin', behind('a=1', stored, redirect('/data.bin', fields=sets('a=1'))))
    assert manager.fetch(url, check_freshness=True).is_validated
    assert [(asked.get('Cookie'), asked.get('If-None-Match')) for asked in server.asked[1:]] == [
        (None, '"v1"'),
        ('a=1', '"v1"'),
    ]


def test_a_checksum_file_has_separate_cookies(server: Server, manager: DownloadManager) -> None:
    """No cookie crosses in either direction."""
    from hashlib import sha256

    sums = f'{sha256(BODY).hexdigest()}  data.bin\n'.encode()
    url = server.on('/data.bin', in_turn(respond(503, sets('file=1')), resource(BODY)))
    sums_url = server.on('/SUMS', in_turn(respond(503, sets('list=1')), resource(sums)))
    manager.download(url, checksum_file=sums_url)
    assert sent(server, '/data.bin') == [None, 'file=1']
    assert sent(server, '/SUMS') == [None, 'list=1']


@pytest.mark.parametrize(
    'cookie',
    [
        'a=1; Domain=1',
        'a=1; Domain=0.0.1',
        'a=1; Domain=com',
        'a=1; Secure',
        '__Host-a=1; Path=/',
        'a=1; Max-Age=0',
    ],
)
def test_a_cookie_that_may_not_be_set_is_not_sent(
    server: Server, manager: DownloadManager, cookie: str
) -> None:
    """IP addresses have no domains, http sets no Secure cookie, and expired cookies are gone."""
    server.on('/b', resource(BODY))
    manager.download(server.on('/a', redirect('/b', fields=sets(cookie))))
    assert sent(server, '/b') == [None]


def test_cookies_are_recorded_nowhere(
    server: Server, make_manager: MakeManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither where they are set nor where a server echoes them, whatever the result."""
    caplog.set_level(logging.DEBUG)
    manager = make_manager(tmp_path / 'cache', retries=0)
    echo = (('X-Echo', TOKEN), ('Content-Disposition', f'attachment; filename="{TOKEN}.bin"'))
    server.on('/in', resource(BODY, fields=(*echo, *sets(f't={TOKEN}-2'))))
    led = redirect(f'/in?back={TOKEN}', fields=sets(f's={TOKEN}'))
    outcome = manager.fetch(server.on('/data.bin', led))
    with pytest.raises(dm.DownloadError) as refused:
        manager.fetch(
            server.on('/refused', redirect(f'ftp://h/{TOKEN}', fields=sets(f's={TOKEN}')))
        )
    server.on('/gone', respond(404, reason=f'No {TOKEN}'))
    with pytest.raises(dm.DownloadError) as gone:
        manager.fetch(server.on('/lost', redirect(f'/gone?s={TOKEN}', fields=sets(f's={TOKEN}'))))
    manager.close()

    reported: list[Any] = [
        outcome,
        outcome.story,
        outcome.record,
        caplog.text,
        refused.value,
        gone.value,
    ]
    assert sent(server, '/in') == [f's={TOKEN}']
    assert TOKEN not in ''.join(f'{one!r} {one}' for one in reported)
    for file in (tmp_path / 'cache').rglob('*'):
        assert TOKEN not in str(file)
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes(), file
