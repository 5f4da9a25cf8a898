from time import process_time

import pytest

from dlmachine.core.http.error_text import (
    MAX_ERROR_BYTES,
    MAX_TEXT_BYTES,
    is_readable,
    parse_json,
    read_error_text,
    summarize,
)
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead

SECRET = 's3cret'
NONE: frozenset[str] = frozenset()


def _head(content_type: str = '') -> ResponseHead:
    return ResponseHead(status=400, headers=Headers((('Content-Type', content_type),)))


@pytest.mark.parametrize(
    ('content_type', 'body', 'text'),
    [
        ('', b'', ''),
        ('', b' why\r\n', 'why'),
        ('text/plain; charset=ISO-8859-1', b'\xe9', 'é'),
        ('text/plain; charset="windows-1252"', b'\x80', '€'),
        ('text/plain; charset=punycode', b'\xc3\xa9', 'é'),
        ('application/octet-stream', b'na\xc3\xafve', 'naïve'),
        ('text/plain', b'\xff!', '\ufffd!'),
        ('text/plain', 'naïve'.encode('utf-16'), 'naïve'),
        ('text/plain; charset=UTF-16BE', 'naïve'.encode('utf-16-be'), 'naïve'),
        ('text/plain; charset=utf-16', b'\xfe\xff\0w\xd8\0', 'w\ufffd'),
        ('image/png', b'\x89PNG\0', ''),
        ('text/plain', b'a\x1b[31mb\tc', 'a\x1b[31mb\tc'),
        ('text/plain', b'x' * MAX_ERROR_BYTES, 'x' * MAX_TEXT_BYTES),
        ('text/plain', 'é'.encode() * 4_000, 'é' * 2_048),
        ('text/plain', b'a' + 'é'.encode() * 4_000, 'a' + 'é' * 2_047),
    ],
)
def test_error_bodies_are_read(content_type: str, body: bytes, text: str) -> None:
    """A body is decoded by its charset or UTF-8, at most 4 KiB; it is empty if not text."""
    assert read_error_text(_head(content_type), body, NONE, is_whole=True) == text


def test_no_part_of_a_secret_remains_at_a_cut() -> None:
    """The first half of a secret, or of its encoded form, cannot be recognized as a secret."""
    secrets = frozenset({SECRET})
    assert read_error_text(_head(), b'key s3cret', secrets, is_whole=True) == 'key ***'
    for cut in range(1, 60):
        body = (b'why is it? ' * 3 + b'%73%33%63%72%65%74 s3cret ' * 2)[:cut]
        text = read_error_text(_head(), body, secrets, is_whole=False)
        assert 's3' not in text
        assert '%73' not in text
    assert read_error_text(_head(), b'caf\xc3', NONE, is_whole=False) == 'caf'
    assert read_error_text(_head(), b'XXX', NONE, is_whole=False) == 'XXX'
    # JSON may write each of its six characters as six.
    assert read_error_text(_head(), b'a' * 100, secrets, is_whole=False) == 'a' * 64
    assert read_error_text(_head(), b'a' * 36, secrets, is_whole=False) == ''
    assert read_error_text(_head(), b'a' * 9, secrets, is_whole=False) == ''


@pytest.mark.parametrize(
    ('body', 'text'),
    [
        (r'{"key": "a\/b&c<d"}', '{"key": "***"}'),
        (r'{"key": "a\u002fb\u0026c\u003Cd", "why": "\u0022no\u0022"}', r'{"key": "***", "why": "\u0022no\u0022"}'),
        ('<p>a&#x2F;b&amp;c&#60;d &lt;no&gt;</p>', '<p>*** &lt;no&gt;</p>'),
        (r'{"why": "and\/or"}', r'{"why": "and\/or"}'),
        ('\ufeffwhy', 'why'),
    ],
)  # fmt: skip
def test_secrets_are_found_behind_json_and_html_escapes(body: str, text: str) -> None:
    """A text without secrets is unchanged."""
    secrets = frozenset({'a/b&c<d'})
    assert read_error_text(_head(), body.encode(), secrets, is_whole=True) == text


@pytest.mark.parametrize(
    ('coding', 'expected'),
    [
        (None, True),
        ('identity', True),
        (' Identity', True),
        ('UTF-8', True),
        ('identity, aws-chunked', True),
        ('gzip', True),
        ('deflate', True),
        ('br', False),
        ('gzip, gzip', False),
    ],
)
def test_errors_are_read_unless_their_coding_cannot_be_undone(
    coding: str | None, expected: bool
) -> None:
    """A value that does not name a coding is ignored."""
    fields = () if coding is None else (('Content-Encoding', coding),)
    assert is_readable(ResponseHead(status=400, headers=Headers(fields))) is expected


