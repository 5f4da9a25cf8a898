"""The `cookies` of a request: what a caller may pass, and where its own cookies go."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from returns.pipeline import is_successful

from dlmachine.core.access.caller_cookies import (
    Cookies,
    find_prefix_fault,
    parse_cookie_pairs,
    parse_cookies,
)
from dlmachine.core.access.cookies import NO_COOKIES, CookieStore
from dlmachine.core.access.secret import Secret
from dlmachine.core.http.url import Url, parse_url
from dlmachine.core.plan.codec import dumps, loads
from dlmachine.core.spec.descriptor import Descriptor

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


def at(text: str) -> Url:
    """A URL."""
    return parse_url(text).unwrap()


@pytest.mark.parametrize(
    ('given', 'shown'),
    [
        (None, 'none'),
        (False, 'none'),
        ({}, 'none'),
        (True, 'jar in memory'),
        ('/home/me/jar.txt', 'jar /home/me/jar.txt'),
        (Path('jar=1.txt'), 'jar jar=1.txt'),
        ('a=1/jar.txt', 'jar a=1/jar.txt'),
        ('a=1\\jar.txt', 'jar a=1\\jar.txt'),
        ({'sid': 'planted', 'empty': ''}, 'sid, empty'),
        ({'sid': 'env:SID', 'b': 'file:~/b', 'c': os.getcwd}, 'sid (env:SID), b (file:~/b), c '),
        (Cookies(sources=('a',), jar=''), 'those of a, jar in memory'),
    ],
)
def test_what_a_caller_may_pass(given: Any, shown: str) -> None:
    """The text has names and files, but no values."""
    assert str(parse_cookies(given).unwrap()).startswith(shown)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (5, 'cookies must be a mapping, the path of a jar, or a bool, not int'),
        ('', "cookies must be the path of a jar, not ''"),
        ('a\0b', "cookies must be the path of a jar, not 'a\\x00b'"),
        ('sid=planted', 'cookies must be a mapping or the path of a jar, not the text of a Cookie'),
        ('/home/me/sid=planted', 'cookies must be a mapping or the path of a jar'),
        ({'a b': 'planted'}, "cookies has the name 'a b', which is not a token"),
        ({5: 'planted'}, 'cookies has the name 5'),
        ({'': 'planted'}, "cookies has the name ''"),
        ({'a': 'plan;ted'}, "cookies['a'] contains a semicolon, a control character, or"),
        ({'a': 'plantéd'}, "cookies['a'] contains a semicolon, a control character, or"),
        ({'a': 'plan\nted'}, "cookies['a'] contains a semicolon, a control character, or"),
        ({'a': 5}, "cookies['a'] must be a text or a function, not int"),
        ({'a': 'env:'}, "cookies['a'] names no environment variable after env:"),
    ],
)
def test_what_is_refused(given: Any, message: str) -> None:
    """Each problem, without a value."""
    read = parse_cookies(given)
    assert not is_successful(read)
    assert str(read.failure()).startswith(message)
    assert 'planted' not in str(read.failure())
    described = Descriptor.parse('https://h.org/x', cookies=given)
    assert str(described.failure()).startswith(message)


def test_the_text_of_a_field() -> None:
    """A value is never a reference, and may contain `=`."""
    read = parse_cookie_pairs('a=env:X; b=c=d;; e').unwrap()
    assert read.own == (
        ('a', Secret(text='env:X')),
        ('b', Secret(text='c=d')),
        ('e', Secret()),
    )
    problem = "cookies has the name '', which is not a token (RFC 6265 section 4.1.1)"
    assert str(parse_cookie_pairs('=5').failure()) == problem


def test_a_prefix_is_for_https() -> None:
    """Browsers keep such a cookie only from https."""
    own = parse_cookies({'__Host-a': 'x'}).unwrap()
    assert find_prefix_fault(own, 'https://h.org/') is None
    fault = find_prefix_fault(own, 'http://h.org/')
    assert str(fault) == "cookies['__Host-a'] is only for https, as its prefix says"
    assert not is_successful(Descriptor.parse('http://h.org/', cookies={'__Secure-b': 'x'}))
    assert is_successful(Descriptor.parse('http://h.org/', cookies={'Secure-b': 'x'}))


def test_cookies_over_those_of_a_manager() -> None:
    """A call adds its own; False is none at all."""
    lower = Cookies(own=(('a', Secret(text='1')), ('b', Secret(text='2'))), jar='/jar')
    higher = parse_cookies({'b': '3'}).unwrap()
    assert dict(higher.over(lower).own) == {'a': Secret(text='1'), 'b': Secret(text='3')}
    assert higher.over(lower).jar == '/jar'
    assert Cookies(jar='').over(lower).jar == ''
    assert Cookies(sources=('x',)).over(Cookies(sources=('y',))).sources == ('x',)
    assert higher.over(Cookies(sources=('y',))).sources == ('y',)
    assert Cookies().over(lower) == Cookies()
    assert lower.without_own() == Cookies(jar='/jar')
    assert Cookies(jar='/jar').without_own() == Cookies(jar='/jar')
    assert Cookies(jar='/jar').for_session('me') == Cookies(jar='/jar')
    assert Cookies().for_session('me') == Cookies(jar='\0me')


def test_own_cookies_go_to_their_origin() -> None:
    """Not to another port or scheme, and they count more than one from a server."""
    store = NO_COOKIES.received(at('https://h.org/'), ['sid=theirs', 'x=y'], NOW)
    store = store.with_own([('sid', 'mine')], at('https://h.org/a/b'))
    assert [one.number for one in store.cookies] == [1, 2, 3]
    renewed = store.renewed(NO_COOKIES.received(at('https://h.org/'), ['z=1'], NOW))
    assert [(one.name, one.number) for one in renewed.cookies] == [('z', 1), ('sid', 2)]
    alone = NO_COOKIES.with_own([('sid', 'mine')], at('https://h.org/'))
    assert [one.number for one in alone.cookies] == [1]
    assert [one.number for one in alone.renewed(NO_COOKIES).cookies] == [1]
    assert store.header_for(at('https://h.org/'), NOW) == 'x=y; sid=mine'
    assert store.header_for(at('https://h.org:444/'), NOW) == 'sid=theirs; x=y'
    assert store.header_for(at('http://h.org/'), NOW) == 'sid=theirs; x=y'
    assert store.header_for(at('https://a.h.org/'), NOW) == ''
    # The server changes it.
    assert store.received(at('https://h.org/'), ['sid=new; Path=/'], NOW).header_for(
        at('https://h.org/'), NOW
    ) in {'sid=new; x=y', 'x=y; sid=new'}
    assert CookieStore().with_own([], at('https://h.org/')) == CookieStore()


def test_no_text_shows_a_value() -> None:
    """Neither a descriptor nor what is stored of it; a reference stays."""
    made = Descriptor.parse('https://h.org/x', cookies={'sid': 'planted-sid', 'b': 'env:B'})
    described = made.unwrap()
    assert 'planted' not in repr(described) + dumps(described.redacted())
    assert 'cookies=<sid, b (env:B)>' in repr(described)
    assert 'planted-sid' in described.redactor.secrets
    assert loads(dumps(described)).unwrap() == described
