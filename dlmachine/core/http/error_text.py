"""The body of an error response, as text without secrets and as one line.

Pure, and bounded: only the first bytes of such a body are read. A body that is not text, or whose
content coding dlmachine does not decode, counts as empty.
"""

import json
import re
from typing import Final

from dlmachine.core.http.content_codings import can_undo, read_codings
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import MASK, is_secret_name, redact_url, scrub, secrets_in_url
from dlmachine.core.secrets.secret_names import SecretNames
from dlmachine.core.text.charsets import TEXT_CHARSETS

#: The maximum of kept text, in bytes.
MAX_TEXT_BYTES: Final = 4_096
#: Bytes to receive for it: masking may shorten the text.
MAX_ERROR_BYTES: Final = 8_192

_UTF_16_MARKS: Final = (b'\xff\xfe', b'\xfe\xff')
_UTF_16: Final = frozenset({'utf-16', 'utf-16le', 'utf-16be'})
_MAX_LINE_CHARACTERS: Final = 200
_MAX_DEPTH: Final = 4
_MAX_NESTING: Final = 64

_CHARSET: Final = regex(r'(?i)charset[ \t]*=[ \t]*"?([A-Za-z0-9_\-]{1,40})')
_BINARY: Final = regex(r'[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]')
_MARKUP: Final = regex(r'(?i)<(?:script|style)\b[^<>]*>[^<]*|<[^<>]*>')
#: A member of a JSON object (RFC 8259 section 4) whose value is a string, which may be cut off.
_MEMBER: Final = regex(
    r'("([A-Za-z0-9_.\-]{1,100}+)"[ \t\r\n]{0,100}+:[ \t\r\n]{0,100}+)"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
)
_URL: Final = regex(r'https?://[^\s"\'<>\\]++')
_TITLE: Final = regex(r'(?i)<title[^<>]*>([^<]*)')
#: JSON fields that explain an error, the most specific first.
_TELLING_KEYS: Final = (
    'message', 'error_description', 'detail', 'details', 'error', 'errors', 'title', 'reason',
    'msg',
)  # fmt: skip


def is_readable(head: ResponseHead) -> bool:
    """Whether the body of an error is uncoded, or in a coding that dlmachine decodes."""
    codings = read_codings(head.headers)
    return not codings or can_undo(codings)


def read_error_text(
    head: ResponseHead,
    body: bytes,
    secrets: frozenset[str],
    *,
    is_whole: bool,
    declared: SecretNames = (),
) -> str:
    """The beginning of an error's body as text with secrets masked; empty if it is not text.

    The values of secret names, `declared` ones too, are masked in JSON and in URLs as well: a
    server may send a new token. `is_whole` says that the body is complete; otherwise its end may
    be the beginning of a secret, and is removed.

    >>> read_error_text(
    ...     ResponseHead(status=400), b'no key s3cret', frozenset({'s3cret'}), is_whole=True
    ... )
    'no key ***'
    """
    text = body.decode(_charset_of(head, body), 'replace')
    if _BINARY.search(text):
        return ''
    masked = scrub(text.removeprefix('\ufeff'), secrets)
    if not is_whole:
        # JSON may escape one character of a secret as six.
        longest = 6 * max((len(secret.encode('utf-8', 'replace')) for secret in secrets), default=0)
        masked = masked.rstrip('\ufffd')[: max(len(masked) - longest, 0)]
    masked = _mask_named(masked, declared)
    return masked.strip().encode('utf-8')[:MAX_TEXT_BYTES].decode('utf-8', 'ignore')


def _mask_named(text: str, declared: SecretNames) -> str:
    def mask_member(found: re.Match[str]) -> str:
        return f'{found[1]}"{MASK}"' if is_secret_name(found[2], declared) else found[0]

    def mask_url(found: re.Match[str]) -> str:
        # A URL without a secret stays as it is, with its fragment.
        has_secret = secrets_in_url(found[0], declared)
        return redact_url(found[0], declared) if has_secret else found[0]

    text = _MEMBER.sub(mask_member, text) if '"' in text else text
    return _URL.sub(mask_url, text) if '://' in text else text


def _charset_of(head: ResponseHead, body: bytes) -> str:
    if body.startswith(_UTF_16_MARKS):
        return 'utf-16'
    found = _CHARSET.search(head.headers.get('Content-Type') or '')
    if found is not None and found[1].lower() in TEXT_CHARSETS | _UTF_16:
        return found[1]
    return 'utf-8'


def summarize(text: str) -> str:
    r"""Summarize an error's text in one short line: a field of its JSON, or the title of a page.

    >>> summarize('{"error": {"code": 7, "message": "quota\nexceeded"}}')
    'quota exceeded'
    >>> summarize('<html><head><style>p {}</style></head><p>Not <b>here</b></html>')
    'Not here'
    """
    shown = text
    if text.startswith('<'):
        title = _TITLE.search(text)
        shown = _MARKUP.sub(' ', text) if title is None else title[1]
    elif text.startswith(('{', '[')):
        shown = _find_message(parse_json(text), _MAX_DEPTH) or text
    # Invisible characters, and those that change the direction of text, are removed.
    line = ' '.join(''.join(one if one.isprintable() else ' ' for one in shown).split()).rstrip(
        '. '
    )
    is_long = len(line) > _MAX_LINE_CHARACTERS
    return f'{line[: _MAX_LINE_CHARACTERS - 1]}…' if is_long else line


def parse_json(text: str) -> object:
    """Parse JSON; None if the text is not JSON, is incomplete, or nests too deeply."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    # The maximum depth differs between Python versions, and between parsing and writing.
    return value if _is_flat(value) else None


def _is_flat(value: object) -> bool:
    level = [value]
    for _ in range(_MAX_NESTING):
        level = [
            inner
            for one in level
            if isinstance(one, (list, dict))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return True
    return False


def _find_message(value: object, depth: int) -> str | None:
    if isinstance(value, str) or not depth:
        return value if isinstance(value, str) else None
    if isinstance(value, list):
        return _find_message(value[0], depth - 1) if value else None
    if not isinstance(value, dict):
        return None
    found = (_find_message(value.get(key), depth - 1) for key in _TELLING_KEYS)
    return next(filter(None, found), None)
