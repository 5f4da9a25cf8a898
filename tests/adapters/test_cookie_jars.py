"""Cookie jars on a disk and in memory: atomic, private, and shared by several managers."""

import os
import stat
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.access.caller_cookies import IN_MEMORY, Cookies, parse_cookies
from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import JarUnusable, SecretUnavailable
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.url import parse_url
from dlmachine.core.protocol.effects import ReadCookies
from dlmachine.core.protocol.events import CookiesRead, EffectFailed
from dlmachine_adapters import cookie_jars
from dlmachine_adapters.cookie_jars import CookieJars
from dlmachine_adapters.fakes.clock import ManualClock
from dlmachine_adapters.fakes.cookies import MemoryCookies
from dlmachine_adapters.runtime.secrets import SystemSecrets

SENT = Request(method='GET', url='https://h.org/')
LINE = 'h.org\tFALSE\t/\tFALSE\t0\t{}\t{}\n'


def jars() -> CookieJars:
    """The jars of one manager."""
    clock = ManualClock()
    return CookieJars(clock, SystemSecrets(clock).read)


def setting(*cookies: str) -> ResponseHead:
    """A response that sets cookies."""
    return ResponseHead(status=200, headers=Headers(tuple(('Set-Cookie', one) for one in cookies)))


def read(own: CookieJars | MemoryCookies, cookies: Any) -> Any:
    """The event of reading them."""
    return own.read(
        ReadCookies(cookies=parse_cookies(cookies).unwrap(), patience=timedelta(seconds=5))
    )


def names(own: CookieJars | MemoryCookies, cookies: Any) -> list[str]:
    """The names that are there."""
    event = read(own, cookies)
    assert isinstance(event, CookiesRead), event
    return sorted(one.name for one in event.kept.cookies)


def problem_of(own: CookieJars, cookies: Any) -> str:
    """Why they cannot be read."""
    event = read(own, cookies)
    assert isinstance(event, EffectFailed), event
    assert isinstance(event.fault, JarUnusable)
    return event.fault.problem


@pytest.mark.parametrize('is_file', [True, False])
def test_cookies_are_kept(tmp_path: Path, *, is_file: bool) -> None:
    """And expire; each is sent where it belongs."""
    own, jar = jars(), str(tmp_path / 'jar.txt') if is_file else IN_MEMORY
    assert names(own, Cookies(jar=jar)) == []
    assert own.keep(jar, SENT, setting('a=1; HttpOnly', 'b=2; Max-Age=100')) is None
    assert own.keep(jar, SENT, setting('b=; Max-Age=0', 'c=3')) is None
    event = read(own, Cookies(jar=jar))
    there, elsewhere = (parse_url(f'https://{host}/').unwrap() for host in ('h.org', 'i.org'))
    assert event.kept.header_for(there, event.at) == 'a=1; c=3'
    assert event.kept.header_for(elsewhere, event.at) == ''
    assert all(one.is_kept for one in event.kept.cookies)


@pytest.mark.skipif(os.name != 'posix', reason='needs permissions')
def test_a_file_is_private(tmp_path: Path) -> None:
    """From its first byte; nothing else is left beside it, and a link stays."""
    own, jar = jars(), tmp_path / 'jar.txt'
    assert own.keep(str(jar), SENT, setting('a=1')) is None
    assert stat.S_IMODE(jar.stat().st_mode) == 0o600
    jar.chmod(0o644)
    link = tmp_path / 'link'
    link.symlink_to(jar)
    assert own.keep(str(link), SENT, setting('b=2')) is None
    assert link.is_symlink()
    assert stat.S_IMODE(jar.stat().st_mode) == 0o600
    assert names(own, Cookies(jar=str(jar))) == ['a', 'b']
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ['jar.txt', 'link']


def test_what_is_known_is_not_written_again(tmp_path: Path) -> None:
    """A response that changes nothing leaves the file alone."""
    own, jar = jars(), tmp_path / 'jar.txt'
    own.keep(str(jar), SENT, setting('a=1'))
    before = jar.stat().st_ino
    own.keep(str(jar), SENT, setting('a=1'))
    assert jar.stat().st_ino == before


def test_several_managers_keep_all_cookies(tmp_path: Path) -> None:
    """Each writes on the basis of what the file holds then."""
    jar = str(tmp_path / 'jar.txt')

    def keep(number: int) -> None:
        own = jars()
        for count in range(5):
            assert own.keep(jar, SENT, setting(f'n{number}-{count}=1')) is None

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(jars(), Cookies(jar=jar))) == 20


