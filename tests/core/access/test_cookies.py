"""Cookies: which are kept, to which URLs they are sent, and that no text shows them."""

from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest

from dlmachine.core.access.cookie_field import (
    receive_cookies,
    secrets_set_by,
    with_cookies,
    without_cookies,
)
from dlmachine.core.access.cookies import (
    NO_COOKIES,
    CookieStore,
    domain_matches,
    domains_named,
)
from dlmachine.core.access.set_cookie import RUN_LIMITS, Limits
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.url import Url, parse_url
from dlmachine.core.secrets.redact import scrub

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
SUFFIXES = ('co.uk', 'github.io')


def at(text: str) -> Url:
    """A URL, with https by default."""
    return parse_url(text if '://' in text else f'https://{text}').unwrap()


def stored(url: str, *values: str, store: CookieStore = NO_COOKIES) -> CookieStore:
    """The cookies that a response from this URL sets."""
    return store.received(at(url), values, NOW, SUFFIXES)


SENT = [
    # Host only.
    ('h.org/', 'a=1', 'h.org/x', True),
    ('h.org/', 'a=1', 'H.ORG:8443/x', True),
    ('h.org/', 'a=1', 'a.h.org/', False),
    ('a.h.org/', 'a=1', 'h.org/', False),
    ('h.org/', 'a=1', 'ah.org/', False),
    # Domains.
    ('h.org/', 'a=1; Domain=h.org', 'a.b.h.org/', True),
    ('a.h.org/', 'a=1; Domain=.h.org', 'h.org/', True),
    ('a.h.org/', 'a=1; Domain=h.org', 'b.h.org/', True),
    ('a.h.org/', 'a=1; Domain=h.org', 'ah.org/', False),
    ('h.org/', 'a=1; Domain=a.h.org', 'a.h.org/', False),
    ('h.org/', 'a=1; Domain=other.org', 'other.org/', False),
    ('h.org/', 'a=1; Domain=h.org.', 'h.org/', False),
    ('bücher.org/', 'a=1; Domain=xn--bcher-kva.org', 'a.bücher.org/', True),
    # Public suffixes.
    ('h.org/', 'a=1; Domain=org', 'h.org/', False),
    ('a.co.uk/', 'a=1; Domain=co.uk', 'a.co.uk/', False),
    ('me.github.io/', 'a=1; Domain=github.io', 'you.github.io/', False),
    ('github.io/', 'a=1; Domain=github.io', 'github.io/', True),
    ('github.io/', 'a=1; Domain=github.io', 'you.github.io/', False),
    ('localhost/', 'a=1; Domain=localhost', 'localhost/', True),
    ('localhost/', 'a=1; Domain=localhost', 'a.localhost/', False),
    # Addresses.
    ('127.0.0.1/', 'a=1', '127.0.0.1/', True),
    ('127.0.0.1/', 'a=1; Domain=127.0.0.1', '127.0.0.1/', True),
    ('127.0.0.1/', 'a=1; Domain=0.0.1', '127.0.0.1/', False),
    ('127.0.0.1/', 'a=1; Domain=127.0.0.1', '9.127.0.0.1/', False),
    ('[::1]/', 'a=1', '[::1]/', True),
    ('[::1]/', 'a=1; Domain=[::1]', '[::1]/', True),
    ('h.0x7f/', 'a=1; Domain=0x7f', 'h.0x7f/', False),
    ('127.1/', 'a=1; Domain=127.1', 'x.127.1/', False),
    # Paths.
    ('h.org/a/b', 'a=1', 'h.org/a/c', True),
    ('h.org/a/b', 'a=1', 'h.org/a', True),
    ('h.org/a/b', 'a=1', 'h.org/ab', False),
    ('h.org/a/b', 'a=1', 'h.org/', False),
    ('h.org/a', 'a=1', 'h.org/b', True),
    ('h.org/a/', 'a=1', 'h.org/b', False),
    ('h.org/a', 'a=1; Path=/b', 'h.org/b/c', True),
    ('h.org/a', 'a=1; Path=/b/', 'h.org/b', False),
    ('h.org/a', 'a=1; Path=/b/', 'h.org/b/', True),
    ('h.org/a', 'a=1; Path=/b/', 'h.org/b/c', True),
    ('h.org/a', 'a=1; Path=/b/', 'h.org/bc', False),
    ('h.org/a/b', 'a=1; Path=b', 'h.org/a/c', True),
    ('h.org/a/b?x=/c', 'a=1', 'h.org/a/c?y', True),
    ('h.org/', 'a=1; Path=/%7euser', 'h.org/~user/', True),
    ('h.org/', 'a=1; Path=/Ã©', 'h.org/é', True),
    ('h.org/', 'a=1; Path=/é', 'h.org/é', True),
    # Secure.
    ('https://h.org/', 'a=1; Secure', 'https://h.org/', True),
    ('https://h.org/', 'a=1; Secure', 'http://h.org/', False),
    ('https://h.org/', 'a=1', 'http://h.org/', True),
    ('http://h.org/', 'a=1; Secure', 'https://h.org/', False),
    # Prefixes.
    ('https://h.org/', '__Secure-a=1; Secure', 'https://h.org/', True),
    ('https://h.org/', '__Secure-a=1', 'https://h.org/', False),
    ('http://h.org/', '__secure-a=1; Secure', 'https://h.org/', False),
    ('https://h.org/x', '__Host-a=1; Secure; Path=/', 'https://h.org/', True),
    ('https://h.org/', '__Host-a=1; Secure', 'https://h.org/', False),
    ('https://h.org/', '__HOST-a=1; Path=/', 'https://h.org/', False),
    ('https://h.org/', '__Host-a=1; Secure; Path=/; Domain=h.org', 'https://h.org/', False),
    # Expiry.
    ('h.org/', 'a=1; Max-Age=1', 'h.org/', True),
    ('h.org/', 'a=1; Max-Age=0', 'h.org/', False),
    ('h.org/', 'a=1; Expires=Wed, 01 May 2024 12:00:01 GMT', 'h.org/', True),
    ('h.org/', 'a=1; Expires=Wed, 01 May 2024 12:00:00 GMT', 'h.org/', False),
    ('h.org/', 'a=1; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'h.org/', True),
    # Other protocols have none.
    ('h.org/', 'a=1', 'ftp://h.org/', False),
    ('ftp://h.org/', 'a=1', 'h.org/', False),
]  # fmt: skip


@pytest.mark.parametrize(('here', 'value', 'there', 'is_sent'), SENT)
def test_to_which_urls_a_cookie_is_sent(here: str, value: str, there: str, is_sent: bool) -> None:
    """By host, domain, path, scheme and time."""
    name = value.partition('=')[0]
    assert stored(here, value).header_for(at(there), NOW) == (f'{name}=1' if is_sent else '')


def test_a_cookie_expires() -> None:
    """A cookie expires at its expiry time."""
    store = stored('h.org/', 'a=1; Max-Age=5', 'b=2')
    assert store.header_for(at('h.org/'), NOW + timedelta(seconds=4)) == 'a=1; b=2'
    assert store.header_for(at('h.org/'), NOW + timedelta(seconds=5)) == 'b=2'
    later = store.received(at('h.org/'), ['c=3'], NOW + timedelta(seconds=5))
    assert [cookie.name for cookie in later.cookies] == ['b', 'c']


def test_the_order() -> None:
    """Longer paths first, then earlier cookies; a new value keeps the position."""
    store = stored('h.org/x/y', 'a=1; Path=/', 'b=2; Path=/x', 'c=3; Path=/', 'd=4; Path=/x/y')
    store = stored('h.org/', 'a=5', 'e=6', store=store)
    assert store.header_for(at('h.org/x/y'), NOW) == 'd=4; b=2; a=5; c=3; e=6'


def test_a_cookie_replaces_one_with_the_same_identity() -> None:
    """The same name, domain, path and kind; an expired cookie deletes it."""
    store = stored('h.org/', 'a=1', 'a=2; Domain=h.org', 'a=3; Path=/x', 'a=4')
    assert store.header_for(at('h.org/x'), NOW) == 'a=3; a=4; a=2'
    assert (
        stored('h.org/', 'a=; Max-Age=0', store=store).header_for(at('h.org/x'), NOW) == 'a=3; a=2'
    )


@pytest.mark.parametrize(
    ('url', 'value', 'is_taken'),
    [
        ('http://h.org/', 'a=2', False),
        ('http://b.h.org/', 'a=2; Domain=h.org', False),
        ('http://b.h.org/', 'a=2', False),
        ('http://h.org/', 'a=2; Path=/in/it', False),
        ('http://h.org/', 'b=2', True),
        ('http://other.org/', 'a=2', True),
        ('https://h.org/', 'a=2', True),
    ],
)
def test_secure_cookies_are_left_alone_by_http(url: str, value: str, is_taken: bool) -> None:
    """A response from http neither replaces nor shadows a Secure cookie."""
    store = stored('https://h.org/', 'a=1; Secure; Domain=h.org')
    assert (stored(url, value, store=store) != store) == is_taken


def test_a_cookie_of_a_domain_does_not_shadow_a_secure_one_below_it() -> None:
    """It would be sent to the same host."""
    store = stored('https://a.h.org/', 'a=1; Secure')
    assert stored('http://b.h.org/', 'a=2; Domain=h.org', store=store) == store
    assert stored('http://b.h.org/', 'a=2', store=store) != store


def test_an_address_has_no_domains() -> None:
    """In any notation."""
    assert not domain_matches('[::1.2.3.4]', '2.3.4]')
    assert domain_matches('a.b', 'b')


def test_http_cannot_shadow_a_secure_cookie() -> None:
    """An http response may set cookies with other paths."""
    store = stored('https://h.org/', 'a=1; Secure; Path=/in')
    assert len(stored('http://h.org/', 'a=2; Path=/', store=store).cookies) == 2


def test_the_number_of_cookies_is_limited() -> None:
    """The oldest cookies are dropped first, per domain and in total."""
    store = stored(
        'h.org/', *(f'a{number}=1' for number in range(RUN_LIMITS.cookies_of_domain + 5))
    )
    names = [cookie.name for cookie in store.cookies]
    assert names == [f'a{number}' for number in range(5, RUN_LIMITS.cookies_of_domain + 5)]

    for host in range(10):
        store = stored(f'{host}a.org/', *(f'b{number}=1' for number in range(40)), store=store)
    assert len(store.cookies) == RUN_LIMITS.cookies
    assert store.cookies[-1].domain == '9a.org'


@pytest.mark.parametrize(('characters', 'kept'), [(4, ['a', 'b']), (3, ['b'])])
def test_the_length_of_cookies_is_limited(characters: int, kept: list[str]) -> None:
    """Names and values count; a store keeps its limits."""
    limits = Limits(cookies_of_domain=9, cookies=9, characters=characters)
    store = stored('h.org/', 'a=1', 'b=2', store=CookieStore(limits=limits))
    assert [one.name for one in store.cookies] == kept
    assert store.limits == limits


def test_of_a_response_with_very_many_cookies_the_first_are_read() -> None:
    """Their secrets, and their domains."""
    values = [*['a=1; Domain=a.org'] * RUN_LIMITS.cookies, 'sid=pl4nted; Domain=b.org']
    fields = Headers(tuple(('Set-Cookie', value) for value in values))
    assert domains_named(values) == {'a.org'}
    assert secrets_set_by(ResponseHead(status=200, headers=fields)) == {'a=1'}


def test_a_response_sets_no_more_than_can_be_kept() -> None:
    """In number and in length; parsing takes no noticeable time."""
    began = perf_counter()
    store = stored('https://h.org/', *(f'a{number}=1; Secure' for number in range(300)))
    store = stored('http://h.org/', *['b=1'] * 30_000, 'c=1', store=store)
    assert [cookie.name for cookie in store.cookies][-1] == 'b'
    store = stored(
        'h.org/', *(f'd{number}={"x" * 4000}' for number in range(RUN_LIMITS.cookies_of_domain))
    )
    assert sum(len(cookie.value) for cookie in store.cookies) <= RUN_LIMITS.characters
    assert store.cookies[-1].name == f'd{RUN_LIMITS.cookies_of_domain - 1}'
    assert perf_counter() - began < 2


def test_no_repr_shows_a_cookie() -> None:
    """Neither that of a store nor that of a request; long or secret values are masked everywhere."""
    store = stored('h.org/', 'sid=abc', 'long=abcdefghijkl', 'x=y')
    asked = with_cookies(Request(method='GET', url='https://h.org/'), store, NOW)

    assert 'abc' not in repr(store) + repr(store.cookies) + repr(asked) + repr(asked.redacted())
    assert {'abc', 'abcdefghijkl'} <= store.secrets() <= asked.secrets()
    assert asked.redacted().added_cookies == ''
    elsewhere = with_cookies(
        Request(method='GET', url='https://other.org/?s=abcdefghijkl'), store, NOW
    )
    assert 'Cookie' not in elsewhere.headers
    assert elsewhere.shown_url == 'https://other.org/?s=***'


OWN = [
    ((), 'a=1; b=2'),
    ((('Cookie', 'c=3'),), 'c=3; a=1; b=2'),
    ((('cookie', 'a=mine; c=3'),), 'a=mine; c=3; b=2'),
    ((('Cookie', 'a=mine'), ('Cookie', 'b')), 'a=mine; b'),
    ((('Cookie', 'a=mine; b=mine'),), 'a=mine; b=mine'),
]  # fmt: skip


@pytest.mark.parametrize(('fields', 'sent'), OWN)
def test_the_callers_cookies_come_first(fields: tuple[tuple[str, str], ...], sent: str) -> None:
    """A name of the caller's cookies is not sent twice; removing cookies restores the request."""
    asked = Request(method='GET', url='https://h.org/', headers=Headers((*fields, ('X', 'y'))))
    dressed = with_cookies(asked, stored('h.org/', 'a=1', 'b=2'), NOW)
    own = '; '.join(asked.headers.get_all('Cookie'))

    assert '; '.join(dressed.headers.get_all('Cookie')) == sent
    assert '; '.join(without_cookies(dressed).headers.get_all('Cookie')) == own
    assert dressed.headers.get('X') == 'y'
    again = with_cookies(dressed, stored('h.org/', 'd=4'), NOW)
    assert '; '.join(again.headers.get_all('Cookie')) == (f'{own}; d=4' if own else 'd=4')
    assert with_cookies(dressed, NO_COOKIES, NOW).headers.get_all('Cookie') in {
        (own,),
        asked.headers.get_all('Cookie'),
        (),
    }


def test_cookies_of_a_response_are_received() -> None:
    """All Set-Cookie fields, with the known public suffixes."""
    asked = Request(method='GET', url='https://a.co.uk/')
    fields = (('Set-Cookie', 'a=1; Domain=co.uk'), ('set-cookie', 'b=2; Domain=a.co.uk'))
    head = ResponseHead(status=200, headers=Headers(fields), public_suffixes=('co.uk',))

    assert [one.name for one in receive_cookies(NO_COOKIES, asked, head, NOW).cookies] == ['b']
    assert receive_cookies(NO_COOKIES, asked, ResponseHead(status=200), NOW) is NO_COOKIES


def test_a_name_that_is_declared_secret_hides_a_short_value() -> None:
    """A declared name counts for cookies too."""
    asked = Request(method='GET', url='https://h.org/', secret_names=('code',))
    dressed = with_cookies(asked, stored('h.org/', 'code=short'), NOW)
    head = ResponseHead(status=200, headers=Headers((('Set-Cookie', 'code=short'),)))

    assert 'short' in dressed.secrets()
    assert 'short' in stored('h.org/', 'code=short').secrets(('code',))
    kept = replace(stored('h.org/', 'code=short').cookies[0], is_kept=True)
    assert 'short' in with_cookies(asked, CookieStore((kept,)), NOW).secrets()
    assert 'short' not in CookieStore((kept,)).secrets(('code',))
    assert 'short' in secrets_set_by(head, ('code',))
    assert 'short' not in secrets_set_by(head)


@pytest.mark.parametrize('value', ['sid=short', 'sid = short ; Path=/', 'sid="short"'])
def test_white_space_and_quotes_are_not_part_of_a_secret(value: str) -> None:
    """As clients send it back."""
    head = ResponseHead(status=200, headers=Headers((('Set-Cookie', value),)))
    assert 'short' in secrets_set_by(head)


def test_whether_a_jar_has_a_session() -> None:
    """Only its own cookies count, until they expire."""
    [cookie] = stored('h.org/', 'sid=1; Max-Age=5').cookies
    jar = CookieStore((replace(cookie, is_kept=True),))
    assert jar.has_kept_for(at('h.org/'), NOW)
    assert not jar.has_kept_for(at('h.org/'), NOW + timedelta(seconds=5))
    assert not CookieStore((cookie,)).has_kept_for(at('h.org/'), NOW)


@pytest.mark.parametrize(
    'value',
    [
        'pl4nted-value',
        '=pl4nted-value',
        'pl4nted-value; Path=/',
        'a=pl4nted-value\x01',
        ' pl4nted-value ',
    ],
)
def test_a_cookie_that_is_ignored_is_secret(value: str) -> None:
    """Its value may be the token of a session."""
    head = ResponseHead(status=200, headers=Headers((('Set-Cookie', value),)))
    assert (
        receive_cookies(NO_COOKIES, Request(method='GET', url='https://h/'), head, NOW).cookies
        == ()
    )
    assert scrub('saw pl4nted-value\x01', secrets_set_by(head)).startswith('saw ***')


def test_domains_to_look_up() -> None:
    """Only named domains; an ignored cookie names none."""
    values = ['a=1', 'b=2; domain=.Co.UK', 'c=domain', 'd; Domain=x.org', 'e=5; Domain=h.org']
    assert domains_named(values) == {'co.uk', 'h.org'}