@pytest.mark.parametrize(
    ('text', 'line'),
    [
        ('', ''),
        ('a\n b\t\u202ec\x1b[0m', 'a b c [0m'),
        ('x' * 300, 'x' * 199 + '…'),
        ('x' * 200, 'x' * 200),
        ('X. .', 'X'),
        ('{"message": "no"}', 'no'),
        ('{"error": "no", "code": 3}', 'no'),
        ('{"error": {"message": "deep"}}', 'deep'),
        ('{"errors": [{"detail": "first"}, {"detail": "second"}]}', 'first'),
        ('{"errors": [], "title": "t"}', 't'),
        ('["no"]', 'no'),
        ('[[[["no"]]]]', 'no'),
        ('[[[[["no"]]]]]', '[[[[["no"]]]]]'),
        ('{"error": {"error": {"error": {"error": "x"}}}}', 'x'),
        ('{"code": 3}', '{"code": 3}'),
        ('{"error": {"error": {"error": {"error": {"error": "x"}}}}}', '{"error": {"error": {"error": {"error": {"error": "x"}}}}}'),
        ('{"message": "cut', '{"message": "cut'),
        ('[' * 4_000, '[' * 199 + '…'),
        ('<Error><Code>Denied</Code><Message>not yours</Message></Error>', 'Denied not yours'),
        ('<script>var a;</script><p>why</p>', 'why'),
        ('<html><title>\n Gone. </title><p>why</p>', 'Gone'),
        ('<<<<', '<<<<'),
    ],
)  # fmt: skip
def test_one_line_for_the_message(text: str, line: str) -> None:
    """The line is an error field of JSON, the title of a page, or the complete text."""
    assert summarize(text) == line


def test_incomplete_json_is_none() -> None:
    """JSON that nests too deeply is None as well."""
    assert parse_json('{"a": "b\nc"}') == {'a': 'b\nc'}
    assert parse_json('{"a"') is None
    assert parse_json('[' * 4_000 + ']' * 4_000) is None
    assert parse_json('{"a": ' * 65 + '1' + '}' * 65) is None
    assert parse_json('{"a": ' * 63 + '1' + '}' * 63) is not None
    assert parse_json('[' * 64 + ']' * 64) is not None


@pytest.mark.timing
@pytest.mark.parametrize(
    'unit',
    [
        '<',
        '\\u0041',
        '&#x41;',
        '&#',
        '<script',
        '<style>',
        '{"error":',
        '[',
        '"',
        'charset=',
        '\ufffd',
    ],
)
def test_the_largest_error_takes_a_moment(unit: str) -> None:
    """The time is linear in the received bytes."""
    text = unit * (MAX_ERROR_BYTES // len(unit))
    began = process_time()
    summarize(read_error_text(_head(text * 7), text.encode(), NONE, is_whole=False))
    assert process_time() - began < 1  # 0.1 or so; coverage takes its time


def test_json_that_nests_too_deeply_is_not_shown() -> None:
    """The limit is dlmachine's own, because Python versions differ."""
    assert parse_json('[' * 60 + ']' * 60) is not None
    assert parse_json('[' * 100 + ']' * 100) is None


@pytest.mark.parametrize(
    ('body', 'text'),
    [
        ('{"access_token": "new1", "why": "no"}', '{"access_token": "***", "why": "no"}'),
        (r'{"a": {"sid" : "x\"new1", "code":"new1"}}', '{"a": {"sid" : "***", "code":"***"}}'),
        ('{"token": "new1', '{"token": "***"'),
        ('{"token": null, "n": "token"}', '{"token": null, "n": "token"}'),
        ('at https://h/?token=new1&a=b.', 'at https://h/?token=***&a=b.'),
        ('<a href="https://me:new1@h/">', '<a href="https://***@h/">'),
        ('see https://h/limits#daily', 'see https://h/limits#daily'),
    ],
)
def test_tokens_that_a_server_sends_are_masked_by_name(body: str, text: str) -> None:
    """They are masked in JSON, also if cut off, and in URLs; other text is unchanged."""
    found = read_error_text(_head(), body.encode(), NONE, is_whole=True, declared=('code',))
    assert found == text


def test_declared_names_in_urls() -> None:
    """A URL without a secret keeps its fragment."""
    body = b'see https://h/?code=1#a and https://h/?a=1#b'
    text = read_error_text(_head(), body, NONE, is_whole=True, declared=('code',))
    assert text == 'see https://h/?code=*** and https://h/?a=1#b'