def test_files_that_are_only_read(tmp_path: Path) -> None:
    """The jar counts more; another program may change them."""
    source, jar = tmp_path / 'source', tmp_path / 'jar'
    source.write_text(LINE.format('a', 'source') + LINE.format('b', 'source'))
    jar.write_text(LINE.format('b', 'jar'))
    own = jars()
    event = read(own, Cookies(sources=(str(source),), jar=str(jar)))
    sent = event.kept.header_for(parse_url('https://h.org/').unwrap(), event.at)
    assert sorted(sent.split('; ')) == ['a=source', 'b=jar']
    source.write_text(LINE.format('other', 'x'))
    assert names(own, Cookies(sources=(str(source),))) == ['other']
    assert names(own, Cookies(sources=(str(source),) * 2)) == ['other']


def test_public_suffixes_are_left_out(tmp_path: Path) -> None:
    """Such a cookie would go to strangers."""
    jar = tmp_path / 'jar'
    jar.write_text('.co.uk\tTRUE\t/\tFALSE\t0\ta\t1\n.h.co.uk\tTRUE\t/\tFALSE\t0\tb\t1\n')
    assert names(jars(), Cookies(jar=str(jar))) == ['b']


def test_references_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller's own cookies, by name."""
    (tmp_path / 'sid').write_text('two\n')
    (tmp_path / 'sid').chmod(0o600)
    monkeypatch.setenv('A_SID', 'one')
    event = read(jars(), {'a': 'env:A_SID', 'b': f'file:{tmp_path / "sid"}', 'c': 'x', 'd': ''})
    assert event.own == (('a', 'one'), ('b', 'two'), ('c', 'x'), ('d', ''))
    monkeypatch.setenv('A_SID', 'one; two')
    assert 'contains a semicolon' in str(read(jars(), {'a': 'env:A_SID'}).fault)
    monkeypatch.delenv('A_SID')
    failed = read(jars(), {'a': 'env:A_SID'})
    assert isinstance(failed.fault, SecretUnavailable)


def test_what_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each problem; nothing is changed."""
    own, bad = jars(), tmp_path / 'bad'
    assert problem_of(own, str(tmp_path / 'none' / 'jar')) == 'its folder does not exist'
    assert problem_of(own, Cookies(sources=(str(tmp_path / 'none'),))) == 'it does not exist'
    assert problem_of(own, str(tmp_path)) == 'it is not a regular file'
    bad.write_text('{}')
    assert problem_of(own, str(bad)) == 'line 1 has 1 field separated by tabs, not 7'
    fault = own.keep(str(bad), SENT, setting('a=1'))
    assert 'cookie jar' in str(fault)
    assert bad.read_text() == '{}'
    assert 'does not exist' in str(own.keep(str(tmp_path / 'none' / 'jar'), SENT, setting('a=1')))
    monkeypatch.setattr(cookie_jars, '_MAX_BYTES', 1)
    assert problem_of(own, str(bad)) == 'it is larger than 0 MiB'


@pytest.mark.skipif(os.name != 'posix', reason='needs owners')
def test_a_jar_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would become that of this user; one of root may be read."""
    jar = tmp_path / 'jar'
    jar.write_text('')
    mine = os.geteuid()
    monkeypatch.setattr(os, 'geteuid', lambda: mine + 1)
    fault = read(jars(), str(jar)).fault
    assert str(fault) == (
        f'cookie jar {jar}: it belongs to another user. Copy it to a file of your own, and pass that'
    )
    is_root = mine == 0
    assert isinstance(read(jars(), Cookies(sources=(str(jar),))), CookiesRead) is is_root


def test_a_jar_that_stays_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The download goes on without it."""
    monkeypatch.setattr(cookie_jars, '_LOCK_SECONDS', 0.0)
    jar = str(tmp_path / 'jar')
    with cookie_jars._locked(jar):
        assert 'it is locked by another program' in str(jars().keep(jar, SENT, setting('a=1')))


def test_an_unwritable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault has the words of the system."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(cookie_jars, 'replace_text', full)
    fault = jars().keep(str(tmp_path / 'jar'), SENT, setting('a=1'))
    assert 'no space left on device' in str(fault)


def test_the_fake() -> None:
    """It keeps cookies by the path of the jar, and fails when it is told to."""
    fake = MemoryCookies(ManualClock())
    assert fake.keep('jar', SENT, setting('a=1')) is None
    assert names(fake, Cookies(jar='jar')) == ['a']
    assert all(one.is_kept for one in read(fake, Cookies(jar='jar')).kept.cookies)
    assert names(fake, Cookies(jar='')) == []
    event = read(fake, Cookies(own=(('a', Secret(variable='A')), ('b', Secret(text='x')))))
    assert event.own == (('a', 'env:A'), ('b', 'x'))
    fake.problems['jar'] = 'it is broken'
    assert fake.keep('jar', SENT, setting('a=1')) is not None
    assert isinstance(read(fake, Cookies(jar='jar')), EffectFailed)
