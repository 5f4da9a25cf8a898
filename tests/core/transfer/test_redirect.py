"""Redirects: which are followed, and what is sent."""

import pytest
from returns.pipeline import is_successful

from dlmachine.core.faults import RedirectRefused
from dlmachine.core.http.body import FormBody, NoBody, RawBody
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request, Tls
from dlmachine.core.transfer.redirect import follow_redirect
from tests.builders import a_head

FIELDS = (
    ('Authorization', 'Bearer t'), ('Cookie', 'c=1'), ('X-Api-Key', 'k'), ('Host', 'h'),
    ('Content-Type', 'text/csv'), ('X-Lab', '7'),
)  # fmt: skip
ASKED = Request(method='GET', url='https://h/a', headers=Headers(FIELDS))

REFUSALS = [
    ('no Location', ASKED, None, 5, 'the response has no Location'),
    ('an illegal Location', ASKED, 'https://[', 5, 'its Location is not a URL'),
    ('a Location with a line break', ASKED, '/a\r\nb', 5, 'its Location is not a URL'),
    ('a Location without a host', ASKED, 'http:///x', 5, 'its Location is not a URL'),
    ('to http', ASKED, 'http://h/b', 5, 'it changes from https to http'),
    ('to a file', ASKED, 'file:///etc/passwd', 5, 'it leads from https to file'),
    ('to a content', ASKED, 'data:,x', 5, 'it leads from https to data'),
    ('to ftp', ASKED, 'ftp://h/b', 5, 'it leads from https to ftp'),
    (
        'from ftp',
        Request(method='GET', url='ftp://h/a'),
        'https://h/b',
        5,
        'it leads from ftp to https',
    ),
    ('to itself', ASKED, '/a', 5, 'it is a loop'),
    ('to itself with userinfo', ASKED, 'https://me:pw@h/a', 5, 'it is a loop'),
    ('one too many', ASKED, '/b', 0, 'it is redirect number 1; the limit is 0 (max_redirects=)'),
]


@pytest.mark.parametrize(
    ('asked', 'location', 'most', 'problem'),
    [row[1:] for row in REFUSALS],
    ids=[row[0] for row in REFUSALS],
)
def test_refused(asked: Request, location: str | None, most: int, problem: str) -> None:
    """The fault has the reason; its text has no secrets."""
    head = a_head(302, {} if location is None else {'Location': location})
    fault = follow_redirect(asked, head, (asked.url,), most).failure()
    assert problem in str(fault)
    assert 'pw' not in str(fault)


@pytest.mark.parametrize(
    ('referer', 'location', 'is_kept'),
    [
        ('https://h/?token=t0ken', 'https://h/b', True),
        ('https://h/?token=t0ken', 'https://other/b', False),
        ('https://h/?page=2', 'https://other/b', True),
    ],
)
def test_the_page_that_led_there_keeps_its_secrets(
    referer: str, location: str, *, is_kept: bool
) -> None:
    """Referer with a token in its URL is sent to the same origin only."""
    asked = Request(method='GET', url='https://h/a', headers=Headers((('Referer', referer),)))
    moved = follow_redirect(asked, a_head(302, {'Location': location}), (asked.url,), 5).unwrap()

    assert ('Referer' in moved.headers) is is_kept


@pytest.mark.parametrize(
    ('location', 'url', 'kept'),
    [
        ('/b', 'https://h/b', {name for name, _ in FIELDS}),
        ('https://h:443/b', 'https://h/b', {name for name, _ in FIELDS}),
        ('b?x=1#part', 'https://h/b?x=1', {name for name, _ in FIELDS}),
        ('https://h:8443/b', 'https://h:8443/b', {'Content-Type', 'X-Lab'}),
        ('//elsewhere/b', 'https://elsewhere/b', {'Content-Type', 'X-Lab'}),
        (
            'https://me:pw@elsewhere/b',
            'https://elsewhere/b',
            {'Content-Type', 'X-Lab', 'Authorization'},
        ),
    ],
    ids=[
        'the same origin',
        'its default port',
        'a reference',
        'another port',
        'another host',
        'credentials of its own',
    ],
)
def test_followed(location: str, url: str, kept: set[str]) -> None:
    """Credentials are sent to the same origin only; those in the Location are sent."""
    moved = follow_redirect(ASKED, a_head(302, {'Location': location}), (ASKED.url,), 5).unwrap()
    assert moved.url == url
    assert {name for name, _ in moved.headers} == kept
    assert ('Bearer t' in str(moved.headers.items)) == (url.startswith('https://h/'))


