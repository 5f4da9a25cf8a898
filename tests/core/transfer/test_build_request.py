"""Requests with all their fields."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.http.body import FormBody, RawBody
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness
from dlmachine.core.transfer.build_request import build_request, cache_control_of
from tests.builders import URL, a_descriptor

AGENT = Policy().user_agent
COMMON = (('Accept', '*/*'), ('Accept-Encoding', 'identity'), ('User-Agent', AGENT))

BUILT = [
    ('the defaults', a_descriptor(), URL, COMMON),
    (
        "the caller's words",
        a_descriptor(headers={'user-agent': 'me', 'Accept': 'x'}),
        URL,
        (('user-agent', 'me'), ('Accept', 'x'), ('Accept-Encoding', 'identity')),
    ),
    (
        'userinfo',
        a_descriptor('https://me:p%40w@h/'),
        'https://h/',
        (('Authorization', 'Basic bWU6cEB3'), *COMMON),
    ),
    (
        'userinfo and a header',
        a_descriptor('https://me:pw@h/', headers={'Authorization': 'Bearer x'}),
        'https://h/',
        (('Authorization', 'Bearer x'), *COMMON),
    ),
    ('a query', a_descriptor('https://h/?a=1', query={'b': 'c d'}), 'https://h/?a=1&b=c+d', COMMON),
    (
        'line breaks in a query',
        a_descriptor('https://h/', query={'q': '<a>\r\n\0'}),
        'https://h/?q=%3Ca%3E%0D%0A%00',
        COMMON,
    ),
    (
        'a form',
        a_descriptor(post=True),
        URL,
        (('Content-Type', 'application/x-www-form-urlencoded'), *COMMON),
    ),
    (
        'a type of its own',
        a_descriptor(data=b'x', headers={'content-type': 'text/csv'}),
        URL,
        (('content-type', 'text/csv'), *COMMON),
    ),
    ('ftp keeps its userinfo', a_descriptor('ftp://me:pw@h/x'), 'ftp://me:pw@h/x', ()),
]


@pytest.mark.parametrize(
    ('descriptor', 'url', 'headers'), [row[1:] for row in BUILT], ids=[row[0] for row in BUILT]
)
def test_built(descriptor: Descriptor, url: str, headers: tuple[tuple[str, str], ...]) -> None:
    """URL and query, credentials, content types and defaults."""
    request = build_request(descriptor, descriptor.url, AGENT).unwrap()
    assert (request.url, request.headers.items) == (url, headers)
    assert (request.method, request.body) == (descriptor.method, descriptor.body)


def test_the_boundary_is_ours_to_say() -> None:
    """A Content-Type of the caller cannot contain the boundary."""
    target = a_descriptor(multipart={'a': 'x'}, headers={'Content-Type': 'multipart/form-data'})
    sent = build_request(target, target.url, AGENT).unwrap().headers.get('Content-Type')
    assert sent is not None
    assert '; boundary=dlmachine-' in sent


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({}, None),
        ({'freshness': Freshness.STORED}, None),
        ({'freshness': Freshness.HTTP}, None),
        ({'freshness': Freshness.ALWAYS}, 'no-cache'),
        ({'check_freshness': True}, 'no-cache'),
        ({'force_download': True}, 'no-cache'),
        ({'force_download': True, 'freshness': timedelta(days=7)}, 'no-cache'),
        ({'freshness': timedelta(days=7)}, 'max-age=604800'),
        ({'freshness': timedelta(seconds=0.5)}, 'max-age=0'),
        ({'freshness': timedelta.max}, 'max-age=2147483648'),
    ],
)
def test_the_cache_control_for_caches_on_the_way(options: dict[str, Any], said: str | None) -> None:
    """How old a copy of theirs may be, if the caller says so (RFC 9111 section 5.2.1)."""
    asked = cache_control_of(Policy(**options))
    request = build_request(a_descriptor(), URL, AGENT, asked).unwrap()
    assert (asked, request.headers.get('Cache-Control')) == (said, said)


def test_the_callers_own_cache_control_stays() -> None:
    """And FTP has no such field."""
    own = a_descriptor(headers={'cache-control': 'max-age=5'})
    sent = build_request(own, own.url, AGENT, 'no-cache').unwrap()
    assert sent.headers.get_all('Cache-Control') == ('max-age=5',)
    ftp = a_descriptor('ftp://h/x')
    assert build_request(ftp, ftp.url, AGENT, 'no-cache').unwrap().headers.items == ()


def test_what_is_shown_of_a_request() -> None:
    """The repr and the redacted request have no secrets; `secrets` has all of them."""
    body = FormBody((('password', 's3cret'), ('a', 'b')))
    headers = Headers((('Authorization', 'Bearer t0ken'),))
    request = Request(method='POST', url='https://h/?sig=x', headers=headers, body=body)
    assert (
        repr(request)
        == "Request(POST 'https://h/?sig=***', Headers((('Authorization', '***'),)), body=<FormBody>)"
    )
    assert repr(Request(method='GET', url='http://h/')) == "Request(GET 'http://h/', Headers(()))"
    assert request.secrets() == {'x', 'Bearer t0ken', 't0ken', 's3cret'}
    assert Request(method='POST', url='http://h/', body=RawBody(b's3cret')).secrets() == frozenset()
    assert request.redacted().secrets() == {'***'}
    assert request.with_header('X', 'y').headers.get('x') == 'y'
