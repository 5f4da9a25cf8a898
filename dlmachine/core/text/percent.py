"""Percent-encoding and dot segments, as the normal form of a URL has them.

Pure. RFC 3986 sections 5.2.4 and 6.2.2.
"""

import re
from typing import Final
from urllib.parse import quote

from dlmachine.core.regex import regex

PATH_SAFE: Final = "%/:@!$&'()*+,;=~"
QUERY_SAFE: Final = PATH_SAFE + '?'
USERINFO_SAFE: Final = "%:!$&'()*+,;=~"

_PERCENT: Final = regex(r'%([0-9A-Fa-f]{2})')
_STRAY_PERCENT: Final = regex(r'%(?![0-9A-Fa-f]{2})')
_UNRESERVED: Final = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~')


def normal_path(path: str) -> str:
    """Normalize a path like those in URLs.

    >>> normal_path('/%7euser/ä')
    '/~user/%C3%A4'
    """
    return normal_escapes(path, PATH_SAFE)


def normal_escapes(text: str, safe: str) -> str:
    """Normalize percent-encoding (RFC 3986 section 6.2.2).

    Unreserved characters are decoded, other escapes written in upper case, and characters that
    are not legal in a URL are encoded as UTF-8.

    >>> normal_escapes('%7euser/%c3%a9/é', '/%')
    '~user/%C3%A9/%C3%A9'
    """
    kept = _STRAY_PERCENT.sub('%25', text)
    return quote(_PERCENT.sub(_normal_escape, kept), safe=safe)


def without_dots(path: str) -> str:
    """Resolve the dot segments of an absolute path (RFC 3986 section 5.2.4).

    >>> without_dots('/a/./b/../c'), without_dots('/../a/..')
    ('/a/c', '/')
    """
    kept: list[str] = []
    segments = path.split('/')
    for segment in segments:
        if segment == '..':
            if len(kept) > 1:
                kept.pop()
        elif segment != '.':
            kept.append(segment)
    if segments[-1] in {'.', '..'}:
        kept.append('')
    return '/'.join(kept)


def _normal_escape(match: re.Match[str]) -> str:
    character = chr(int(match.group(1), 16))
    return character if character in _UNRESERVED else match.group().upper()
