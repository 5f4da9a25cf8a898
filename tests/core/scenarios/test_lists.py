"""Checksum files, header fields, names and dates with unusual values."""

import time
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.faults import AnswerUnusable, BodyTooLarge, RedirectRefused
from dlmachine.core.http.headers import Headers, parse_headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.validators import is_same_version
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.integrity.checksum_file import find_checksum, read_list
from dlmachine.core.machine.checksum_file import MAX_LIST_BYTES
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.core.transfer.redirect import follow_redirect
from dlmachine.core.transfer.retry import backoff, jitter, parse_retry_after
from tests.builders import NOW, URL, a_head, a_policy, an_exchange

A, B = 'a' * 64, 'b' * 64
SUMS = ChecksumList('SHA256SUMS')


# --- lists of checksums ---------------------------------------------------------


@pytest.mark.parametrize(
    ('text', 'path'),
    [
        (f'{B}  u.csv\n\\{A}  a\\nb\n', '/a%0Ab'),
        (f'{B}  a\\\\b\n\\{A}  c\\\\b\n', '/c/b'),
        (f'{B}  x/a\\nb\n{A}  y/a\\nb\n', '/y/a\\nb'),
    ],
)
def test_escapes_count_in_marked_lines_only(text: str, path: str) -> None:
    """GNU coreutils begins a line with a backslash if its name has escapes."""
    assert find_checksum(text, SUMS, (path,)).unwrap() == Checksum('sha256', A)


@pytest.mark.parametrize('mark', ['#', ';'])
def test_comments_are_no_lines(mark: str) -> None:
    """A comment may look like a checksum line."""
    text = f'{mark}t.csv {B}\n{mark} {B}  t.csv\n{A}  t.csv\n'
    assert find_checksum(text, SUMS, ('/t.csv',)).unwrap() == Checksum('sha256', A)


@pytest.mark.parametrize('mark', ['#', ';'])
def test_a_list_of_comments_is_none(mark: str) -> None:
    """A file with only comments contains no checksum."""
    found: Any = find_checksum(f'{mark}t.csv {B}', SUMS, ('/t.csv',)).failure()
    assert found.problem == 'contains no checksum'


@pytest.mark.parametrize(
    ('line', 'algorithm'),
    [
        (f'SHA512/256 (t.csv) = {A}', 'sha512_256'),
        (f'SHA512-256 (t.csv) = {A}', 'sha512_256'),
        (f'SHA3-256 (t.csv) = {A}', 'sha3_256'),
    ],
)
def test_tags_of_openssl(line: str, algorithm: str) -> None:
    """Algorithms that hashlib always has are accepted; lines with others are ignored."""
    found = find_checksum(line, SUMS, ('/t.csv',)).value_or(None)
    assert found == (Checksum(algorithm, A) if algorithm == 'sha3_256' else None)


@pytest.mark.parametrize(
    ('names', 'path', 'found'),
    [
        (('x/b/t', 'a/t'), '/a/b/t', A),
        (('a/x/t', 'b/x/t'), '/a/b/t', None),
        (('c/x/y/t', 'b/y/t'), '/c/b/y/t', B),
        (('./a//t', 'b/t'), '/./a//t', A),
        (('a/./t', 'b/t'), '/a/t', A),
    ],
)
def test_the_line_that_shares_most_folders_counts(
    names: tuple[str, str], path: str, found: str | None
) -> None:
    """Common folders are counted from the end, without gaps."""
    text = f'{A}  {names[0]}\n{B}  {names[1]}\n'
    expected = None if found is None else Checksum('sha256', found)
    assert find_checksum(text, SUMS, (path,)).value_or(None) == expected


def test_fault_lists_all_searched_names() -> None:
    """Each name is listed once."""
    found: Any = find_checksum(f'{A}  x', SUMS, ('/d/t.csv', '/e/t.csv', '/u.csv')).failure()
    assert found.problem == "has no line for 't.csv' or 'u.csv'"


def test_a_hash_without_a_name_among_named_ones_is_nobodys() -> None:
    """It may belong to any file."""
    assert find_checksum(f'{A}\n{B}  t.csv\n', SUMS, ('/',)).value_or(None) is None
    assert find_checksum(f'{A}\n{B}  t.csv\n', SUMS, ('/t.csv',)).unwrap().hex == B


