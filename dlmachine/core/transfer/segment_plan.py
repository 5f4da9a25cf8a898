"""Segments: which ranges of one version to ask for at once.

Pure. A span is its first and its last byte, both of them in it, as in a Range field
(RFC 9110 section 14.1.2). Spans in a row are in order, apart and not touching.
"""

from collections.abc import Iterable
from typing import Final

from dlmachine.core.http.byte_ranges import Span, Spans, count_bytes

#: What is asked for first: its answer says whether there is a version that has parts. The
#: others wait for it, so it is small; and still most files are whole with it.
FIRST_BYTES: Final = 256 * 1024
#: No other segment is smaller: each costs a request.
MIN_BYTES: Final = 1 << 20
#: Nor larger: the bytes come in order, more or less, and a connection that is slow or breaks
#: holds up no more than this.
MAX_BYTES: Final = 64 << 20
#: The most connections that `auto` takes.
MAX_AUTO: Final = 8
_AUTO_BYTES: Final = 8 << 20
#: Segments for each connection, if the size allows: what one slow connection holds up at the
#: end is half as much, for the price of one more request.
_SHARES: Final = 2


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
    size = min(max(fair, MIN_BYTES), MAX_BYTES)
    return tuple(piece for span in missing for piece in _pieces(span, size))


def _pieces(span: Span, size: int) -> Iterable[Span]:
    # Of like size, so that none of them is a crumb.
    first, last = span
    total = last - first + 1
    number = max(total // size, 1) if total % size < MIN_BYTES else total // size + 1
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
    return min(max(-(-missing_bytes // _AUTO_BYTES), 1), MAX_AUTO)
