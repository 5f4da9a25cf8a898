"""Byte ranges of one representation: merge, count, and find the missing ones.

Pure. A span is the pair of its first and its last byte, both included, as in a Range field
(RFC 9110 section 14.1.2). `Spans` are in order, and neither overlap nor touch.
"""

from collections.abc import Iterable
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]


Spans: TypeAlias = tuple[Span, ...]


def merged(spans: Iterable[Span]) -> Spans:
    """Sort spans, and join those that overlap or touch.

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
    """The number of bytes in spans.

    >>> count_bytes(((0, 2), (4, 7)))
    7
    """
    return sum(last - first + 1 for first, last in spans)


def front_bytes(spans: Spans) -> int:
    """The number of bytes from byte 0 on without a hole.

    >>> front_bytes(((0, 2), (4, 7))), front_bytes(((1, 2),))
    (3, 0)
    """
    return spans[0][1] + 1 if spans and spans[0][0] == 0 else 0


def behind(spans: Spans, front: int) -> Spans:
    """The spans that begin after the first `front` bytes, without touching them.

    >>> behind(((0, 2), (4, 7)), 3)
    ((4, 7),)
    """
    return tuple((first, last) for first, last in spans if first > front)


def gaps(spans: Spans, size_bytes: int) -> Spans:
    """The spans that are missing in a file of `size_bytes`.

    >>> gaps(((0, 2), (4, 7)), 10)
    ((3, 3), (8, 9))
    """
    missing, at = [], 0
    for first, last in (*spans, (size_bytes, size_bytes)):
        if first > at:
            missing.append((at, first - 1))
        at = last + 1
    return tuple(missing)
