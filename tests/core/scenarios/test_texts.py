"""URLs, dates, secrets and faults: parsing, masking, messages."""

import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import Any

import pytest

from dlmachine.core.faults import (
    BodyTooLarge,
    ContentRefused,
    HttpStatus,
    InvalidInput,
    SchemeRefused,
    TimedOut,
    WindowUnsatisfiable,
)
from dlmachine.core.http.filename import extension
from dlmachine.core.http.url import join_url, parse_url
from dlmachine.core.http.validators import parse_http_date
from dlmachine.core.integrity.digest_fields import served_digest
from dlmachine.core.protocol.effects import Publish
from dlmachine.core.protocol.events import Discarded, PartOpened
from dlmachine.core.secrets.redact import redact_url, scrub, secrets_in_pairs, secrets_in_url
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.text.control_chars import find_control_char
from tests.builders import (
    NOW,
    URL,
    Run,
    a_descriptor,
    a_head,
    a_policy,
    a_received,
    a_snapshot,
    answered,
)

BASE = parse_url('https://h/a/b').unwrap()


# --- URLs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ('location', 'problem'),
    [
        ('/a\nb', 'contains LF at position 2'),
        ('https://[', 'is not a URL: it has a malformed host'),
        ('mailto:x', "'mailto:x' has no scheme"),
    ],
)
def test_a_location_that_is_not_a_url_is_called_one(location: str, problem: str) -> None:
    """The fault names the header field, not an argument of the caller."""
    fault = join_url(BASE, location).failure()
    assert isinstance(fault, InvalidInput)
    assert (fault.where, fault.problem) == ('Location', problem)


@pytest.mark.parametrize('location', ['\tc', ' c', 'c \t'])
def test_white_space_around_a_location_is_none_of_it(location: str) -> None:
    """RFC 9110 section 5.5: white space around a value is not part of it."""
    assert join_url(BASE, location).map(str).unwrap() == 'https://h/a/c'


def test_letters_around_a_location_are_of_it() -> None:
    """Only SP and HTAB are removed, not letters or other blanks."""
    assert join_url(BASE, 'XcX').map(str).unwrap() == 'https://h/a/XcX'
    assert join_url(BASE, 'c\u3000').map(str).unwrap() == 'https://h/a/c%E3%80%80'


def test_a_url_without_userinfo_is_one_that_never_had_any() -> None:
    """All fields are equal."""
    assert parse_url('https://me:pw@h/x').unwrap().without_userinfo() == parse_url(
        'https://h/x'
    ).value_or(None)


def test_what_breaks_a_frame_comes_with_advice() -> None:
    """The fault has advice."""
    plain = find_control_char('x', 'a\nb')
    assert plain is not None
    assert plain.advice.startswith('Remove it')


# --- dates ------------------------------------------------------------------------


