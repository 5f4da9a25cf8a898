"""What a response says of how its body is coded."""

import pytest

from dlmachine.core.headers import Headers
from dlmachine.core.http.content_codings import read_codings, show_codings

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
    'text', 'binary', '7bit', '8bit', 'uncompressed', 'unencoded', 'chunked', 'aws-chunked',
])  # fmt: skip
def test_other_names_are_not_entries(name: str) -> None:
    """Charsets, types and words for no coding, in any case and in lists."""
    assert read_codings(Headers(((FIELD, name.upper()),))) == ()
    assert read_codings(Headers(((FIELD, f'{name}, gzip'),))) == ('gzip',)
    assert read_codings(Headers(((FIELD, f'x{name}x'),))) != ()


def test_shown_text_is_short() -> None:
    """A name that is too long, or too many names."""
    assert show_codings(('a' * 24, 'b' * 25)) == f'{"a" * 24}, (unknown)'
    assert show_codings(('a',) * 9) == 'a, a, a, a'
