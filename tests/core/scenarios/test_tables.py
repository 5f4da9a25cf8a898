"""Tables of codes, fields and names, each entry of which users rely on."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.conditions import find_request_fault
from dlmachine.core.faults import ConnectionFailed, HttpStatus, TimedOut
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.url import parse_url
from dlmachine.core.protocol.body_decision import RejectResponse, SkipBody, SkipReason, StoreBody
from dlmachine.core.secrets.redact import is_secret_name, scrub
from dlmachine.core.spec.descriptor import METHODS, Descriptor
from dlmachine.core.spec.option_parsers import read_bool
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.core.transfer.redirect import follow_redirect
from dlmachine.core.transfer.retry import Chance, classify
from tests.builders import URL, a_descriptor, a_head, an_exchange

# --- status codes -----------------------------------------------------------------


def test_which_errors_pass() -> None:
    """Accepted, timeout, too early, too many requests, and all server errors."""
    passing = {
        status
        for status in range(100, 1_000)
        if classify(HttpStatus(url=URL, status=status), 'GET', Policy()) is Chance.AGAIN
    }
    assert passing == {202, 408, 425, 429, *range(500, 600)}


def test_statuses_of_redirects() -> None:
    """RFC 9110 section 15.4: 300, 304, 305 and 306 are not followed."""
    found = {
        status
        for status in range(100, 1_000)
        if decide_body(an_exchange(), a_head(status)) == SkipBody(SkipReason.REDIRECT)
    }
    assert found == {301, 302, 303, 307, 308}


def test_statuses_with_a_body() -> None:
    """Every success except 202 (accepted) and 206 (a range)."""
    found = {
        status
        for status in range(100, 1_000)
        if isinstance(decide_body(an_exchange(), a_head(status)), StoreBody)
    }
    assert found == set(range(200, 300)) - {202, 206}


def test_statuses_that_are_errors_or_rejected() -> None:
    """All from 300 to 599 except redirects and an unrequested 304; and 202."""
    decisions = {status: decide_body(an_exchange(), a_head(status)) for status in range(1_000)}
    errors = {status for status, found in decisions.items() if found == SkipBody(SkipReason.ERROR)}
    assert errors == {202, *range(300, 600)} - {301, 302, 303, 304, 307, 308}
    unknown = {status for status, found in decisions.items() if isinstance(found, RejectResponse)}
    assert unknown == {*range(200), 206, 304, *range(600, 1_000)}


@pytest.mark.parametrize('method', METHODS)
def test_which_methods_are_sent_twice(method: str) -> None:
    """Those that change nothing on the server (RFC 9110 section 9.2.1)."""
    fault = ConnectionFailed(url=URL, phase='receive')
    is_repeated = classify(fault, method, Policy()) is Chance.AGAIN
    assert is_repeated == (method in {'GET', 'HEAD', 'OPTIONS'})


@pytest.mark.parametrize('phase', ['resolve', 'connect', 'send', 'receive', 'stall'])
def test_which_failures_come_before_anything_was_sent(phase: str) -> None:
    """After these faults any method may be retried."""
    is_before = phase in {'resolve', 'connect'}
    for fault in (
        ConnectionFailed(url=URL, phase=phase),
        TimedOut(url=URL, phase=phase, limit=timedelta(1)),
    ):
        assert (classify(fault, 'POST', Policy()) is Chance.AGAIN) == is_before


# --- header fields ----------------------------------------------------------------


@pytest.mark.parametrize('name', [
    'Accept-Encoding', 'User-Agent', 'Referer', 'Connection', 'Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'Via', 'Date',
    'Host', 'Expect', 'Cache-Control', 'Pragma', 'DNT', 'Traceparent', 'Tracestate', 'X-Request-Id',
    'X-Correlation-Id', 'Proxy-Authorization', 'Proxy-Connection', 'Content-Length', 'Transfer-Encoding', 'Range',
    'If-Range', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since',
])  # fmt: skip
def test_fields_that_do_not_change_what_is_meant(name: str) -> None:
    """A request through another proxy, or by another client, has the same key."""
    with_field = Descriptor(url=URL, headers=Headers(((name, 'x'),)))
    assert cache_key(with_field) == cache_key(Descriptor(url=URL))


@pytest.mark.parametrize('name', ['Accept', 'Accept-Language', 'Authorization', 'Cookie', 'X-Lab'])
def test_fields_that_do(name: str) -> None:
    """Another language or another user is another response."""
    with_field = Descriptor(url=URL, headers=Headers(((name, 'x'),)))
    assert cache_key(with_field) != cache_key(Descriptor(url=URL))


@pytest.mark.parametrize('name', ['Content-Length', 'Transfer-Encoding'])
def test_fields_that_a_caller_cannot_set(name: str) -> None:
    """They frame the message."""
    fault: Any = Descriptor.parse(URL, headers={name: '1'}).failure()
    assert (fault.where, fault.problem) == (f'headers[{name!r}]', 'is set by dlmachine itself')


@pytest.mark.parametrize('name', [
    'Range', 'If-Range', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since',
])  # fmt: skip
def test_fields_that_need_the_rules_of_http(name: str) -> None:
    """They would change the planned response."""
    descriptor = Descriptor.parse(URL, headers={name: '1'}).unwrap()
    fault: Any = find_request_fault(descriptor, Policy())
    assert (fault.where, fault.problem) == (f'headers[{name!r}]', 'is set by dlmachine itself')
    assert find_request_fault(descriptor, Policy(freshness=Freshness.HTTP)) is None


@pytest.mark.parametrize('name', ['Content-Type', 'Content-Encoding', 'Content-Language', 'Digest'])
def test_fields_that_go_with_the_body(name: str) -> None:
    """A POST that becomes a GET has no body, and so none of these fields."""
    headers = Headers(((name, 'x'), ('X-Lab', '7')))
    asked = Request(method='POST', url=URL, headers=headers)
    moved = follow_redirect(asked, a_head(303, {'Location': '/b'}), (URL,), 5).unwrap()
    assert moved.headers == Headers((('X-Lab', '7'),))


@pytest.mark.parametrize('name', [
    'authorization', 'proxy-authorization', 'www-authenticate', 'cookie', 'cookie2', 'set-cookie', 'set-cookie2',
    'authentication-info', 'proxy-authentication-info', 'key', 'auth', 'sid', 'sig', 'pwd', 'pass', 'passwd', 'jwt',
    'otp', 'jsessionid', 'phpsessid',
    'csrftoken', 'secrets', 'userpassword', 'passphrase2', 'credentials', 'signatures', 'sessions', 'bearerx', 'privatekey',
    'x_api_key', 'apikey1', 'api-keys', 'api.key.v2', 'accesskeyid', 'access-key-id', 'authkeyring', 'auth-key-ring',
    'subscription-key-2', 'subscriptionkeys', 'x-auth-user', 'x_authz', 'auth-user', 'auth.user', 'x-sig', 'my_key', 'my.key',
])  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    """Names that services use for secrets."""
    assert is_secret_name(name)
    assert is_secret_name(f' {name.upper()} ')


@pytest.mark.parametrize('name', [
    'author', 'authors', 'ids', 'sidebar', 'signal', 'design', 'sigma', 'keys', 'keyword', 'monkey', 'turkey', 'passage',
    'compass', 'otps', 'xauth', 'apis', 'accession', 'subscriptions', 'key_type', 'sig_level', 'oauth', 'cookies',
])  # fmt: skip
def test_names_that_only_sound_so(name: str) -> None:
    """A value that is masked although it is not secret is lost."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(('secret', 'text'), [('abcd', 'it is ***'), ('abc', 'it is abcd')])
