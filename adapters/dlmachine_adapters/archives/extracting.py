"""Extracts the members of an archive into a new folder.

Contract: nothing is written outside the folder, and nothing through a link, because links are made
last. A folder that is not complete is removed by the caller.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from hashlib import sha256
from typing import IO, BinaryIO, Final

from returns.pipeline import is_successful

from dlmachine.core.archives.extraction import Place, Placing
from dlmachine.core.archives.extraction_record import ExtractedFile
from dlmachine.core.archives.member import Member, MemberKind
from dlmachine.core.archives.member_path import nearest_names, plain_name
from dlmachine.core.faults import ArchiveRefused, MemberUnknown
from dlmachine.core.frozen import replace
from dlmachine.core.spec.reuse import ExtractArchive
from dlmachine_adapters.archives.opening import PackedFile
from dlmachine_adapters.archives.packed_errors import PackedFileError, packed_errors
from dlmachine_adapters.files.os_errors import storage_fault

#: Few enough to stay in the cache of the processor.
_PIECE_BYTES: Final = 256 * 1024
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, 'O_BINARY', 0)


class Extraction:
    """The extraction of one archive: its limits, and what has been written so far."""

    def __init__(self, file: BinaryIO, effect: ExtractArchive, check: Callable[[], None]) -> None:
        self._file, self._path, self._name = file, effect.archive, effect.name
        self._placing, self._limits = Placing(effect.wanted.selection), effect.wanted.limits
        self._check = check
        self._archive_bytes = os.fstat(file.fileno()).st_size
        self._members, self._bytes = 0, 0
        self._written: dict[str, ExtractedFile] = {}
        self._links: list[Place] = []
        self._made: set[str] = set()
        self._buffer = memoryview(bytearray(_PIECE_BYTES))

    def run(self, folder: str, password: bytes | None) -> tuple[ExtractedFile, ...]:
        """Extract into an existing, empty folder.  Raises: PackedFileError."""
        with ExitStack() as stack, packed_errors(self._path):
            opened, most = self._open(stack), self._limits.max_members
            for member, file in opened.walk(password, most, self._check_limits):
                self._put(folder, member, file)
            for place in self._links:
                self._link(folder, place)
            for wanted in self._placing.unmatched:
                names = (plain_name(one.name) for one in self._open(stack).members((), None))
                nearest = nearest_names(wanted, names)
                fault = MemberUnknown(path=self._path, member=wanted, nearest=nearest)
                raise PackedFileError(fault)
        return tuple(self._written.values())

    def _open(self, stack: ExitStack) -> PackedFile:
        self._file.seek(0)
        return PackedFile(self._file, self._path, self._name, stack)

    def _put(self, folder: str, member: Member, file: IO[bytes] | None) -> None:
        self._check()
        self._members += 1
        placed = self._placing.place(member)
        self._check_limits()
        if not is_successful(placed):
            problem = f'is not safe to extract: {placed.failure()}'
            raise self._refused(problem, 'Nothing was extracted')
        place = placed.unwrap()
        if place is None:
            return
        target = f'{folder}/{place.path}'
        if place.kind is MemberKind.FOLDER:
            self._make_folder(target)
            return
        self._make_folder(os.path.dirname(target))
        if file is None:
            self._links.append(place)
            return
        self._written[place.path] = self._write(target, place, file, member.modified_at)

    def _make_folder(self, path: str) -> None:
        if path not in self._made:
            os.makedirs(path, exist_ok=True)
            self._made.add(path)

    def _write(
        self, target: str, place: Place, file: IO[bytes], modified_at: datetime | None
    ) -> ExtractedFile:
        digest, size_bytes, view = sha256(), 0, self._buffer
        read: Callable[[memoryview], int] = file.readinto  # type: ignore[attr-defined]
        handle = os.open(target, _NEW, place.mode)
        try:
            while count := read(view):
                piece = view[:count]
                size_bytes += count
                self._bytes += count
                self._check()
                self._check_limits()
                digest.update(piece)
                with _write_errors(target):
                    while piece:  # A disk that is nearly full takes a part of it.
                        piece = piece[os.write(handle, piece) :]
            if modified_at is not None:
                _set_time(target if os.utime not in os.supports_fd else handle, modified_at)
            mtime_ns = os.fstat(handle).st_mtime_ns
        finally:
            os.close(handle)
        return ExtractedFile(
            path=place.path, size_bytes=size_bytes, sha256=digest.hexdigest(), mtime_ns=mtime_ns
        )

    def _link(self, folder: str, place: Place) -> None:
        target = f'{folder}/{place.path}'
        if place.kind is MemberKind.SYMBOLIC_LINK:
            os.symlink(place.link, target)
            self._written[place.path] = ExtractedFile(path=place.path, link=place.link)
            return
        os.link(f'{folder}/{place.link}', target)
        self._written[place.path] = replace(self._written[place.link], path=place.path)

    def _check_limits(self, known: int = 0) -> None:
        count = max(self._members, self._placing.count, known)
        excess = self._limits.find_excess(count, self._bytes, self._archive_bytes)
        if excess is not None:
            problem, option = excess
            raise self._refused(problem, f'If that is right, raise {option}=')

    def _refused(self, problem: str, advice: str) -> PackedFileError:
        return PackedFileError(ArchiveRefused(path=self._path, problem=problem, advice=advice))


@contextmanager
def _write_errors(path: str) -> Iterator[None]:
    """Raise the errors of a file that is written, which are not those of the archive."""
    try:
        yield
    except OSError as error:
        raise PackedFileError(storage_fault(error, 'extract', path)) from None


def _set_time(path: str | int, modified_at: datetime) -> None:
    try:
        seconds = modified_at.timestamp()
        os.utime(path, (seconds, seconds))
    except (OSError, OverflowError, ValueError):
        return  # A file without its modification time is still complete.
