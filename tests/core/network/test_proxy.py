"""The options of a proxy: how they are read, what they show, and what is refused."""

from typing import Any

import pytest

from dlmachine.core.access.auth import Auth, Scheme, parse_auth
from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import Fault
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.network.proxy import (
    Proxy,
    parse_proxy,
    read_proxy,
    read_proxy_auth,
)

PLANTED = 'planted'


@pytest.mark.parametrize(
    ('text', 'url', 'login'),
    [
        ('http://p:3128', 'http://p:3128', None),
        (' HTTP://P.Example.org:80/ ', 'http://p.example.org:80', None),
        ('p', 'http://p:1080', None),
        ('p:3128', 'http://p:3128', None),
        ('https://p', 'https://p:443', None),
        ('socks5://p', 'socks5://p:1080', None),
        ('socks5h://p', 'socks5h://p:1080', None),
        ('socks5h://[2001:DB8::1]:9', 'socks5h://[2001:db8::1]:9', None),
        ('http://me:pw@p:1/path?x#y', 'http://p:1', ('me', 'pw')),
        ('http://me:p%40%2Fw@p:1', 'http://p:1', ('me', 'p@/w')),
        ('http://me:p@s/s?w#:rd%@p:1', 'http://p:1', ('me', 'p@s/s?w#:rd%')),
        ('me:pw@p:1', 'http://p:1', ('me', 'pw')),
        ('http://me@p:1', 'http://p:1', ('me', '')),
        ('http://me:@p:1', 'http://p:1', ('me', '')),
        ('http://b\u00fccher.example:1', 'http://xn--bcher-kva.example:1', None),
    ],
)
def test_urls(text: str, url: str, login: Any) -> None:
    """As people write them; the password may contain any character."""
    proxy = parse_proxy(text, 'proxy').unwrap()
    assert (proxy.url, proxy.user_and_password) == (url, login)
    if login is not None:
        secret = Secret(text=login[1])
        assert proxy.login == Auth(scheme=Scheme.BASIC, user=login[0], secret=secret)
    assert proxy.is_socks is url.startswith('socks')
    assert ('***@' in str(proxy)) is (login is not None)
    assert parse_proxy(proxy.full_url, 'proxy').unwrap() == proxy


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (5, 'proxy must be the URL of a proxy or False, not int'),
        (True, 'proxy must be the URL of a proxy or False, not bool'),
        ('socks4://p', "proxy has the scheme 'socks4'; known are http, https, socks5 and socks5h"),
        ('http://', 'proxy is not the URL of a proxy'),
        ('http://me:planted@', 'proxy is not the URL of a proxy'),
        ('http://p:0', 'proxy is not the URL of a proxy'),
        ('http://p:66000', 'proxy is not the URL of a proxy'),
        ('http://p:planted', 'proxy is not the URL of a proxy'),
        ('http://a b', 'proxy is not the URL of a proxy'),
        ('http://p\r\nX: planted', 'proxy contains CR at position 8'),
        ('http://me:planted%0a@p', 'the password of proxy contains LF at position 7'),
        ('http://m%0de:planted@p', 'the user of proxy contains CR at position 1'),
        ('http://m%ffe:planted@p', 'the user of proxy contains a lone surrogate at position 1'),
        ('http://m%3ae:planted@p', 'the user of proxy contains a colon, which would end it (RFC 7617 section 2)'),
    ],
)  # fmt: skip
def test_what_is_not_a_proxy(given: Any, problem: str) -> None:
    """The text is not repeated, because it may contain a password."""
    fault = read_proxy('proxy', given).failure()
    assert fault.what() == problem
    assert PLANTED not in str(fault)


@pytest.mark.parametrize('word', [False, '', 'none', ' None ', 'false', 'off', 'no'])
def test_no_proxy_at_all(word: Any) -> None:
    """False, or a word where only text can be written."""
    assert read_proxy('proxy', word).unwrap() is False


