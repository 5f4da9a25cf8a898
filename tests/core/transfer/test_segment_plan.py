"""The plan of segments, as tables of spans."""

from itertools import pairwise

import pytest
from returns.pipeline import is_successful

from dlmachine.core.http.byte_ranges import Spans, behind, count_bytes, front_bytes, gaps, merged
from dlmachine.core.spec.options import parse_policy
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import find_policy_fault
from dlmachine.core.transfer.segment_plan import (
    FIRST_BYTES,
    MAX_AUTO,
    MAX_BYTES,
    MIN_BYTES,
    choose_connections,
    first_span,
    split,
)

MIB = 1 << 20


@pytest.mark.parametrize(
    ('spans', 'whole'),
    [
        ((), ()),
        (((0, 3),), ((0, 3),)),
        (((4, 7), (0, 3)), ((0, 7),)),
        (((0, 3), (5, 7)), ((0, 3), (5, 7))),
        (((0, 9), (2, 3), (8, 12)), ((0, 12),)),
    ],
    ids=['none', 'one', 'touching', 'apart', 'inside and over'],
)
def test_spans_in_a_row(spans: Spans, whole: Spans) -> None:
    """They are sorted; those that touch are joined."""
    assert merged(spans) == whole


@pytest.mark.parametrize(
    ('spans', 'front', 'rest', 'missing'),
    [
        ((), 0, (), ((0, 9),)),
        (((0, 9),), 10, (), ()),
        (((0, 3),), 4, (), ((4, 9),)),
        (((2, 3), (6, 9)), 0, ((2, 3), (6, 9)), ((0, 1), (4, 5))),
        (((0, 1), (4, 5)), 2, ((4, 5),), ((2, 3), (6, 9))),
    ],
    ids=['nothing', 'all', 'a beginning', 'no beginning', 'holes'],
)
def test_what_is_there_and_what_is_missing(
    spans: Spans, front: int, rest: Spans, missing: Spans
) -> None:
    """In ten bytes: those before the first hole, those after it, and the holes."""
    assert front_bytes(spans) == front
    assert behind(spans, front) == rest
    assert gaps(spans, 10) == missing
    assert count_bytes(spans) + count_bytes(missing) == 10


@pytest.mark.parametrize(
    ('front', 'held', 'asked'),
    [
        (0, (), (0, FIRST_BYTES - 1)),
        (100, (), (100, 100 + FIRST_BYTES - 1)),
        (100, ((200, 300),), (100, 199)),
        (0, ((FIRST_BYTES, FIRST_BYTES),), (0, FIRST_BYTES - 1)),
        (0, ((9 * MIB, 10 * MIB),), (0, FIRST_BYTES - 1)),
    ],
)
def test_the_first_range_is_small(front: int, held: Spans, asked: tuple[int, int]) -> None:
    """It begins after the first bytes, and ends before the next held span."""
    assert first_span(front, held) == asked


@pytest.mark.parametrize(
    ('missing', 'connections', 'number'),
    [
        (((0, 64 * MIB - 1),), 16, 32),
        (((0, 64 * MIB - 1),), 1, 2),
        (((0, 3 * MIB - 1),), 16, 3),
        (((0, MIB - 2),), 16, 1),
        (((0, 0),), 16, 1),
        (((0, 9), (20, 29), (40, 40)), 2, 3),
        (((0, 1024 * MIB - 1),), 2, 16),
        (((0, 5 * MIB), (9 * MIB, 14 * MIB)), 4, 8),
    ],
    ids=['even', 'one connection', 'few MiB', 'under a MiB', 'a byte', 'crumbs', 'large', 'holes'],
)
def test_what_is_missing_is_split(missing: Spans, connections: int, number: int) -> None:
    """The segments cover exactly the missing bytes, in order, of 1 MiB or more if possible."""
    found = split(missing, connections)
    assert len(found) == number
    assert merged(found) == missing
    assert all(before[1] < after[0] for before, after in pairwise(found))
    for first, last in found:
        size = last - first + 1
        assert size <= MAX_BYTES + MIN_BYTES
        assert size >= MIN_BYTES - 1 or (first, last) in missing


@pytest.mark.parametrize(
    ('wanted', 'size', 'number'),
    [(16, 1, 16), (2, 10**12, 2), (0, 1, 1), (0, 9 * MIB, 2), (0, 10**12, MAX_AUTO)],
)
def test_how_many_connections(wanted: int, size: int, number: int) -> None:
    """The explicit number, or with auto one that depends on the size, at most eight."""
    assert choose_connections(wanted, size) == number


@pytest.mark.parametrize(
    ('given', 'segments'), [('auto', 0), (' AUTO ', 0), (8, 8), ('64', 64), (1, 1)]
)
def test_segments_are_read(given: object, segments: int) -> None:
    """A number from 1 on, or auto."""
    assert parse_policy({'segments': given}).unwrap().segments == segments


@pytest.mark.parametrize('given', [0, '0', -1, 65, 'many', None, 2.5, True])
def test_bad_segments_are_refused(given: object) -> None:
    """Other values are faults that name the option."""
    read = parse_policy({'segments': given})
    assert not is_successful(read)
    assert read.failure().where == 'segments'  # type: ignore[union-attr]


def test_a_policy_without_a_number_is_refused() -> None:
    """The number is also checked in a Policy made without `parse_policy`."""
    fault = find_policy_fault(Policy(segments='16'))  # type: ignore[arg-type]
    assert fault is not None
    assert fault.code == 'invalid_input'
