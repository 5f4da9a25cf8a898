"""Scrubbing: secrets masked in any text, however they are written there.

Pure. Text and secrets are brought into one plain form, in which escapes of URLs and the case
of letters make no difference; then each secret is searched for. The work is bounded: where
more secrets may stand in a text than can be searched for, none of it is shown.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from dlmachine.core.http.url_secrets import MASK

#: A secret shorter than this is masked where its name stands, but is not searched for in
#: free text: every text would contain it.
MIN_SEARCHED_CHARS: Final = 4

#: Characters of text times secrets to search for in it. Beyond that nothing is shown.
_MAX_COMPARED: Final = 5_000_000
#: So many places in one text may be masked. Beyond that nothing is shown.
_MAX_PLACES: Final = 20_000

#: An escaped byte, perhaps escaped again: %2F, %252F.
_ESCAPE: Final = re.compile(rb'%(?:25)*([0-9A-Fa-f]{2})')
_LATIN: Final = re.compile('[\x00-\xff]{4,}')


class _Index(NamedTuple):
    """The plain forms of secrets, by their first bytes."""

    by_start: Mapping[bytes, tuple[bytes, ...]]
    size: int


def scrub(text: str, secrets: Collection[str]) -> str:
    """The text with each of the secrets masked, however it is written there.

    For the words of others: escapes of URLs, once or more, and another case are seen through.

    >>> scrub('no route for https://h/?token=a%2fb+c', {'a/b c'})
    'no route for https://h/?token=***'
    """
    if not secrets or len(text) < MIN_SEARCHED_CHARS:
        return text  # Most often so, and each field of each head comes here.
    index = _index(secrets if isinstance(secrets, frozenset) else frozenset(secrets))
    if not index.size:
        return text
    masked = _scrub_as(text, index, 'utf-8')
    if masked.isascii():
        return masked
    # Header fields are read as ISO 8859-1, in which UTF-8 looks different.
    return _LATIN.sub(lambda found: _scrub_as(found[0], index, 'latin-1'), masked)


@lru_cache(maxsize=16)
def _index(secrets: frozenset[str]) -> _Index:
    # All at once, for a form may have a hundred thousand of them.
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
    if len(wanted) * len(plain) > _MAX_COMPARED:
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
    # A secret can stand in the text only if its first and its last bytes do.
    starts = range(len(plain) - MIN_SEARCHED_CHARS + 1)
    there = {plain[start : start + MIN_SEARCHED_CHARS] for start in starts}
    for start in there & index.by_start.keys():
        for secret in index.by_start[start]:
            if secret[-MIN_SEARCHED_CHARS:] in there and len(secret) <= len(plain):
                yield secret


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
    """The plain form, and where each of its bytes begins in the text; one more for the end."""
    if b'%' not in coded:
        return _folded(coded), range(len(coded) + 1)
    plain, end = bytearray(), 0
    starts: list[int] = []
    for found in _ESCAPE.finditer(coded):
        plain += coded[end : found.start()]
        plain += _unescaped(found)
        starts.extend(range(end, found.start() + 1))
        end = found.end()
    plain += coded[end:]
    starts.extend(range(end, len(coded) + 1))
    return _folded(bytes(plain)), starts


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))


def _folded(plain: bytes) -> bytes:
    return plain.replace(b'+', b' ').lower()
