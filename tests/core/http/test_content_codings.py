"""The content codings in a response."""

import pytest

from dlmachine.core.http.content_codings import (
    can_undo,
    describes_file,
    read_codings,
    show_codings,
)
from dlmachine.core.http.headers import Headers

FIELD = 'Content-Encoding'


@pytest.mark.parametrize(
    ('values', 'codings'),
    [
        ([], ()),
        (['gzip', 'gzip'], ('gzip',)),
        (['gzip', 'GZIP '], ('gzip',)),
        (['gzip', 'identity'], ('gzip',)),
        (['gzip', 'br'], ('gzip', 'br')),
        (['gzip, gzip'], ('gzip', 'gzip')),
        (['deflate,gzip', 'deflate, gzip'], ('deflate', 'gzip')),
        (['utf-8', 'none'], ()),
        (['x-compress'], ('compress',)),
    ],
)
def test_codings_are_those_that_were_applied(values: list[str], codings: tuple[str, ...]) -> None:
    """Equal fields count once; a list in one field is a list."""
    assert read_codings(Headers(tuple((FIELD, value) for value in values))) == codings


@pytest.mark.parametrize('name', [
    'utf-8', 'utf8', 'utf_8', 'ucs-2', 'utf-16le', 'utf-32-be', 'unicode', 'ascii', 'us-ascii', 'latin1', 'latin-1', 'iso-8859-15',
    'iso8859-1', 'iso_8859_1', 'iso-8859', 'windows-1251', 'cp1252', 'ibm-437', 'koi8-u', 'gbk', 'gb2312', 'gb18030', 'big5', 'shift_jis', 'shift-jis',
    'euc-jp', 'euc-kr', 'euc-cn', 'text/html', 'application/json', 'image/png', 'audio/x', 'video/x', 'font/x', 'binary/octet-stream',
    'charset=x', '-', '*', 'identity', 'none', 'no', 'null', 'nil', 'undefined', 'false', 'off', 'default', 'unknown', 'raw', 'plain',
    'text', 'binary', '7bit', '8bit', 'uncompressed', 'unencoded', 'chunked', 'aws-chunked', 'x-identity', 'x-none', 'not', 'n/a', 'na',
    'unset', 'empty', 'true', '0', '1', 'bytes', 'stream', '7-bit', '8-bit', 'not-compressed', 'no-compression', 'nocompress', 'stored',
    'store', 'application', 'html', 'xml', 'json', 'csv', 'attachment', 'inline', 'utf8mb4', 'ansi', 'sjis', 'euc_jp', 'plain/text',
])  # fmt: skip
def test_other_words_are_not_codings(name: str) -> None:
    """Charsets, types and words for no coding, in any case and in lists."""
    assert read_codings(Headers(((FIELD, name.upper()),))) == ()
    assert read_codings(Headers(((FIELD, f'{name}, gzip'),))) == ('gzip',)
    assert read_codings(Headers(((FIELD, f'x{name}x'),))) != ()


@pytest.mark.parametrize(
    ('coding', 'name', 'expected'),
    [
        ('x-compress', 'x.tar.Z', True),
        ('compress', 'x.taz', True),
        ('x-bzip2', 'x.csv.BZ2', True),
        ('bzip2', 'x.tbz2', True),
        ('xz', 'x.tar.xz', True),
        ('lzma', 'x.lzma', True),
        ('zstd', 'x.jsonl.zst', True),
        ('br', 'x.js.br', True),
        ('zip', 'x.zip', True),
        ('gzip', 'x.vcf.bgz', True),
        ('x-gzip', 'x.svgz', True),
        ('deflate', 'x.gz', True),
        ('br', 'x.zst', False),
        ('zstd', 'x.csv', False),
        ('gzip, gzip', 'x.gz', False),
        ('gzip', 'x.csv', False),
        ('x-rot13', 'x.gz', False),
    ],
)
def test_a_coding_may_be_that_of_the_file(coding: str, name: str, expected: bool) -> None:
    """Web servers send a coding for files that are stored compressed."""
    assert describes_file(read_codings(Headers(((FIELD, coding),))), name) is expected


def test_a_list_without_end_is_not_read_to_its_end() -> None:
    """A very long list of codings counts as unknown."""
    fields = [(FIELD, f'{number},' * 10_000) for number in range(20)]
    assert len(read_codings(Headers(tuple(fields)))) <= 20 * 33


def test_shown_text_is_short() -> None:
    """Long names, and more than a few names, are omitted."""
    assert show_codings(('a' * 24, 'b' * 25)) == f'{"a" * 24}, (unknown)'
    assert show_codings(('a',) * 9) == 'a, a, a, a'


def test_a_very_long_list_is_read_from_its_beginning() -> None:
    """What is behind the limit is one unknown coding."""
    headers = Headers((('Content-Encoding', 'gzip,' * 32 + 'br,br'),))
    assert read_codings(headers)[:32] == ('gzip',) * 32
    assert not can_undo(read_codings(headers))
