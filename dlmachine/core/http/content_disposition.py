r"""The file name in Content-Disposition, parsed as curl and browsers do.

Pure, and linear in the field. RFC 6266 with `filename*` of RFC 8187, and the deviations of real
servers (some are in appendix D of RFC 6266):

* The disposition type may be missing, or followed by a comma or a space instead of a semicolon.
* An unquoted value lasts until the next semicolon, spaces included; single quotes are quotes;
  a quoted value without a closing quote lasts to the end of the field.
* A backslash in quotes escapes the next character (RFC 9110 section 5.6.4), except in a Windows
  path (`C:\x`).
* A plain name may be in UTF-8, in encoded words (RFC 2047), or percent-encoded UTF-8.
* If a name occurs twice, the first that is not empty counts; `filename*` comes before
  `filename`, but after it if it has no charset or an unknown one.
"""

import re
from base64 import b64decode
from binascii import a2b_qp
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from dlmachine.core.regex import regex
from dlmachine.core.text.charsets import TEXT_CHARSETS

#: A text up to a semicolon: a name, with a value in quotes or without.
_PARAMETER: Final = regex(
    r'([^;=]*+)(?:=[ \t]*+(?:"((?:[^"\\]|\\.)*+)[^;]*+|([^;]*+)))?(?:;|\Z)', re.DOTALL
)
_SINGLE_QUOTED: Final = regex(r"'(.*)'", re.DOTALL)
_ESCAPED: Final = regex(r'\\(.)', re.DOTALL)
_WINDOWS_PATH: Final = regex(r'[A-Za-z]:\\|\\\\[A-Za-z]')
_EXTENDED: Final = regex(r"(?P<charset>[A-Za-z0-9_\-]*)'[^']*'(?P<value>.*)", re.DOTALL)
_ENCODED_WORD: Final = regex(
    r'=\?(?P<charset>[A-Za-z0-9_\-]{1,40})(?:\*[A-Za-z\-]{1,20})?'
    r'\?(?P<coding>[BbQq])\?(?P<text>[^? ]*)\?='
    r'(?:[ \t]++(?==\?))?'  # White space between two of them is dropped (RFC 2047 section 6.2).
)
_ESCAPE: Final = regex(r'%[0-9A-Fa-f]{2}')


def disposition_name(values: tuple[str, ...]) -> str | None:
    """The file name in Content-Disposition fields, not yet made safe; None without one.

    >>> disposition_name(('attachment; filename=my 1st image.csv',))
    'my 1st image.csv'
    >>> disposition_name(("attachment; filename=a.csv; filename*=UTF-8''na%C3%AFve.csv",))
    'naïve.csv'
    """
    found: dict[str, str] = {}
    for value in values:
        for name, text in _parameters(value):
            if text and name in {'filename', 'filename*'}:
                found.setdefault(name, text)
    plain, extended = found.get('filename', ''), found.get('filename*', '')
    return _read_extended(extended) or _read_plain(plain) or _read_sloppy(extended) or None


def _parameters(value: str) -> Iterator[tuple[str, str]]:
    """Names in lower case with their values; reads each character a few times at most."""
    for found in _PARAMETER.finditer(value):
        before, quoted, plain = found.groups()
        # A type may precede the first name, not always followed by a semicolon.
        words = before.replace(',', ' ').split()
        if words and quoted is not None:
            yield words[-1].lower(), _unescape(quoted)
        elif words and plain is not None:
            text = plain.strip(' \t')
            single = _SINGLE_QUOTED.fullmatch(text)
            yield words[-1].lower(), text if single is None else single[1]


def _unescape(text: str) -> str:
    return text if _WINDOWS_PATH.match(text) else _ESCAPED.sub(r'\1', text)


def _read_extended(text: str) -> str | None:
    found = _EXTENDED.fullmatch(text)
    if found is None:
        return None
    return _decode(_unquote(found['value']), found['charset'])


def _read_sloppy(text: str) -> str:
    # Without a charset, or with an unknown or wrong one.
    found = _EXTENDED.fullmatch(text)
    coded = _unquote(text if found is None else found['value'])
    return _decode(coded, 'utf-8') or coded.decode('latin-1')


def _read_plain(text: str) -> str:
    text = _ENCODED_WORD.sub(_read_word, text)
    try:
        # Many servers send UTF-8 instead of ISO 8859-1; what decodes as UTF-8 almost surely is.
        text = text.encode('latin-1').decode('utf-8')
    except UnicodeError:
        return text
    if _ESCAPE.search(text) is None:
        return text
    return _decode(_unquote(text), 'utf-8') or text


def _read_word(found: re.Match[str]) -> str:
    text = found['text']
    try:
        if found['coding'].lower() == 'b':
            coded = b64decode(text + '===')
        else:
            coded = a2b_qp(text.encode('latin-1'), header=True)
    except ValueError:
        return found[0]
    return _decode(coded, found['charset']) or found[0]


def _unquote(text: str) -> bytes:
    # Fields are decoded as ISO 8859-1, so the characters are the received bytes.
    try:
        return unquote_to_bytes(text.encode('latin-1'))
    except UnicodeEncodeError:
        return unquote_to_bytes(text.encode('utf-8', 'replace'))


def _decode(coded: bytes, charset: str) -> str | None:
    if charset.lower() not in TEXT_CHARSETS:
        return None
    try:
        return coded.decode(charset)
    except UnicodeDecodeError:
        return None