@pytest.mark.parametrize(
    ('given', 'shown'),
    [
        (('me', 'planted'), "basic for user 'me', password ***"),
        ('me:planted', "basic for user 'me', password ***"),
        ('me:plan:ted', "basic for user 'me', password ***"),
        ('me:env:PASSWORD', "basic for user 'me', password env:PASSWORD"),
        ('me:file:/p', "basic for user 'me', password file:/p"),
        ('me:', "basic for user 'me', password ***"),
        ({'basic': ('me', 'env:PASSWORD')}, "basic for user 'me', password env:PASSWORD"),
        (Auth(scheme=Scheme.BASIC, user='me', secret=Secret(variable='P')), "basic for user 'me', password env:P"),
    ],
)  # fmt: skip
def test_logins(given: Any, shown: str) -> None:
    """As a pair, or as one text."""
    assert str(read_proxy_auth('proxy_auth', given).unwrap()) == shown


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        ('planted', 'proxy_auth must be a user and a password, joined by a colon'),
        (('me',), 'proxy_auth must be a pair of the user and the password'),
        (5, 'proxy_auth must be a pair, a mapping, "netrc" or False, not int'),
        ({'digest': ('me', 'planted')}, 'proxy_auth cannot be digest: a proxy login can only be Basic'),
        (False, 'proxy_auth cannot be none: a proxy login can only be Basic'),
    ],
)  # fmt: skip
def test_what_is_not_a_login(given: Any, problem: str) -> None:
    """Proxies are logged in to by Basic."""
    fault: Fault = read_proxy_auth('proxy_auth', given).failure()
    assert fault.what() == problem
    assert PLANTED not in str(fault)


def test_a_proxy_shows_no_password() -> None:
    """In no form, and not in JSON."""
    proxy = parse_proxy('http://me:planted@p', 'proxy').unwrap()
    assert PLANTED not in f'{proxy} {proxy!r} {proxy.url} {proxy.redacted().full_url}'
    assert proxy.secrets == {'planted'}
    bare = Proxy(scheme='http', host='p', port=1)
    assert (bare.redacted(), bare.full_url, bare.secrets) == (bare, 'http://p:1', frozenset())
    odd = Proxy(scheme='http', host='p', port=1, login=Auth(scheme=Scheme.BASIC, user='me'))
    assert odd.user_and_password == ('me', '')


def test_what_of_the_network_differs_from_the_default() -> None:
    """In the order in which plans show it."""
    assert NO_NETWORK.lines() == ()
    assert Network(proxy=False, no_proxy=()).lines() == (
        ('proxy', 'none'),
        ('no proxy', 'no exceptions'),
    )
    network = Network(
        proxy=parse_proxy('http://me:planted@p', 'proxy').unwrap(),
        proxy_auth=parse_auth(('you', 'env:P')).unwrap(),
        no_proxy=('a', 'b'),
    )
    assert network.lines() == (
        ('proxy', 'http://***@p:1080'),
        ('proxy auth', "basic for user 'you', password env:P"),
        ('no proxy', 'a, b'),
    )


def test_a_network_without_its_secrets() -> None:
    """References stay, texts do not."""
    assert NO_NETWORK.redacted() is NO_NETWORK
    assert Network(proxy=False).redacted() == Network(proxy=False)
    proxy = parse_proxy('http://me:planted@p', 'proxy').unwrap()
    login = parse_auth(('me', 'planted')).unwrap()
    shown = Network(proxy=proxy, proxy_auth=login).redacted()
    assert isinstance(shown.proxy, Proxy)
    assert shown.proxy.secrets == {'***', '%2A%2A%2A'}
    assert shown.proxy_auth is not None
    assert shown.proxy_auth.secrets == {'***'}


@pytest.mark.parametrize(
    ('network', 'is_read'),
    [
        (NO_NETWORK, False),
        (Network(proxy_auth=parse_auth(('me', 'pw')).unwrap()), False),
        (Network(proxy_auth=parse_auth(('me', 'env:P')).unwrap()), True),
        (Network(proxy_auth=parse_auth(('me', 'env:P')).unwrap(), proxy=False), False),
    ],
)
def test_when_a_password_is_read(network: Network, is_read: bool) -> None:
    """A reference, unless there is no proxy."""
    assert (network.secret is not None) is is_read
    known = network.with_password('planted')
    assert known.secret is None
    assert (known.proxy_auth is None) is (network.proxy_auth is None)
