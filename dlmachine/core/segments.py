"""Segments: which ranges of one version to ask for at once.

Pure. A span is its first and its last byte, both of them in it, as in a Range field
(RFC 9110 section 14.1.2). Spans in a row are in order, apart and not touching.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int]
Spans: TypeAlias = tuple[Span, ...]

#: What is asked for first: its answer says whether there is a version that has parts. The
#: others wait for it, so it is small; and still most files are whole with it.
FIRST_BYTES: Final = 256 * 1024
#: No other segment is smaller: each costs a request.
LEAST_BYTES: Final = 1 << 20
#: Nor larger: the bytes come in order, more or less, and a connection that is slow or breaks
#: holds up no more than this.
MOST_BYTES: Final = 64 << 20
#: The most connections that may be asked for, and the most that `auto` takes.
MOST_SEGMENTS: Final = 64
MOST_AUTO: Final = 8
_AUTO_BYTES: Final = 8 << 20
#: Segments for each connection, if the size allows: what one slow connection holds up at the
#: end is half as much, for the price of one more request.
_SHARES: Final = 2


def merged(spans: Iterable[Span]) -> Spans:
    """The same bytes as spans in a row.

    >>> merged(((4, 5), (0, 1), (2, 2), (5, 7)))
    ((0, 2), (4, 7))
    """
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def covers(spans: Spans, others: Spans) -> bool:
    """Whether sorted spans cover all bytes of other spans.

    >>> covers(((0, 9),), ((2, 3),)), covers(((0, 2),), ((2, 3),))
    (True, False)
    """
    return merged((*spans, *others)) == spans


def count_bytes(spans: Spans) -> int:
    """How many bytes spans have.

    >>> count_bytes(((0, 2), (4, 7)))
    7
    """
    return sum(last - first + 1 for first, last in spans)


def front_bytes(spans: Spans) -> int:
    """How many bytes are there from the first one on, without a hole.

    >>> front_bytes(((0, 2), (4, 7))), front_bytes(((1, 2),))
    (3, 0)
    """
    return spans[0][1] + 1 if spans and spans[0][0] == 0 else 0


def behind(spans: Spans, front: int) -> Spans:
    """What of the spans lies behind so many bytes, and apart from them.

    >>> behind(((0, 2), (4, 7)), 3)
    ((4, 7),)
    """
    return tuple((first, last) for first, last in spans if first > front)


def gaps(spans: Spans, size_bytes: int) -> Spans:
    """What is missing of a whole.

    >>> gaps(((0, 2), (4, 7)), 10)
    ((3, 3), (8, 9))
    """
    missing, at = [], 0
    for first, last in (*spans, (size_bytes, size_bytes)):
        if first > at:
            missing.append((at, first - 1))
        at = last + 1
    return tuple(missing)


def first_span(front: int, held: Spans) -> Span:
    """What to ask for first: the bytes after the front, few, and none that are there already.

    >>> first_span(0, ()), first_span(10, ((12, 20),))
    ((0, 262143), (10, 11))
    """
    last = front + FIRST_BYTES - 1
    return front, min([last, *(first - 1 for first, _ in held)])


def split(missing: Spans, connections: int) -> Spans:
    """What is missing as segments, in order: enough for all connections, none of them tiny.

    >>> split(((0, 9_999_999),), 2)
    ((0, 2499999), (2500000, 4999999), (5000000, 7499999), (7500000, 9999999))
    >>> split(((0, 9), (20, 29)), 4)
    ((0, 9), (20, 29))
    """
    fair = -(-count_bytes(missing) // (connections * _SHARES))
    size = min(max(fair, LEAST_BYTES), MOST_BYTES)
    return tuple(piece for span in missing for piece in _pieces(span, size))


def _pieces(span: Span, size: int) -> Iterable[Span]:
    # Of like size, so that none of them is a crumb.
    first, last = span
    total = last - first + 1
    number = max(total // size, 1) if total % size < LEAST_BYTES else total // size + 1
    return [
        (first + total * at // number, first + total * (at + 1) // number - 1)
        for at in range(number)
    ]


def choose_connections(wanted: int, missing_bytes: int) -> int:
    """How many connections at once; `wanted` is 0 for as many as the size is worth.

    >>> choose_connections(16, 100_000_000), choose_connections(0, 20 << 20)
    (16, 3)
    """
    if wanted:
        return wanted
    return min(max(-(-missing_bytes // _AUTO_BYTES), 1), MOST_AUTO)