@pytest.mark.parametrize(
    ('method', 'status', 'becomes'),
    [
        ('POST', 301, 'GET'), ('POST', 302, 'GET'), ('POST', 303, 'GET'),
        ('POST', 307, 'POST'), ('POST', 308, 'POST'), ('PUT', 302, 'PUT'), ('PUT', 303, 'GET'),
    ],
)  # fmt: skip
def test_methods(method: str, status: int, becomes: str) -> None:
    """307 and 308 keep method and body; 303 changes to GET; 301 and 302 change POST to GET."""
    asked = Request(method=method, url='https://h/a', headers=Headers(FIELDS), body=RawBody(b'x'))
    moved = follow_redirect(asked, a_head(status, {'Location': '/b'}), (asked.url,), 5).unwrap()
    assert moved.method == becomes
    is_bare = becomes == 'GET'
    assert (moved.body == NoBody()) == is_bare
    assert ('Content-Type' in moved.headers) != is_bare


def test_a_location_in_utf_8_is_read_so() -> None:
    """Fields are decoded as ISO 8859-1, but servers send paths in UTF-8."""
    raw = '/é'.encode().decode('latin-1')
    for location in (raw, '/é'):
        moved = follow_redirect(ASKED, a_head(302, {'Location': location}), (ASKED.url,), 5)
        assert moved.unwrap().url == 'https://h/%C3%A9'


def test_a_client_certificate_stays_with_its_origin() -> None:
    """It is not sent to another origin, like other credentials."""
    asked = Request(method='GET', url='https://h/a', tls=Tls(cainfo='ca', cert='c', key='k'))

    def moved(location: str) -> Tls:
        head = a_head(302, {'Location': location})
        return follow_redirect(asked, head, (asked.url,), 5).unwrap().tls

    assert moved('/b') == asked.tls
    assert moved('https://other/b') == Tls(cainfo='ca')


@pytest.mark.parametrize(
    ('status', 'location', 'name', 'problem'),
    [
        (307, 'https://other/b', 'password', 'it would send the secrets of a form to another origin'),
        (308, 'https://other/b', 'api_key', 'it would send the secrets of a form to another origin'),
        (307, 'https://h/b', 'password', None),
        (307, 'https://other/b', 'format', None),
        (302, 'https://other/b', 'password', None),
    ],
)  # fmt: skip
def test_secrets_of_a_form_stay_with_their_origin(
    status: int, location: str, name: str, problem: str | None
) -> None:
    """307 and 308 would send the body again."""
    asked = Request(method='POST', url='https://h/a', body=FormBody(((name, 's'),)))
    moved = follow_redirect(asked, a_head(status, {'Location': location}), (asked.url,), 5)

    if problem is None:
        assert is_successful(moved)
    else:
        assert isinstance(moved.failure(), RedirectRefused)
        assert problem in str(moved.failure())


def test_secret_of_a_redirect_is_masked_in_later_ones() -> None:
    """A later server may echo it, although it is not sent there."""
    url = ASKED.url
    first = follow_redirect(
        ASKED,
        a_head(302, {'Location': 'https://me:made-there@other/b?token=given-there'}),
        (url,),
        5,
    ).unwrap()
    second = follow_redirect(
        first, a_head(302, {'Location': 'https://third/c'}), (url, first.url), 5
    ).unwrap()

    assert 'Authorization' not in second.headers
    assert {'given-there', 'made-there'} <= second.secrets()


def test_the_secrets_of_redirects_are_limited() -> None:
    """Servers can put thousands into each URL, and each stays masked, so their number is limited."""
    some = tuple(f'secret-{number}' for number in range(99_999))
    request = Request(method='GET', url='https://h/?token=abc', hidden=some)
    head = a_head(302, {'Location': '/x?token=def'})
    moved = follow_redirect(request, head, (request.url,), 5).unwrap()
    assert {*some, 'abc'} <= set(moved.hidden)
    assert 'def' in moved.secrets()
    refused = follow_redirect(moved, head, (request.url,), 5).failure()
    assert 'more than 100,000 secrets' in str(refused)
    assert 'def' not in str(refused)
