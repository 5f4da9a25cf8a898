"""Content codings of a response (RFC 9110 section 8.4).  Pure.

Many servers write something else into Content-Encoding: a charset, a media type, the name of a
transfer coding, or a word for no coding. Such values are ignored.
"""

from typing import Final

from dlmachine.core.http.headers import Headers
from dlmachine.core.regex import regex

#: Values that mean no coding, or that do not name a content coding.
_NOT_CODINGS: Final = frozenset({
    '', '-', '*', 'identity', 'x-identity', 'none', 'x-none', 'no', 'not', 'null', 'nil', 'n/a',
    'na', 'undefined', 'unset', 'empty', 'false', 'true', 'off', '0', '1', 'default', 'unknown',
    'raw', 'plain', 'text', 'binary', 'bytes', 'stream', '7bit', '8bit', '7-bit', '8-bit',
    'uncompressed', 'unencoded', 'not-compressed', 'no-compression', 'nocompress', 'stored',
    'store', 'application', 'html', 'xml', 'json', 'csv', 'attachment', 'inline',
    'chunked', 'aws-chunked',
})  # fmt: skip
_CHARSET: Final = regex(
    r'(?:utf|ucs)[-_]?[0-9]{1,2}(?:[-_]?[bl]e|mb[34])?|unicode|ansi|(?:us-)?ascii|latin-?[0-9]{1,2}'
    r'|iso[-_]?8859(?:[-_][0-9]{1,2})?|(?:windows|cp|ibm)-?[0-9]{3,5}|koi8-[ru]|gbk|gb2312|gb18030'
    r'|big5|s(?:hift[-_])?jis|euc[-_](?:jp|kr|cn)'
)
_MEDIA_TYPE: Final = regex(
    r'(?:text|application|image|audio|video|font|binary|plain)/[^/]*|charset=.*'
)
#: Section 8.4.1.3: equivalent names.
_SYNONYMS: Final = {
    'x-gzip': 'gzip', 'x-compress': 'compress', 'x-bzip2': 'bzip2', 'x-bzip': 'bzip2',
    'bzip': 'bzip2', 'bz2': 'bzip2', 'x-xz': 'xz', 'x-lzma': 'lzma', 'x-zip': 'zip',
    'x-zip-compressed': 'zip', 'x-zstd': 'zstd', 'brotli': 'br', 'x-deflate': 'deflate',
}  # fmt: skip
#: The codings that dlmachine decodes.
_DECODED: Final = frozenset({('gzip',), ('deflate',)})

#: The extensions of compressed files. A coding of such a file describes the file itself, which is
#: kept unchanged: servers do not compress it a second time.
_COMPRESSED: Final = ('.gz', '.tgz', '.z', '.bz2', '.xz', '.zip', '.zst', '.bgz', '.svgz')
#: Codings that dlmachine does not decode, with the extensions of the files that they describe.
_OF_FILES: Final = {
    'compress': ('.z', '.taz'),
    'bzip2': ('.bz2', '.tbz', '.tbz2'),
    'xz': ('.xz', '.txz'),
    'lzma': ('.lzma', '.tlz'),
    'zstd': ('.zst', '.zstd', '.tzst'),
    'br': ('.br',),
    'zip': ('.zip',),
}

#: A longer list of codings counts as unknown; no real server sends one.
_MAX_MEMBERS: Final = 32
_MAX_SHOWN: Final = 4
_MAX_SHOWN_CHARS: Final = 24


def read_codings(headers: Headers) -> tuple[str, ...]:
    """The codings of a body, in the order in which they were applied.

    Repeated equal fields count once, because some servers and proxies send a field twice.

    >>> read_codings(Headers((('Content-Encoding', 'X-GZip'), ('content-encoding', 'identity'))))
    ('gzip',)
    >>> read_codings(Headers((('Content-Encoding', 'UTF-8'),)))
    ()
    """
    values = headers.get_all('Content-Encoding')
    if not values:
        return ()  # The usual case.
    fields = dict.fromkeys(map(_read_field, values[:_MAX_MEMBERS]))
    return tuple(coding for field in fields for coding in field)


def can_undo(codings: tuple[str, ...]) -> bool:
    """Whether a body with these codings can be decoded: one of gzip and deflate.

    >>> can_undo(('gzip',)), can_undo(('br',)), can_undo(('gzip', 'gzip'))
    (True, False, False)
    """
    return codings in _DECODED


def describes_file(codings: tuple[str, ...], name: str) -> bool:
    """Whether the codings describe a compressed file of this name, so that the bytes are kept.

    Some servers send Content-Encoding for files that are stored compressed.

    >>> describes_file(('gzip',), 'a.tar.gz'), describes_file(('compress',), 'a.Z')
    (True, True)
    >>> describes_file(('gzip',), 'a.tar'), describes_file(('br',), 'a.zip')
    (False, False)
    """
    if can_undo(codings):
        return name.lower().endswith(_COMPRESSED)
    return len(codings) == 1 and name.lower().endswith(_OF_FILES.get(codings[0], ()))


def show_codings(codings: tuple[str, ...]) -> str:
    """The codings as text for a message; too long values are omitted.

    >>> show_codings(('br', 'x' * 99))
    'br, (unknown)'
    """
    names = (name if len(name) <= _MAX_SHOWN_CHARS else '(unknown)' for name in codings)
    return ', '.join(tuple(names)[:_MAX_SHOWN])


def _read_field(value: str) -> tuple[str, ...]:
    members = value.split(',', _MAX_MEMBERS)
    names = (part.partition(';')[0].strip(' \t"\'').lower() for part in members)
    return tuple(_SYNONYMS.get(name, name) for name in names if _is_coding(name))


def _is_coding(name: str) -> bool:
    is_other = _CHARSET.fullmatch(name) or _MEDIA_TYPE.fullmatch(name)
    return name not in _NOT_CODINGS and not is_other
