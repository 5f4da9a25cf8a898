"""Scrubbing: mask secrets in any text, in any escaped form.

Pure. Text and secrets are converted to one plain form without URL, JSON and HTML escapes and
without case; then each secret is searched for. The work is bounded: if a text may contain more
secrets than can be searched for, none of it is shown.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from dlmachine.core.regex import regex
from dlmachine.core.secrets.url_secrets import MASK

#: A shorter secret is masked beside its name, but is not searched for in free text: too many
#: texts would contain it.
MIN_SEARCHED_CHARS: Final = 4

#: The maximum number of byte comparisons of a search. Beyond that nothing is shown.
_MAX_COMPARED: Final = 5_000_000
#: The maximum number of masked spans in one text. Beyond that nothing is shown.
_MAX_PLACES: Final = 20_000

#: A byte percent-encoded once or more often (%2F, %252F); a character as JSON (RFC 8259
#: section 7) and HTML escape it.
_ESCAPE: Final = regex(
    rb'%(?:25)*([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\(["\\/])'
    rb'|&(?:#([0-9]{1,6})|#[xX]([0-9A-Fa-f]{1,5})|(amp|lt|gt|quot|apos));'
)
_ENTITIES: Final = {b'amp': b'&', b'lt': b'<', b'gt': b'>', b'quot': b'"', b'apos': b"'"}
_LATIN: Final = regex('[\x00-\xff]{4,}')


class _Index(NamedTuple):
    """The plain forms of secrets, by their first bytes."""

    by_start: Mapping[bytes, tuple[bytes, ...]]
    size: int


def scrub(text: str, secrets: Collection[str]) -> str:
    """Mask each secret in a text, in any escaped form.

    For foreign text: finds secrets that are percent-encoded (once or more often), escaped as in
    JSON or HTML, or in another case.

    >>> scrub('no route for https://h/?token=a%2fb+c', {'a/b c'})
    'no route for https://h/?token=***'
    """
    if not secrets or len(text) < MIN_SEARCHED_CHARS:
        return text  # The usual case, and every header field of every response passes through here.
    index = _index(secrets if isinstance(secrets, frozenset) else frozenset(secrets))
    if not index.size:
        return text
    masked = _scrub_as(text, index, 'utf-8')
    if masked.isascii():
        return masked
    # Header fields are decoded as ISO 8859-1, in which UTF-8 looks different.
    return _LATIN.sub(lambda found: _scrub_as(found[0], index, 'latin-1'), masked)


@lru_cache(maxsize=16)
def _index(secrets: frozenset[str]) -> _Index:
    # All in one pass, because a form may have a hundred thousand of them.
    coded = '\0'.join(secret for secret in secrets if len(secret) >= MIN_SEARCHED_CHARS)
    plain = set(
        _folded(_ESCAPE.sub(_unescaped, coded.encode('utf-8', 'surrogatepass'))).split(b'\0')
    )
    by_start: dict[bytes, list[bytes]] = {}
    count = 0
    for secret in plain:
        if len(secret) >= MIN_SEARCHED_CHARS:
            by_start.setdefault(secret[:MIN_SEARCHED_CHARS], []).append(secret)
            count += 1
    return _Index({start: tuple(found) for start, found in by_start.items()}, count)


def _scrub_as(text: str, index: _Index, coding: str) -> str:
    coded = text.encode(coding, 'surrogatepass')
    plain, starts = _plain_text(coded)
    wanted = tuple(_candidates(plain, index))
    if not wanted:
        return text
    if sum(_compared(len(secret), len(plain)) for secret in wanted) > _MAX_COMPARED:
        return MASK
    every = (span for secret in wanted for span in _occurrences(secret, plain))
    spans = list(islice(every, _MAX_PLACES))
    if len(spans) == _MAX_PLACES:
        return MASK
    shown, end = [], 0
    for first, last in _joined(sorted(spans)):
        shown += [coded[end : starts[first]], MASK.encode()]
        end = starts[last]
    return b''.join([*shown, coded[end:]]).decode(coding, 'replace')


def _candidates(plain: bytes, index: _Index) -> Iterator[bytes]:
    # A text contains a secret only if it contains its first and its last bytes.
    there = {plain[start : start + MIN_SEARCHED_CHARS] for start in range(len(plain))}
    for start in there & index.by_start.keys():
        for secret in index.by_start[start]:
            if secret[-MIN_SEARCHED_CHARS:] in there and len(secret) <= len(plain):
                yield secret


def _compared(length: int, size: int) -> int:
    # CPython's search is linear only for long texts; it compares several bytes at a time.
    return size if size >= _LINEAR_FROM else size * (length // 16 + 1)


#: The text length in bytes from which CPython's search is linear.
_LINEAR_FROM: Final = 30_000


def _occurrences(secret: bytes, plain: bytes) -> Iterator[tuple[int, int]]:
    found = plain.find(secret)
    while found != -1:
        yield found, found + len(secret)
        found = plain.find(secret, found + len(secret))


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first < joined[-1][1]:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined


def _plain_text(coded: bytes) -> tuple[bytes, Sequence[int]]:
    """The plain form, and the position in the text of each of its bytes and of its end."""
    if _ESCAPE.search(coded) is None:
        return _folded(coded), range(len(coded) + 1)
    plain, end = bytearray(), 0
    starts: list[int] = []
    for found in _ESCAPE.finditer(coded):
        plain += coded[end : found.start()]
        starts.extend(range(end, found.start()))
        one = _unescaped(found)
        plain += one
        starts += [found.start()] * len(one)
        end = found.end()
    plain += coded[end:]
    starts.extend(range(end, len(coded) + 1))
    return _folded(bytes(plain)), starts


def _unescaped(found: re.Match[bytes]) -> bytes:
    url, json, plain, decimal, hexadecimal, named = found.groups()
    if url is not None:
        return bytes((int(url, 16),))
    if plain is not None:
        return bytes(plain)
    if named is not None:
        return _ENTITIES[named]
    number = int(decimal) if decimal is not None else int(json or hexadecimal, 16)
    return chr(number).encode('utf-8', 'surrogatepass')


def _folded(plain: bytes) -> bytes:
    return plain.replace(b'+', b' ').lower()
