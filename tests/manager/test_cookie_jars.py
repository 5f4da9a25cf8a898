"""Jars and cookies of a caller, by either backend: kept between downloads, scoped, shown nowhere."""

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import DownloadError, RequestError
from dlmachine.manager import DownloadManager
from tests.manager.test_cookies import behind, read, sent, sets
from tests.servers.behaviours import redirect, resource, respond
from tests.servers.http import Server

BODY = b'gene\tvalue\n' * 1_000
VALUE = 'planted-cookie-value'
MakeManager = Callable[..., DownloadManager]


def a_site(server: Server) -> str:
    """A file for those who have logged in, and the page that logs in."""
    server.on('/login', respond(200, sets(f's={VALUE}; Path=/; HttpOnly'), b'welcome'))
    return server.on('/data', behind(f's={VALUE}', resource(BODY), respond(403)))


def test_a_jar_for_the_manager(server: Server, make_manager: MakeManager) -> None:
    """The next download has the cookies of the last one; another manager does not."""
    url = a_site(server)
    manager = make_manager(cookies=True, retries=0)
    with pytest.raises(DownloadError):
        read(manager, url)
    read(manager, server.url('/login'))
    assert read(manager, url) == BODY
    assert read(manager.with_options(timeout=60), url) == BODY
    assert manager.probe(url).status.value == 'alive'
    with pytest.raises(DownloadError):
        read(manager, url, cookies=False)
    with pytest.raises(DownloadError):
        read(make_manager(retries=0), url)


def test_a_jar_in_a_file(server: Server, make_manager: MakeManager, tmp_path: Path) -> None:
    """Another manager logs in, and both backends read the file; nothing shows a value."""
    url, jar = a_site(server), tmp_path / 'jar.txt'
    read(make_manager(cookies=jar), server.url('/login'))
    assert VALUE in jar.read_text()
    assert jar.read_text().splitlines()[-1].startswith('#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\ts')
    manager = make_manager(tmp_path / 'cache')
    assert Path(str(manager.download(url, cookies=str(jar)))).read_bytes() == BODY
    # They are not part of the key.
    assert manager.fetch(url).origin.value == 'cache'


def test_cookies_for_one_origin(server: Server, make_manager: MakeManager, tmp_path: Path) -> None:
    """Not for the target of a redirect, a mirror, or the server of a checksum list."""
    with Server() as other:
        away = other.on('/data', resource(BODY))
        sums = other.on('/SHA256SUMS', respond(200, (), b'0' * 64 + b'  data\n'))
        url = server.on('/moves', redirect(away))
        mine = {'s': VALUE}
        assert read(make_manager(), url, cookies=mine) == BODY
        gone = server.on('/gone', respond(503))
        assert read(make_manager(retries=0), gone, cookies=mine, mirrors=[away]) == BODY
        with pytest.raises(DownloadError):
            read(make_manager(), a_site(server), cookies=mine, checksum=sums)
        assert sent(server, '/moves') == sent(server, '/gone') == [f's={VALUE}']
        assert [one.get('Cookie') for one in other.asked] == [None] * len(other.asked)
    manager = make_manager(tmp_path / 'cache')
    assert [manager.fetch(a_site(server), cookies=one).origin.value for one in (mine, None)] == [
        'network',
        'cache',
    ]


def test_a_call_adds_to_the_jar(server: Server, make_manager: MakeManager) -> None:
    """And a rule gives cookies to its site."""
    url = a_site(server)
    rules = [{'match': f'http://127.0.0.1:{server.port}/**', 'cookies': {'rule': '1'}}]
    manager = make_manager(cookies=True, rules=rules)
    read(manager, server.url('/login'))
    assert read(manager, url, cookies={'call': '2'}) == BODY
    assert read(manager, dm.Descriptor(url, cookies={'own': '3'})) == BODY  # type: ignore[arg-type]
    assert [sorted((one or '').split('; ')) for one in sent(server, '/data')] == [
        ['call=2', 'rule=1', f's={VALUE}'],
        ['own=3', 'rule=1', f's={VALUE}'],
    ]


def test_many_downloads_share_a_jar(
    server: Server, make_manager: MakeManager, tmp_path: Path
) -> None:
    """Also with another manager, which uses the same file at the same time."""
    jar = tmp_path / 'jar.txt'
    urls = [
        server.on(f'/set{n}', respond(200, sets(f'c{n}={VALUE}; Path=/'), b'x')) for n in range(8)
    ]
    managers = [make_manager(cookies=jar) for _ in range(2)]
    halves = (urls[:4], urls[4:])
    threads = [
        threading.Thread(target=manager.download_all, args=(half, False))
        for manager, half in zip(managers, halves, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert jar.read_text().count(VALUE) == 8


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        ({'cookies': {'s': 'x'}}, 'cookies would send a secret to every host'),
        ({'rules': [{'match': '*://**/**', 'cookies': {'s': 'x'}}]}, 'to every host'),
        ({'cookies': 's=x'}, 'must be a mapping or the path of a jar'),
    ],
)
def test_what_a_manager_refuses(options: dict[str, Any], problem: str) -> None:
    """It downloads from many hosts."""
    with pytest.raises(RequestError, match=problem):
        dm.DownloadManager(**options)


