"""Limits, and names in tables, each of which users or servers rely on."""

from datetime import UTC, datetime
from types import ModuleType
from typing import Final

import pytest

from dlmachine.core.access import cookies, set_cookie
from dlmachine.core.access.cookie_date import parse_cookie_date
from dlmachine.core.cache import entry_names, record
from dlmachine.core.decision import part_note
from dlmachine.core.faults import ConnectionFailed, HttpStatus, StorageFailed
from dlmachine.core.faults.remedies import CONNECT, RESOLVE, find_remedy
from dlmachine.core.http import content_codings, error_text
from dlmachine.core.http.content_codings import describes_file, read_codings
from dlmachine.core.http.error_text import parse_json, read_error_text, summarize
from dlmachine.core.http.framing import find_head_problem
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead

LIMITS: Final[list[tuple[ModuleType, str, int]]] = [
    (set_cookie, '_MAX_CHARACTERS', 16 << 10),
    (set_cookie, '_MAX_AGE_DIGITS', 8),
    (entry_names, 'MAX_VERSION', 1_000_000_000),
    (entry_names, '_MAX_NAME_BYTES', 255),
    (record, 'MAX_RECORD_CHARS', 4 << 20),
    (record, '_MAX_INTEGER', 2**63 - 1),
    (part_note, 'MAX_NOTE_BYTES', 64 << 10),
    (content_codings, '_MAX_MEMBERS', 32),
    (error_text, 'MAX_TEXT_BYTES', 4 << 10),
    (error_text, 'MAX_ERROR_BYTES', 8 << 10),
    (error_text, '_MAX_NESTING', 64),
]


@pytest.mark.parametrize(
    ('module', 'name', 'limit'), LIMITS, ids=[f'{one[0].__name__}.{one[1]}' for one in LIMITS]
)
def test_limits(module: ModuleType, name: str, limit: int) -> None:
    """A changed limit is a decision: what was accepted may be refused, and the reverse."""
    assert getattr(module, name) == limit


def test_limits_of_cookies() -> None:
    """Of one download, and of a jar, which may be that of a browser."""
    run, jar = set_cookie.RUN_LIMITS, set_cookie.JAR_LIMITS
    assert (run.cookies_of_domain, run.cookies, run.characters) == (50, 300, 128 << 10)
    assert (jar.cookies_of_domain, jar.cookies, jar.characters) == (180, 3_000, 4 << 20)


def test_limits_of_a_record() -> None:
    """Numbers that no download has make a record unreadable."""
    most = 2**63 - 1
    limits = {
        'tries': (0, 2**31 - 1), 'http_code': (0, 999), 'size_bytes': (0, most),
        'mtime_ns': (-most, most),
    }  # fmt: skip
    assert limits == record._RANGES


@pytest.mark.parametrize(
    ('number', 'month'),
    [
        (1, 'jan'), (2, 'feb'), (3, 'mar'), (4, 'apr'), (5, 'may'), (6, 'jun'), (7, 'jul'),
        (8, 'aug'), (9, 'sep'), (10, 'oct'), (11, 'nov'), (12, 'dec'),
    ],
)  # fmt: skip
def test_months_of_cookies(number: int, month: str) -> None:
    """By their first three letters, in any case (RFC 6265 section 5.1.1)."""
    parsed = parse_cookie_date(f'Wed, 09 {month.title()} 2024 10:18:14 GMT')
    assert parsed == datetime(2024, number, 9, 10, 18, 14, tzinfo=UTC)


def test_a_cookie_is_of_its_host_alone() -> None:
    """Unless the server names a domain; and it may go over any connection."""
    fields = cookies.Cookie.__dataclass_fields__
    assert (fields['is_host_only'].default, fields['is_secure'].default) == (True, False)


@pytest.mark.parametrize(
    ('given', 'coding'),
    [
        ('x-gzip', 'gzip'), ('x-compress', 'compress'), ('x-bzip2', 'bzip2'), ('x-bzip', 'bzip2'),
        ('bzip', 'bzip2'), ('bz2', 'bzip2'), ('x-xz', 'xz'), ('x-lzma', 'lzma'), ('x-zip', 'zip'),
        ('x-zip-compressed', 'zip'), ('x-zstd', 'zstd'), ('brotli', 'br'), ('x-deflate', 'deflate'),
    ],
)  # fmt: skip
def test_codings_have_other_names(given: str, coding: str) -> None:
    """RFC 9110 section 8.4.1.3, and those of servers."""
    assert read_codings(Headers((('Content-Encoding', given),))) == (coding,)