def test_secrets_of_four_letters_are_searched_for(secret: str, text: str) -> None:
    """Too many texts contain shorter ones."""
    assert scrub('it is abcd', {secret}) == text


# --- other words --------------------------------------------------------------------


@pytest.mark.parametrize(
    ('word', 'meant'),
    [
        ('1', True), ('true', True), ('yes', True), ('on', True), ('0', False), ('false', False), ('no', False), ('off', False),
    ],
)  # fmt: skip
def test_words_for_yes_and_no(word: str, meant: bool) -> None:
    """They are accepted in the environment and in files."""
    assert read_bool('x', f' {word.upper()} ').unwrap() is meant


@pytest.mark.parametrize(
    ('scheme', 'port'),
    [('http', 80), ('https', 443), ('ftp', 21), ('ftps', 990), ('sftp', 22), ('scp', 22)],
)
def test_default_ports(scheme: str, port: int) -> None:
    """A default port is omitted in a URL, but belongs to its origin."""
    url = parse_url(f'{scheme}://h:{port}/').unwrap()
    assert str(url) == f'{scheme}://h/'
    assert url.origin == (scheme, 'h', port)
    assert parse_url(f'{scheme}://h:{port + 1}/').unwrap().origin == (scheme, 'h', port + 1)


def test_cachedir_numbers_its_states() -> None:
    """The database of cachedir contains the numbers."""
    assert {status.name: status.value for status in Status} == {
        'UNINITIALIZED': 0, 'WRITE': 1, 'FAILED': 2, 'READY': 3, 'TRASH': -1, 'DELETED': -2,
    }  # fmt: skip


def test_the_defaults_are_polite_and_safe() -> None:
    """The documentation lists the same defaults."""
    defaults = {field.name: getattr(Policy(), field.name) for field in dataclasses.fields(Policy)}
    flags = {name for name, value in defaults.items() if value is True}
    assert flags == {'keep_old', 'create_dirs', 'check_content', 'follow'}
    numbers = {name: value for name, value in defaults.items() if type(value) is int}
    assert numbers == {'retries': 3, 'max_redirects': 20, 'segments': 1, 'max_per_host': 8}
    seconds = {
        name: value.total_seconds()
        for name, value in defaults.items()
        if isinstance(value, timedelta)
    }
    assert seconds == {
        'retry_wait': 1, 'retry_max_wait': 60, 'retry_after_max': 300, 'connect_timeout': 10, 'stall_timeout': 60,
        'speed_time': 30, 'lock_timeout': 600,
    }  # fmt: skip
    assert a_descriptor().tls.verify
