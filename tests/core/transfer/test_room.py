"""Checks of the disk space for an announced body."""

import pytest

from dlmachine.core.faults import StorageFailed
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.transfer.room import find_room_fault, missing_bytes, needed_bytes


@pytest.mark.parametrize(
    ('taking', 'needed'),
    [
        (StoreBody(), None),
        (StoreBody(wire_bytes=0), 0),
        (StoreBody(wire_bytes=7, offset=100), 7),
        (StoreBody(wire_bytes=None, decoder='gzip'), None),
        (StoreBody(wire_bytes=20, decoder='gzip'), 0),
        (StoreBody(wire_bytes=100_000, decoder='gzip'), 99_836),
        (StoreBody(wire_bytes=1_500, decoder='gzip'), 1_435),
        (StoreBody(wire_bytes=3, whole_bytes=10), 10),
        (StoreBody(wire_bytes=3, whole_bytes=10, offset=4), 6),
        (StoreBody(wire_bytes=3, whole_bytes=10, offset=4, held=((6, 9),)), 2),
    ],
)
def test_disk_space_that_a_body_needs(taking: StoreBody, needed: int | None) -> None:
    """A range needs the missing bytes of the file; a coding may add a little."""
    assert needed_bytes(taking) == needed


def test_missing_bytes_are_counted() -> None:
    """All bytes but the held ones are missing."""
    assert missing_bytes(10, ()) == 10
    assert missing_bytes(10, ((0, 9),)) == 0


@pytest.mark.parametrize(
    ('needed', 'free', 'shown'),
    [
        (1, 0, '(needs 1 B, 0 B free)'),
        (1000, 999, '(needs 1.0 kB, 999 B free)'),
        (999_950, 999_949, '(needs 1.0 MB, 999.9 kB free)'),
        (3 << 40, 2 << 30, '(needs 3.3 TB, 2.1 GB free)'),
        (5 << 50, 0, '(needs 5.6 PB, 0 B free)'),
        ((1 << 63) - 1, 0, '(needs 9.2 EB, 0 B free)'),
    ],
)
def test_the_fault_names_both_sizes(needed: int, free: int, shown: str) -> None:
    """In readable units, with the system's error number for a full disk."""
    fault = find_room_fault(needed, free, '/d/.dlmachine/x.part')
    assert isinstance(fault, StorageFailed)
    assert fault.problem == f'disk full {shown}'
    assert (fault.operation, fault.errno) == ('write', 28)
    assert 'Free some space' in str(fault)


@pytest.mark.parametrize(('needed', 'free'), [(5, 5), (None, 0), (5, None), (0, 0), (None, None)])
def test_a_body_that_fits_or_has_no_size_is_accepted(needed: int | None, free: int | None) -> None:
    """The disk itself may still report that it is full."""
    assert find_room_fault(needed, free, 'x') is None