@pytest.mark.parametrize(
    ('coding', 'name'),
    [
        ('compress', 'x.z'), ('compress', 'x.taz'), ('bzip2', 'x.bz2'), ('bzip2', 'x.tbz'),
        ('bzip2', 'x.tbz2'), ('xz', 'x.xz'), ('xz', 'x.txz'), ('lzma', 'x.lzma'), ('lzma', 'x.tlz'),
        ('zstd', 'x.zst'), ('zstd', 'x.zstd'), ('zstd', 'x.tzst'), ('br', 'x.br'), ('zip', 'x.zip'),
    ],
)  # fmt: skip
def test_codings_that_describe_the_file(coding: str, name: str) -> None:
    """The body is the file that the name promises; it is kept as it is."""
    assert describes_file((coding,), name)
    assert not describes_file((coding,), 'x.csv')


@pytest.mark.parametrize(
    ('name', 'statuses'),
    [
        ('Content-Length', set(range(100, 1_000))),
        ('Location', {301, 302, 303, 307, 308}),
        ('Content-Range', {206, 416}),
        ('ETag', {*range(200, 300), 304}),
        ('Last-Modified', {*range(200, 300), 304}),
    ],
)
def test_fields_with_one_value(name: str, statuses: set[int]) -> None:
    """Two different ones are ambiguous, where the status makes them count."""
    values = {'Content-Length': ('1', '2')}.get(name, ('"a"', '"b"'))
    headers = Headers(tuple((name, value) for value in values))
    found = {
        status
        for status in range(100, 1_001)
        if f'two different {name}'
        in str(find_head_problem(ResponseHead(status=status, headers=headers)))
    }
    assert found == statuses


@pytest.mark.parametrize('key', error_text._TELLING_KEYS)
def test_keys_that_tell_the_error(key: str) -> None:
    """The first of them in a JSON body is shown."""
    assert summarize(f'{{"code": 7, "{key}": "quota exceeded"}}') == 'quota exceeded'


def test_telling_keys() -> None:
    """All that APIs use for their message."""
    assert set(error_text._TELLING_KEYS) == {
        'message', 'error_description', 'detail', 'details', 'error', 'errors', 'title', 'reason',
        'msg',
    }  # fmt: skip


@pytest.mark.parametrize('charset', ['utf-16', 'utf-16le', 'utf-16be'])
def test_errors_in_utf_16(charset: str) -> None:
    """With the charset in the Content-Type, or with a byte order mark."""
    head = ResponseHead(
        status=500, headers=Headers((('Content-Type', f'text/plain; charset={charset}'),))
    )
    assert read_error_text(head, 'broken'.encode(charset), frozenset(), is_whole=True) == 'broken'
    for mark, order in ((b'\xff\xfe', 'utf-16le'), (b'\xfe\xff', 'utf-16be')):
        plain = ResponseHead(status=500)
        assert (
            read_error_text(plain, mark + 'broken'.encode(order), frozenset(), is_whole=True)
            == 'broken'
        )


def test_nested_errors() -> None:
    """64 levels are parsed, 65 are not."""
    for levels, is_parsed in ((63, True), (64, False)):
        assert (parse_json('[' * levels + '1' + ']' * levels) is not None) is is_parsed


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        (RESOLVE, 'temporary failure in name resolution'), (RESOLVE, 'try again'),
        (RESOLVE, 'timeout'), (RESOLVE, 'timed out'), (CONNECT, 'Connection refused'),
        (CONNECT, "couldn't connect"), (CONNECT, 'could not connect'), (CONNECT, 'no route'),
        (CONNECT, 'network is unreachable'), (CONNECT, 'too many open files'),
    ],
)  # fmt: skip
def test_words_of_remedies(rows: tuple[tuple[tuple[str, ...], str], ...], message: str) -> None:
    """Each word of the system or the library has its advice."""
    assert find_remedy(rows, message, '')


def test_defaults_of_faults() -> None:
    """What is not known is not made up."""
    storage = StorageFailed(path='/x', operation='write', problem='')
    assert (storage.errno, storage.destination) == (None, '')
    assert ConnectionFailed(url='u', phase='connect').errno is None
    assert HttpStatus(url='u', status=404).json is None


def test_defaults_of_a_part_note() -> None:
    """A note without these fields is one of a part that is still being written."""
    fields = part_note.PartNote.__dataclass_fields__
    assert (fields['url_digest'].default, fields['is_left'].default) == ('', False)
