"""Room on the disk: whether what a response announces fits, before its first byte is written.

Pure. Of a quota nothing is known, nor of what a file system compresses.
"""

import errno

from dlmachine.core.answer import TakeBody
from dlmachine.core.faults import Fault, StorageFailed
from dlmachine.core.segments import Spans, count_bytes

#: What a coding adds at most where nothing can be compressed: a thousandth, and its head.
_CODING_SHARE = 1000
_CODING_HEAD = 64


def needed_bytes(taking: TakeBody) -> int | None:
    """How many bytes a body will take on the disk, besides what it keeps; None: not known.

    >>> needed_bytes(TakeBody(wire_bytes=10)), needed_bytes(TakeBody())
    (10, None)
    >>> needed_bytes(TakeBody(offset=2, whole_bytes=10, wire_bytes=3, held=((4, 5),)))
    6
    """
    if taking.whole_bytes is not None:
        return missing_bytes(taking.whole_bytes, ((0, taking.offset - 1), *taking.held))
    if taking.wire_bytes is None or taking.decoder is None:
        return taking.wire_bytes
    return max(taking.wire_bytes - taking.wire_bytes // _CODING_SHARE - _CODING_HEAD, 0)


def missing_bytes(whole_bytes: int, held: Spans) -> int:
    """How many bytes of a whole are not there yet.

    >>> missing_bytes(10, ((0, 3), (6, 7)))
    4
    """
    return whole_bytes - count_bytes(held)


def find_room_fault(needed: int | None, free: int | None, path: str) -> Fault | None:
    """A fault if more is needed than is free.

    >>> print(find_room_fault(6_000_000, 2_000_000, 'x').what())
    cannot write x: no space left on device (needs 6.0 MB, 2.0 MB free)
    >>> find_room_fault(5, 5, 'x'), find_room_fault(5, None, 'x'), find_room_fault(None, 5, 'x')
    (None, None, None)
    """
    if needed is None or free is None or needed <= free:
        return None
    problem = f'no space left on device (needs {_shown(needed)}, {_shown(free)} free)'
    return StorageFailed(path=path, operation='write', problem=problem, errno=errno.ENOSPC)


def _shown(count: int) -> str:
    # Two sizes that differ must not look the same.
    if count < 1000:
        return f'{count} B'
    size, units = float(count), iter(('kB', 'MB', 'GB', 'TB', 'PB', 'EB'))
    while size >= 999.95:
        size, unit = size / 1000, next(units)
    return f'{size:.1f} {unit}'
