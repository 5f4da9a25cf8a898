"""Segments: the ranges of one file that are requested in parallel.

Pure. Spans are those of `byte_ranges`.
"""

from collections.abc import Iterable
from typing import Final

from dlmachine.core.http.byte_ranges import Span, Spans, count_bytes

#: The size of the first range. Its response shows whether the server supports ranges. The other
#: segments wait for it, so it is small; still, most files are complete with it.
FIRST_BYTES: Final = 256 * 1024
#: The minimum size of the other segments, because each costs a request.
MIN_BYTES: Final = 1 << 20
#: The maximum size of a segment: a slow or broken connection delays no more bytes than this.
MAX_BYTES: Final = 64 << 20
#: The maximum number of connections with `segments='auto'`.
MAX_AUTO: Final = 8
_AUTO_BYTES: Final = 8 << 20
#: The number of segments for each connection, if the size allows. With two, the last segment of a
#: slow connection delays the end half as long, at the cost of one more request.
_SHARES: Final = 2


def first_span(front: int, held: Spans) -> Span:
    """The first range to request: after the first `front` bytes, and before the next held span.

    >>> first_span(0, ()), first_span(10, ((12, 20),))
    ((0, 262143), (10, 11))
    """
    last = front + FIRST_BYTES - 1
    return front, min([last, *(first - 1 for first, _ in held)])


def split(missing: Spans, connections: int) -> Spans:
    """Split the missing spans into segments, in order, so that all connections have work.

    >>> split(((0, 9_999_999),), 2)
    ((0, 2499999), (2500000, 4999999), (5000000, 7499999), (7500000, 9999999))
    >>> split(((0, 9), (20, 29)), 4)
    ((0, 9), (20, 29))
    """
    fair = -(-count_bytes(missing) // (connections * _SHARES))
    size = min(max(fair, MIN_BYTES), MAX_BYTES)
    return tuple(piece for span in missing for piece in _pieces(span, size))


def _pieces(span: Span, size: int) -> Iterable[Span]:
    # The pieces have similar sizes, so that none is very small.
    first, last = span
    total = last - first + 1
    number = max(total // size, 1) if total % size < MIN_BYTES else total // size + 1
    return [
        (first + total * at // number, first + total * (at + 1) // number - 1)
        for at in range(number)
    ]


def choose_connections(wanted: int, missing_bytes: int) -> int:
    """The number of parallel connections; if `wanted` is 0, it depends on the missing bytes.

    >>> choose_connections(16, 100_000_000), choose_connections(0, 20 << 20)
    (16, 3)
    """
    if wanted:
        return wanted
    return min(max(-(-missing_bytes // _AUTO_BYTES), 1), MAX_AUTO)
