"""The directives of Cache-Control in requests and responses (RFC 9111 section 5.2, RFC 8246).

Pure. Every text is read, and a directive that cannot be read makes a response stale or a request
ask the server. `s-maxage`, `proxy-revalidate` and `private` restrict shared caches only.
"""

import re
from functools import lru_cache
from typing import Final

from dlmachine.core.frozen import frozen
from dlmachine.core.http.headers import Headers
from dlmachine.core.regex import regex

#: The number of seconds that stands for every larger one (RFC 9111 section 1.2.2).
MAX_SECONDS: Final = 1 << 31

_MEMBER: Final = regex(r'([^\s,="]+)(?:=("(?:[^"\\]|\\.)*"|[^,]*))?[^,]*', re.DOTALL)
_QUOTED_PAIR: Final = regex(r'\\(.)', re.DOTALL)
_DIGITS: Final = regex(r'[0-9]+')


@frozen
class Directives:
    """The directives of one message; durations are in seconds, None without the directive.

    `no_cache_fields` are the names in `no-cache="…"`, in lower case; `no_cache` is then False.
    """

    no_store: bool = False
    no_cache: bool = False
    no_cache_fields: tuple[str, ...] = ()
    must_revalidate: bool = False
    must_understand: bool = False
    is_private: bool = False
    is_public: bool = False
    is_immutable: bool = False
    only_if_cached: bool = False
    max_age: int | None = None
    max_stale: int | None = None
    min_fresh: int | None = None
    stale_if_error: int | None = None


#: Those of a message without the field.
NO_DIRECTIVES: Final = Directives()


def directives_of(headers: Headers) -> Directives:
    """The directives in the Cache-Control fields of a message."""
    return parse_directives(headers.get_all('Cache-Control'))


# Cached, because the same few fields are read at each use of a copy.
@lru_cache(maxsize=256)
def parse_directives(fields: tuple[str, ...]) -> Directives:
    """The directives in fields, which are one list (RFC 9110 section 5.3).

    If a directive is repeated, the first counts (RFC 9111 section 4.2.1), but one `no-cache`
    without names counts for all fields. An argument may be quoted (section 5.2). A `max-age` that
    is not a number is 0 (section 4.2.1), and so is an illegal `stale-if-error`; an illegal
    `min-fresh` asks for the longest time.

    >>> found = parse_directives(('max-age=60 , no-cache="Set-Cookie"', 'MAX-AGE=5, x="no-store"'))
    >>> found.max_age, found.no_cache_fields, found.no_store
    (60, ('set-cookie',), False)
    """
    found = _arguments(fields)
    names = found.get('no-cache', [])
    listed = [name for argument in names for name in _names_in(argument)]
    return Directives(
        no_store='no-store' in found,
        no_cache=any(not _names_in(argument) for argument in names),
        no_cache_fields=tuple(dict.fromkeys(listed)),
        must_revalidate='must-revalidate' in found,
        must_understand='must-understand' in found,
        is_private='private' in found,
        is_public='public' in found,
        is_immutable='immutable' in found,
        only_if_cached='only-if-cached' in found,
        max_age=_seconds(found, 'max-age', 0),
        # Without an argument, a response of any age is wanted (section 5.2.1.2).
        max_stale=MAX_SECONDS if None in found.get('max-stale', [])[:1] else _max_stale(found),
        min_fresh=_seconds(found, 'min-fresh', MAX_SECONDS),
        stale_if_error=_seconds(found, 'stale-if-error', 0),
    )


def parse_seconds(text: str) -> int | None:
    """A number of seconds (RFC 9111 section 1.2.2); None if the text is not one.

    >>> parse_seconds('003600'), parse_seconds('1' + 30 * '0'), parse_seconds('-1')
    (3600, 2147483648, None)
    """
    if not _DIGITS.fullmatch(text):
        return None
    digits = text.lstrip('0')
    return MAX_SECONDS if len(digits) > 10 else min(int(digits or 0), MAX_SECONDS)


def _arguments(fields: tuple[str, ...]) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = {}
    for field in fields:
        for member in _MEMBER.finditer(field):
            found.setdefault(member[1].lower(), []).append(_unquoted(member[2]))
    return found


def _unquoted(argument: str | None) -> str | None:
    if argument is None or len(argument) < 2 or not (argument[0] == argument[-1] == '"'):
        # Spaces before the next comma belong to the list (RFC 9110 section 5.6.1).
        return argument and argument.rstrip(' \t')
    return _QUOTED_PAIR.sub(r'\1', argument[1:-1])


def _names_in(argument: str | None) -> list[str]:
    return [name for part in (argument or '').split(',') if (name := part.strip().lower())]


def _seconds(found: dict[str, list[str | None]], name: str, otherwise: int) -> int | None:
    if name not in found:
        return None
    seconds = parse_seconds(found[name][0] or '')
    return otherwise if seconds is None else seconds


def _max_stale(found: dict[str, list[str | None]]) -> int | None:
    return _seconds(found, 'max-stale', 0)