def test_a_bad_jar(server: Server, make_manager: MakeManager, tmp_path: Path) -> None:
    """Nothing is requested, and the file stays as it is."""
    url, jar = a_site(server), tmp_path / 'jar.txt'
    jar.write_text('sid=abc')
    with pytest.raises(DownloadError, match=r'cookie jar .*jar.txt: line 1 has 1 field.*Export it'):
        read(make_manager(cookies=jar), url)
    assert server.asked == []
    assert jar.read_text() == 'sid=abc'


def test_a_jar_that_breaks_meanwhile(
    server: Server, make_manager: MakeManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The download goes on, and the log says that its cookies are not kept."""
    jar = tmp_path / 'jar.txt'

    def damage(asked: Any, wire: Any) -> None:
        jar.write_text('damaged')
        wire.respond(200, sets('a=1'), BODY)

    with caplog.at_level(logging.WARNING, 'dlmachine'):
        assert read(make_manager(cookies=jar), server.on('/data', damage)) == BODY
    assert 'cookies are not kept: cookie jar' in caplog.text


def test_values_are_shown_nowhere(
    server: Server, make_manager: MakeManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in a plan nor in a record, a log or an error; an echo is masked, too."""
    url, jar = a_site(server), tmp_path / 'jar.txt'
    echo = server.on('/echo', lambda asked, wire: wire.respond(404, (), (asked.get('Cookie') or '').encode()))  # fmt: skip
    manager = make_manager(tmp_path / 'cache', cookies=jar, retries=0)
    read(manager, server.url('/login'))
    with caplog.at_level(logging.DEBUG, 'dlmachine'):
        outcome = manager.fetch(url, cookies={'own': f'{VALUE}-own'})
        with pytest.raises(DownloadError) as caught:
            read(manager, echo, cookies={'own': f'{VALUE}-own'})
    plan = manager.plan(url, cookies={'own': f'{VALUE}-own', 'ref': 'env:SID'}, force_download=True)
    shown = [str(plan), repr(plan), plan.to_json(), repr(outcome), str(caught.value), caplog.text]
    shown += [repr(outcome.story), repr(manager.config), str(caught.value.fault)]
    assert [VALUE in text for text in shown] == [False] * len(shown)
    files = [one for one in (tmp_path / 'cache').rglob('*') if one.is_file()]
    assert not [one for one in files if VALUE.encode() in one.read_bytes()]
    assert f'cookies      own, ref (env:SID), jar {jar}; own ones only to http://127' in str(plan)
    assert 'read the cookies own, ref (env:SID), jar' in str(plan)


@pytest.mark.parametrize(
    ('cookies', 'problem'),
    [
        ({'sid': 'env:HOME'}, "reads env:HOME, and this file may be another person's"),
        ('/tmp/jar.txt', 'leads outside the folder'),
    ],
)
def test_a_manifest_of_another_person(tmp_path: Path, cookies: Any, problem: str) -> None:
    """It can neither read variables nor write elsewhere."""
    path = tmp_path / 'm.json'
    path.write_text(json.dumps({'download': [{'url': 'https://h/x', 'cookies': cookies}]}))
    [item] = dm.unwrap(dm.read_manifest(path))
    assert problem in str(item.fault)
    [item] = dm.unwrap(dm.read_manifest(path, allow_outside=True))
    assert item.fault is None


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path) -> None:
    """As all paths in configuration files and manifests are."""
    path = tmp_path / 'm.json'
    entries = [
        {'url': 'https://h/x', 'cookies': 'jar.txt'},
        {'url': 'https://h/y', 'cookies': {'a': 'file:sid', 'b': 'x'}},
        {'url': 'https://h/z', 'cookies': {'a b': 'x'}},
    ]
    path.write_text(json.dumps({'download': entries}))
    first, second, third = dm.unwrap(dm.read_manifest(path, allow_outside=True))
    assert first.descriptor is not None
    assert first.descriptor.cookies.jar == str(tmp_path / 'jar.txt')
    assert second.descriptor is not None
    assert f'a (file:{tmp_path / "sid"}), b' in repr(second.descriptor)
    assert 'not a token' in str(third.fault)


def test_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A jar for every command."""
    for text, jar in (('true', ''), (str(tmp_path / 'jar.txt'), str(tmp_path / 'jar.txt'))):
        monkeypatch.setenv('DLMACHINE_COOKIES', text)
        with dm.DownloadManager() as manager:
            assert manager.prepare('https://h/x')[0].cookies.jar == jar
