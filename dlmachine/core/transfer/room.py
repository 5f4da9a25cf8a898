"""Disk space: whether the announced body fits, before its first byte is written.

Pure. Quotas and compressing file systems are not taken into account.
"""

import errno

from dlmachine.core.faults import Fault, StorageFailed
from dlmachine.core.http.byte_ranges import Spans, count_bytes
from dlmachine.core.protocol.body_decision import StoreBody

#: A coding makes incompressible data larger by at most this fraction (1/n), besides its header.
_CODING_SHARE = 1000
_CODING_HEAD = 64


def needed_bytes(taking: StoreBody) -> int | None:
    """The disk space that a body needs, besides the bytes kept; None if not known.

    >>> needed_bytes(StoreBody(wire_bytes=10)), needed_bytes(StoreBody())
    (10, None)
    >>> needed_bytes(StoreBody(offset=2, whole_bytes=10, wire_bytes=3, held=((4, 5),)))
    6
    """
    if taking.whole_bytes is not None:
        return missing_bytes(taking.whole_bytes, ((0, taking.offset - 1), *taking.held))
    if taking.wire_bytes is None or taking.decoder is None:
        return taking.wire_bytes
    return max(taking.wire_bytes - taking.wire_bytes // _CODING_SHARE - _CODING_HEAD, 0)


def missing_bytes(whole_bytes: int, held: Spans) -> int:
    """The number of bytes of the file that are still missing.

    >>> missing_bytes(10, ((0, 3), (6, 7)))
    4
    """
    return whole_bytes - count_bytes(held)


def find_room_fault(needed: int | None, free: int | None, path: str) -> Fault | None:
    """Return a fault if more space is needed than is free.

    >>> print(find_room_fault(6_000_000, 2_000_000, 'x').what())
    cannot write x: disk full (needs 6.0 MB, 2.0 MB free)
    >>> find_room_fault(5, 5, 'x'), find_room_fault(5, None, 'x'), find_room_fault(None, 5, 'x')
    (None, None, None)
    """
    if needed is None or free is None or needed <= free:
        return None
    problem = f'disk full (needs {_shown(needed)}, {_shown(free)} free)'
    return StorageFailed(path=path, operation='write', problem=problem, errno=errno.ENOSPC)


def _shown(count: int) -> str:
    # Two different sizes must not look the same.
    if count < 1000:
        return f'{count} B'
    size, units = float(count), iter(('kB', 'MB', 'GB', 'TB', 'PB', 'EB'))
    while size >= 999.95:
        size, unit = size / 1000, next(units)
    return f'{size:.1f} {unit}'