@pytest.fixture(params=['UTC', 'Asia/Tokyo', 'America/New_York'])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Sets the time zone of this computer."""
    monkeypatch.setenv('TZ', request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    'text',
    [
        'Wed, 01 May 2024 12:00:00 GMT',
        'Wed, 01 May 2024 12:00:00',
        'Wed, 01 May 2024 12:00:00 -0000',
        'Wed, 01 May 2024 14:00:00 +0200',
    ],
)
def test_a_date_is_in_utc_wherever_this_computer_is(zone: str, text: str) -> None:
    """Also a date without a zone, or with an unknown one (RFC 5322 section 3.3)."""
    found = parse_http_date(text)
    assert found == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert found.tzinfo is UTC


# --- digests ----------------------------------------------------------------------


@pytest.mark.parametrize('coded', ['kAFQ mDzST7DWlj99KOF/cg==', 'kAFQ!mDzST7DWlj99KOF/cg=='])
def test_base64_with_more_in_it_is_none(coded: str) -> None:
    """RFC 4648 section 3.3: characters outside the alphabet are not skipped."""
    representation = a_head(200, {'Content-MD5': coded})
    assert served_digest(representation, is_part=False, is_decoded=False) is None


def test_an_old_digest_is_one() -> None:
    """RFC 3230 calls SHA-1 SHA; it counts if there is no stronger digest."""
    coded = b64encode(sha1(b'abc').digest()).decode()
    for field in ({'Digest': f'SHA={coded}'}, {'Repr-Digest': f'sha=:{coded}:'}):
        found = served_digest(a_head(200, field), is_part=False, is_decoded=False)
        assert found is not None
        assert found[1:] == ('sha1', sha1(b'abc').hexdigest())


# --- names ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('name', 'ext'), [('a.XML', 'xml'), ('a.b.c.gz', 'gz'), ('a.tar.b.gz', 'gz'), ('tar.gz', 'gz')]
)
def test_the_last_extension_counts(name: str, ext: str) -> None:
    """A tar archive has two parts."""
    assert extension(name) == ext


# --- secrets ----------------------------------------------------------------------


def test_an_at_may_be_in_a_password() -> None:
    """The last @ ends the userinfo; the first colon ends the user name."""
    found = secrets_in_url('https://me:p@ss:word@h/x')
    assert found == {'me:p@ss:word', 'me', 'p@ss:word'}
    assert redact_url('https://me:p@ss:word@h/x') == 'https://***@h/x'


def test_an_equals_sign_may_be_in_a_token() -> None:
    """Base64 ends in =; a plus may be a space or a plus."""
    assert secrets_in_url('https://h/?token=a+b%3D=') == {'a+b%3D=', 'a+b==', 'a b=='}
    assert redact_url('https://h/?token=a==&b=c=d') == 'https://h/?token=***&b=c=d'


def test_a_scheme_of_credentials_is_not_a_secret() -> None:
    """Everything after the scheme is secret."""
    assert secrets_in_pairs([('Authorization', 'Digest a="b", c')]) == {
        'Digest a="b", c',
        'a="b", c',
    }


def test_secrets_inside_of_values_are_found() -> None:
    """The first = ends the name of a cookie; quotes and invalid Base64 are not part of secrets."""
    assert 'a=b==' in secrets_in_pairs([('Cookie', 'theme=x; sid=a=b==')])
    assert 'XaX' in secrets_in_pairs([('Cookie', 'sid="XaX"')])
    coded = b64encode(b'me:p\xff').decode()
    assert 'p\ufffd' in secrets_in_pairs([('Authorization', f'Basic {coded}')])
    assert 'pw' in secrets_in_pairs([('Authorization', 'Basic bWU6cHc=')])
    assert 'pw' not in secrets_in_pairs([('Authorization', 'Basic bWU6!cHc=')])


def test_of_two_secrets_the_longer_goes_first() -> None:
    """Otherwise the rest of the longer one would be shown."""
    assert scrub('it is abcdefgh', {'bcde', 'abcdefgh'}) == 'it is ***'


# --- bodies -----------------------------------------------------------------------


def in_memory(received: Any, **policy: Any) -> Run:
    """A run to memory that received this response."""
    target = a_descriptor(f'{URL}?token=s3cret')
    run = Run(target, a_policy(retries=0, **policy), a_snapshot(target))
    return run.feed(PartOpened(at=NOW, size_bytes=0), answered(200, {}, received))


SHOWN = f'{URL}?token=***'


def test_too_large_body_has_both_sizes() -> None:
    """A body of exactly the limit is accepted."""
    run = in_memory(a_received(size_bytes=9), max_bytes=8).feed(Discarded(at=NOW))
    assert run.fault == BodyTooLarge(url=SHOWN, limit_bytes=8, size_bytes=9, tries=1)
    assert isinstance(in_memory(a_received(size_bytes=8), max_bytes=8).step.effect, Publish)


def test_too_small_body_has_both_sizes() -> None:
    """Both sizes have thousands separators."""
    run = in_memory(a_received(size_bytes=1_000), min_bytes=2_000).feed(Discarded(at=NOW))
    problem = 'has 1,000 bytes, but at least 2,000 are expected'
    refused = ContentRefused(url=SHOWN, problem=problem, option='min_bytes', tries=1)
    assert run.fault == refused


def test_empty_body_instead_of_a_file_is_refused() -> None:
    """The name of the destination counts as well."""
    run = in_memory(a_received(b''), dest=ToPath('/d/t.gz')).feed(Discarded(at=NOW))
    assert run.fault == ContentRefused(url=SHOWN, problem='is empty instead of gz data', tries=1)


# --- faults -----------------------------------------------------------------------


@pytest.mark.parametrize(('tries', 'told'), [(0, ''), (1, ''), (2, ' (after 2 requests)')])
def test_number_of_requests_is_shown_from_two_on(tries: int, told: str) -> None:
    """A single request is not mentioned."""
    assert str(HttpStatus(url='u', status=418, tries=tries)) == f'u: the server answered 418{told}'


@pytest.mark.parametrize(('status', 'remedy'), [(499, ''), (500, 'Try later, or add a mirror with mirrors='), (599, 'Try later, or add a mirror with mirrors=')])  # fmt: skip
def test_errors_of_the_server_may_pass(status: int, remedy: str) -> None:
    """All from 500 on may pass."""
    assert HttpStatus(url='u', status=status).remedy() == remedy


@pytest.mark.parametrize('status', [401, 403, 404, 407, 410, 429])
def test_remedies_of_error_statuses(status: int) -> None:
    """Each status has its own remedy."""
    texts = {HttpStatus(url='u', status=known).remedy() for known in (400, status)}
    assert len(texts) == 2


@pytest.mark.parametrize('scheme', ['ftp', 'ftps', 'sftp', 'scp'])
def test_schemes_that_curl_speaks(scheme: str) -> None:
    """For these schemes the remedy is to install curl."""
    assert 'pip install pycurl' in SchemeRefused(url='u', scheme=scheme, allowed=()).remedy()
    assert 'pip install' not in SchemeRefused(url='u', scheme='gopher', allowed=()).remedy()


def test_unknown_values_are_shown_unchanged() -> None:
    """An unknown phase and two held versions are shown unchanged."""
    late = TimedOut(url='u', phase='handshake', limit=timedelta(seconds=2))
    assert late.what() == 'u: handshake 2 s'
    none = WindowUnsatisfiable(url='u', window='newer than x', held=('a', 'b'))
    assert '(stored versions: a, b)' in none.what()
