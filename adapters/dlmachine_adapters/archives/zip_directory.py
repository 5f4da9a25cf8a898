"""Counts the members of a ZIP archive by its central directory, before Python reads it.

`zipfile` keeps some 500 bytes for each member. The format is that of PKWARE's APPNOTE, sections
4.3.12 to 4.3.16; the end of the directory is found as `zipfile` finds it.
"""

import struct
from typing import IO, Final

#: The record at the end of an archive (4.3.16): the size of the directory is its sixth number.
_END: Final = struct.Struct('<4s4H2LH')
_END_SIGNATURE: Final = b'PK\x05\x06'
_MAX_COMMENT_BYTES: Final = 1 << 16
#: The locator (4.3.15), and the beginning of the record of ZIP64 (4.3.14) before it.
_LOCATOR: Final = struct.Struct('<4sLQL')
_LOCATOR_SIGNATURE: Final = b'PK\x06\x07'
_END_64: Final = struct.Struct('<4sQ2H2L4Q')
_END_64_SIGNATURE: Final = b'PK\x06\x06'
#: The beginning of a member in the directory (4.3.12), up to the lengths of its three texts.
_MEMBER: Final = struct.Struct('<4s24x3H12x')
_READ_BYTES: Final = 1 << 18


def count_members(file: IO[bytes], most: int) -> int:
    """The number of members, if it may be more than `most`; otherwise 0, and little is read.

    Raises: OSError.
    """
    start, size = _find_directory(file)
    if size // _MEMBER.size <= most:
        return 0
    file.seek(start)
    count, at, held = 0, 0, b''
    while size > 0:
        if len(held) - at < _MEMBER.size:
            piece = file.read(_READ_BYTES)
            if not piece:
                break
            held, at = held[at:] + piece, max(at - len(held), 0)
            continue
        _, name, extra, comment = _MEMBER.unpack_from(held, at)
        length = _MEMBER.size + name + extra + comment
        count, at, size = count + 1, at + length, size - length
    return count


def _find_directory(file: IO[bytes]) -> tuple[int, int]:
    """Where the directory is, and its size; nothing if there is none."""
    end = file.seek(0, 2)
    file.seek(max(end - _END.size - _MAX_COMMENT_BYTES, 0))
    first = file.tell()
    tail = file.read()
    at = len(tail) - _END.size
    if at < 0 or tail[at : at + 4] != _END_SIGNATURE or tail[-2:] != b'\x00\x00':
        at = tail.rfind(_END_SIGNATURE)
    if not 0 <= at <= len(tail) - _END.size:
        return 0, 0
    size, place = _END.unpack_from(tail, at)[5], first + at
    locator = at - _LOCATOR.size
    if locator >= 0 and tail[locator : locator + 4] == _LOCATOR_SIGNATURE:
        record = locator - _END_64.size
        if record >= 0 and tail[record : record + 4] == _END_64_SIGNATURE:
            size, place = _END_64.unpack_from(tail, record)[8], first + record
    return max(place - size, 0), min(size, place)
