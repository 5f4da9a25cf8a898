"""File names: what an answer calls its content, made safe.

Pure. Content-Disposition (RFC 6266, with filename* of RFC 8187) before the last segment of
the URL. A name is one path segment that every common file system takes.
"""

import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from dlmachine.core.headers import Headers

_PARAMETER: Final = re.compile(
    r';\s*(?P<name>[A-Za-z*\-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^;"\s]*))'
)
_EXTENDED: Final = re.compile(r"(?P<charset>[A-Za-z0-9\-]*)'[^']*'(?P<value>.*)")
_UNSAFE: Final = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"|?*\ud800-\udfff\u200e\u200f\u2028-\u202e\u2066-\u2069]'
)
#: What most names and URLs are: there is nothing to be made safe, or decoded.
_PLAIN: Final = re.compile(r'[A-Za-z0-9](?:[A-Za-z0-9_.\-]{0,150}[A-Za-z0-9])?')
_PLAIN_URL: Final = re.compile(r'https?://[a-z0-9.:\-]+/(?:[A-Za-z0-9_.~\-]+/)*([A-Za-z0-9_.~\-]*)')
_SEPARATORS: Final = re.compile(r'[/\\]')
_RESERVED: Final = re.compile(r'(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?')

#: One download asks for the same few names dozens of times.
_REMEMBERED: Final = 256
#: Most file systems take 255 bytes; part files and versions need some of them.
_MOST_BYTES: Final = 200
FALLBACK: Final = 'download'
#: RFC 8187 section 3.2.1 asks for UTF-8 alone; the others are seen. Not every codec of Python's
#: is meant for this, nor fails in one way only.
_CHARSETS: Final = frozenset({'utf-8', 'iso-8859-1', 'us-ascii', 'windows-1252'})


@lru_cache(maxsize=_REMEMBERED)
def name_content(headers: Headers, url: str) -> str:
    """What the content is called: by the answer, by the URL, or `download`.

    >>> said = Headers((('Content-Disposition', 'attachment; filename="../a b.gz"'),))
    >>> name_content(said, 'http://h/x'), name_content(Headers(), 'http://h/d/t.csv?x=1')
    ('a b.gz', 't.csv')
    """
    return _name(headers.get_all('Content-Disposition'), url)


def _name(dispositions: tuple[str, ...], url: str) -> str:
    said = _disposition_name(dispositions)
    return safe_name(said) or safe_name(_url_name(url)) or FALLBACK


def safe_name(name: str | None) -> str | None:
    r"""One safe path segment made of a name; None if nothing is left.

    >>> safe_name('..'), safe_name('C:\\x\\nul.txt'), safe_name('a:b?.txt'), safe_name('.bashrc')
    (None, '_nul.txt', 'a_b_.txt', '_.bashrc')
    """
    if name and _PLAIN.fullmatch(name):
        return _unreserved(name)
    last = _SEPARATORS.split(name or '')[-1]
    cleaned = _UNSAFE.sub('_', last).strip(' ').rstrip('. ')
    if not cleaned.strip('._ '):
        return None
    # What is cut off may leave an end that is stripped, or a name that is reserved.
    return _unreserved(_shorten(_unreserved(cleaned)).rstrip('. '))


def _unreserved(name: str) -> str:
    # A server could plant a .bashrc: what begins with a dot is read by others than people.
    is_special = name.startswith('.') or _RESERVED.fullmatch(name) is not None
    return f'_{name}' if is_special else name


@lru_cache(maxsize=_REMEMBERED)
def extension(name: str) -> str | None:
    """The extension without its dot, `tar.gz` and the like whole; None if there is none.

    >>> extension('a.tar.gz'), extension('a.CSV'), extension('README'), extension('.hidden')
    ('tar.gz', 'csv', None, None)
    """
    return _extension(name)


def _extension(name: str) -> str | None:
    suffixes = name.rpartition('/')[2].lstrip('.').lower().split('.')[1:]
    if not suffixes or not re.fullmatch(r'[a-z0-9_\-]{1,16}', suffixes[-1]):
        return None
    is_tar = len(suffixes) > 1 and suffixes[-2] == 'tar' and suffixes[-1] in _TAR_CODINGS
    return f'tar.{suffixes[-1]}' if is_tar else suffixes[-1]


_TAR_CODINGS: Final = frozenset({'gz', 'bz2', 'xz', 'zst'})


def _disposition_name(values: tuple[str, ...]) -> str | None:
    found: dict[str, str] = {}
    for value in values:
        for match in _PARAMETER.finditer(value):
            quoted, token = match.group('quoted'), match.group('token')
            text = re.sub(r'\\(.)', r'\1', quoted) if quoted is not None else token
            found.setdefault(match.group('name').lower(), text)
    extended = _decode_extended(found.get('filename*', ''))
    return extended or _as_utf8(found.get('filename', '')) or None


def _decode_extended(text: str) -> str | None:
    match = _EXTENDED.fullmatch(text)
    charset = '' if match is None else match.group('charset').lower() or 'utf-8'
    if match is None or charset not in _CHARSETS:
        return None
    try:
        return unquote_to_bytes(match.group('value')).decode(charset)
    except UnicodeDecodeError:
        return None


def _as_utf8(text: str) -> str:
    # Many servers put UTF-8 where ISO 8859-1 is meant; what decodes as UTF-8 hardly is not.
    try:
        return text.encode('latin-1').decode('utf-8')
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _url_name(url: str) -> str:
    plain = _PLAIN_URL.fullmatch(url)
    if plain is not None:
        return plain[1]
    try:
        return unquote(urlsplit(url).path.rpartition('/')[2])
    except ValueError:
        return ''


def _shorten(name: str) -> str:
    encoded = name.encode('utf-8')
    if len(encoded) <= _MOST_BYTES:
        return name
    suffix = PurePosixPath(name).suffix.encode('utf-8')[:16]
    kept = encoded[: _MOST_BYTES - len(suffix)].decode('utf-8', 'ignore')
    return kept + suffix.decode('utf-8', 'ignore')