def test_a_path_that_is_not_a_url_is_shown_as_it_is() -> None:
    """The name of a file may contain a question mark."""
    assert str(ChecksumList('sums?token=x#1')) == 'sums?token=x#1'
    assert repr(ChecksumList('https://h/x?token=s3')) == "ChecksumList('https://h/x?token=***')"


@pytest.mark.parametrize('coding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be'])
def test_lists_are_read_in_the_codings_that_tools_write(coding: str) -> None:
    """UTF-8 with or without a byte order mark, and UTF-16 with one, as PowerShell writes it."""
    mark = '\ufeff' if coding.endswith(('le', 'be')) else ''
    text = read_list(f'{mark}{A}  größe.csv\n'.encode(coding))
    assert find_checksum(text, SUMS, ('/größe.csv',)).unwrap().hex == A


def test_checksum_file_of_unknown_encoding_is_read() -> None:
    """Names may be damaged, but digests are ASCII."""
    text = read_list(b'\xff\n' + f'{A}  t.csv\n'.encode())
    assert find_checksum(text, SUMS, ('/t.csv',)).unwrap().hex == A
    assert read_list(b'\xff\xfea').startswith('\ufffd')


# --- header fields --------------------------------------------------------------


def test_a_line_ends_its_name_at_the_first_colon() -> None:
    """RFC 9112 section 5; a value may contain colons."""
    assert parse_headers(['Referer: http://h:8/x']).unwrap() == Headers(
        (('Referer', 'http://h:8/x'),)
    )


@pytest.mark.parametrize('coding', ['identity', 'Identity', ' IDENTITY '])
def test_a_rest_may_be_called_uncoded(coding: str) -> None:
    """RFC 9110 section 12.5.3: `identity` means no coding."""
    rest = Expectation(offset=4, validator='"v1"')
    fields = {'Content-Range': 'bytes 4-7/8', 'ETag': '"v1"', 'Content-Encoding': coding}
    decision = decide_body(an_exchange(expect=rest), a_head(206, fields))
    assert isinstance(decision, StoreBody)
    assert (decision.offset, decision.wire_bytes, decision.validator) == (4, 4, '"v1"')


def test_invalid_response_shows_no_secrets() -> None:
    """The URL in the fault is masked."""
    asked = Request(method='GET', url=f'{URL}?token=s3cret')
    decision: Any = decide_body(an_exchange(asked), a_head(999))
    assert decision.fault == AnswerUnusable(
        url=f'{URL}?token=***', problem='the server answered with the unknown status 999'
    )


def test_a_redirect_that_is_refused_names_both_ends() -> None:
    """Both URLs are masked; if the target cannot be parsed, only the first is shown."""
    asked = Request(method='GET', url='https://h/a?token=s3cret')
    to = a_head(302, {'Location': 'http://h/b?token=s3cret'})
    refused = follow_redirect(asked, to, (asked.url,), 5).failure()
    assert refused == RedirectRefused(
        url='https://h/a?token=***',
        location='http://h/b?token=***',
        problem='it changes from https to http',
    )
    for head, problem in (
        (a_head(302), 'the response has no Location'),
        (a_head(302, {'Location': 'https://['}), 'its Location is not a URL'),
    ):
        refused = follow_redirect(asked, head, (asked.url,), 5).failure()
        assert refused == RedirectRefused(url='https://h/a?token=***', location='', problem=problem)


def test_credentials_of_a_redirect_are_its_own() -> None:
    """They replace those of the previous URL (RFC 7617 section 2)."""
    headers = Headers((('Authorization', 'Bearer x'),))
    asked = Request(method='GET', url='https://h/a', headers=headers)
    to = a_head(302, {'Location': 'https://me:pw@elsewhere/b'})
    moved = follow_redirect(asked, to, (asked.url,), 5).unwrap()
    assert moved.headers == Headers((('Authorization', 'Basic bWU6cHc='),))


@pytest.mark.parametrize(('most', 'is_taken'), [(8, True), (7, False)])
def test_limit_applies_to_a_rest_of_unknown_total_size(most: int, is_taken: bool) -> None:
    """The last byte of the range counts."""
    rest = Expectation(offset=4, validator='"v1"', max_bytes=most)
    fields = {'Content-Range': 'bytes 4-7/*', 'ETag': '"v1"'}
    decision = decide_body(an_exchange(expect=rest), a_head(206, fields))
    assert isinstance(decision, StoreBody) is is_taken
    fault = getattr(decision, 'fault', BodyTooLarge(url=URL, limit_bytes=most, size_bytes=8))
    assert fault == BodyTooLarge(url=URL, limit_bytes=most, size_bytes=8)


def test_a_part_of_a_date_is_of_that_date() -> None:
    """A 206 may omit Last-Modified, but not have another one."""
    date = 'Wed, 01 May 2024 10:00:00 GMT'
    assert is_same_version(date, a_head(206))
    assert is_same_version(date, a_head(206, {'Last-Modified': date}))
    assert not is_same_version(date, a_head(206, {'Last-Modified': ''}))


# --- waits ------------------------------------------------------------------------


def test_draws_fill_the_whole_span() -> None:
    """Full jitter covers the span from almost 0 to almost 1."""
    draws = [jitter(0.5, number) for number in range(400)]
    assert 0 <= min(draws) < 0.02
    assert 0.98 < max(draws) < 1
    assert 0.45 < sum(draws) / 400 < 0.55


def test_a_long_wait_doubles_for_long() -> None:
    """The wait doubles up to sixteen times without a maximum."""
    policy = a_policy(retry_wait=timedelta(seconds=1), retry_max_wait=timedelta(days=365))
    seconds = [backoff(policy, number, 1).total_seconds() for number in (16, 17, 18, 99)]
    assert seconds == [2**15, 2**16, 2**16, 2**16]


@pytest.mark.parametrize('digits', ['9' * 10, '9' * 11, '1' + '0' * 10, '1' + '0' * 4_400])
def test_a_wait_of_many_digits_is_long(digits: str) -> None:
    """The wait is a year at most, and no exception is raised."""
    asked = parse_retry_after(a_head(503, {'Retry-After': digits}), NOW)
    assert asked == timedelta(days=366)


LONG = f'{B}  other.csv\n' * 16_000


@pytest.mark.parametrize('start', ['', LONG])
@pytest.mark.parametrize(
    ('line', 'path'),
    [
        (f'{A}  t.csv', '/d/t.csv'),
        (f'{A} *./d/t.csv', '/d/t.csv'),
        (f'SHA256 (a b.csv) = {A}', '/d/a%20b.csv'),
        (f'"a b.csv" {A} https://h/x', '/a%20b.csv'),
    ],
)
def test_a_line_of_a_long_list_is_found(start: str, line: str, path: str) -> None:
    """At the beginning, in the middle and at the end, without parsing all lines."""
    for text in (f'{line}\n{start}', f'{start}{line}\n{start}', f'{start}{line}'):
        assert find_checksum(text, ChecksumList('SUMS'), ('', path)).unwrap().hex == A
    missing = str(find_checksum(f'{start}{line}', ChecksumList('SUMS'), ('/no.csv',)).failure())
    assert 'no.csv' in missing or 'no checksum' in missing


@pytest.mark.timing
@pytest.mark.parametrize(
    'unit', ['t.csv\n', f'{A}  t.csv\n', f'{A}  other.csv\n', 'a\n', 't.csv', ') ', 'a,']
)
def test_the_longest_list_takes_a_moment(unit: str) -> None:
    """Lines that are all alike are one line; too many that differ are refused."""
    text = unit * (MAX_LIST_BYTES // len(unit))
    began = time.process_time()
    find_checksum(text, ChecksumList('SUMS'), ('/t.csv', '/u.csv'))
    assert time.process_time() - began < 2
    if unit == 't.csv\n':
        many = '\n'.join(f'{A}  {number}/t.csv' for number in range(20_000))
        fault = find_checksum(many, ChecksumList('SUMS'), ('/t.csv',)).failure()
        assert 'too many of its lines' in str(fault)
