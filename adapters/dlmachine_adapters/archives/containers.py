"""Lists the members of ZIP and tar archives, and opens one without unpacking the others."""

import io
import os
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from posixpath import dirname, join, normpath
from typing import IO, Final

from dlmachine.core.archives.member import Member, MemberKind
from dlmachine.core.archives.member_path import plain_name
from dlmachine.core.archives.packing import Packing
from dlmachine.core.faults import MemberUnknown, PasswordRefused
from dlmachine.core.frozen import replace
from dlmachine_adapters.archives.packed_errors import PackedFileError
from dlmachine_adapters.archives.tar_members import TarMembers
from dlmachine_adapters.archives.zip_members import open_zip_member

#: The number of links that are followed one after the other.
_MAX_LINKS: Final = 10
#: The longest target of a link in a ZIP archive, where it is the content.
_MAX_LINK_BYTES: Final = 4_096


class Container(ABC):
    """An open archive."""

    @abstractmethod
    def members(self) -> Iterator[Member]:
        """Its members, in its order."""

    @abstractmethod
    def walk(self) -> Iterator[tuple[Member, IO[bytes] | None]]:
        """Its members, each file open until the next is requested."""

    @abstractmethod
    def open(self, name: str) -> IO[bytes] | None:
        """Open the first file of this name; None if there is none."""


def open_container(
    packing: Packing, file: IO[bytes], path: str, stack: ExitStack, password: bytes | None
) -> Container:
    """Read an archive; `path` names it in faults."""
    if packing is Packing.ZIP:
        return _Zip(stack.enter_context(zipfile.ZipFile(file)), path, stack, password)
    return _Tar(file, path, stack)


class _Zip(Container):
    def __init__(
        self, archive: zipfile.ZipFile, path: str, stack: ExitStack, password: bytes | None
    ) -> None:
        self._archive, self._path, self._stack = archive, path, stack
        self._password = password

    def members(self) -> Iterator[Member]:
        yield from map(_zip_member, self._archive.infolist())

    def walk(self) -> Iterator[tuple[Member, IO[bytes] | None]]:
        for info in self._archive.infolist():
            member = _zip_member(info)
            if member.kind is MemberKind.FOLDER:
                yield member, None
                continue
            with self._open(info) as file:
                if member.kind is MemberKind.SYMBOLIC_LINK:
                    link = file.read(_MAX_LINK_BYTES).decode('utf-8', 'surrogateescape')
                    yield replace(member, link=link), None
                else:
                    yield member, file

    def open(self, name: str) -> IO[bytes] | None:
        for info in self._archive.infolist():
            if plain_name(info.filename) == name:
                break
        else:
            return None
        if _zip_kind(info) is MemberKind.FOLDER:
            raise _not_a_file(self._path, name, 'a folder')
        return self._stack.enter_context(self._open(info))

    def _open(self, info: zipfile.ZipInfo) -> IO[bytes]:
        name = plain_name(info.filename)
        if info.flag_bits & _ENCRYPTED and self._password is None:
            raise self._refused(name, is_given=False)
        try:
            return open_zip_member(self._archive, info, self._password)
        except NotImplementedError:
            raise
        except RuntimeError:
            raise self._refused(name, is_given=True) from None

    def _refused(self, name: str, *, is_given: bool) -> PackedFileError:
        return PackedFileError(PasswordRefused(path=self._path, member=name, is_given=is_given))


_ENCRYPTED: Final = 1
_S_IFMT, _S_IFLNK = 0o170000, 0o120000


def _zip_member(info: zipfile.ZipInfo) -> Member:
    return Member(
        name=info.filename,
        kind=_zip_kind(info),
        size_bytes=info.file_size,
        packed_bytes=info.compress_size,
        mode=info.external_attr >> 16 & 0o7777 or None,
        modified_at=_zip_time(info.date_time),
        is_encrypted=bool(info.flag_bits & _ENCRYPTED),
    )


def _zip_kind(info: zipfile.ZipInfo) -> MemberKind:
    if info.is_dir():
        return MemberKind.FOLDER
    if info.external_attr >> 16 & _S_IFMT == _S_IFLNK:
        return MemberKind.SYMBOLIC_LINK
    return MemberKind.FILE


def _zip_time(date_time: tuple[int, int, int, int, int, int]) -> datetime | None:
    try:
        return datetime(*date_time, tzinfo=UTC)
    except ValueError:
        return None


class _Tar(Container):
    """Each pass reads the archive from its beginning, and keeps no member in memory."""

    def __init__(self, file: IO[bytes], path: str, stack: ExitStack) -> None:
        self._file, self._path, self._stack = file, path, stack

    def members(self) -> Iterator[Member]:
        for _, info in self._pass():
            yield _tar_member(info)

    def walk(self) -> Iterator[tuple[Member, IO[bytes] | None]]:
        for archive, info in self._pass():
            yield _tar_member(info), self._content(archive, info) if info.isreg() else None

    def _content(self, archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes] | None:
        raw = self._file.raw if isinstance(self._file, io.BufferedReader) else None
        if isinstance(raw, io.FileIO) and not info.issparse() and hasattr(os, 'preadv'):
            return _Span(raw.fileno(), info.offset_data, info.size)  # type: ignore[return-value]
        return archive.extractfile(info)

    def open(self, name: str) -> IO[bytes] | None:
        for _ in range(_MAX_LINKS):
            found = self._find(name)
            if found is None:
                return None
            archive, info = found
            if info.issym():
                name = normpath(join(dirname(name), info.linkname))
            elif info.islnk():
                name = plain_name(info.linkname)
            elif info.isreg():
                opened = archive.extractfile(info)
                assert opened is not None  # noqa: S101 -- it is a file
                return self._stack.enter_context(opened)
            else:
                raise _not_a_file(self._path, name, _tar_member(info).kind.value)
        raise _not_a_file(self._path, name, 'a link that leads to itself')

    def _find(self, name: str) -> tuple[tarfile.TarFile, tarfile.TarInfo] | None:
        for archive, info in self._pass():
            if plain_name(info.name) == name:
                return archive, info
        return None

    def _pass(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        self._file.seek(0)
        members = TarMembers(self._file)
        archive = self._stack.enter_context(members.archive)
        while (info := members.next()) is not None:
            yield archive, info
        # tarfile takes a damaged header for the end of the archive.
        self._file.seek(archive.offset)
        end = self._file.read(tarfile.BLOCKSIZE)
        if not end:  # An archive ends with a block of zeros.
            raise EOFError
        if end.strip(tarfile.NUL):
            raise tarfile.ReadError('a header cannot be read')


class _Span(io.RawIOBase):
    """A part of a file, read where it is: in half the time that tarfile takes."""

    def __init__(self, handle: int, start: int, size_bytes: int) -> None:
        self._handle, self._at, self._end = handle, start, start + size_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: 'bytearray | memoryview') -> int:  # type: ignore[override]
        wanted = min(len(buffer), self._end - self._at)
        if not wanted:
            return 0
        count = os.preadv(self._handle, [memoryview(buffer)[:wanted]], self._at)
        if not count:
            raise EOFError
        self._at += count
        return count


_TAR_KINDS: Final = {
    tarfile.SYMTYPE: MemberKind.SYMBOLIC_LINK,
    tarfile.LNKTYPE: MemberKind.HARD_LINK,
    tarfile.DIRTYPE: MemberKind.FOLDER,
}


def _tar_member(info: tarfile.TarInfo) -> Member:
    try:
        modified_at = datetime.fromtimestamp(info.mtime, UTC)
    except (ValueError, OverflowError, OSError):
        modified_at = None
    other = MemberKind.FILE if info.isreg() else MemberKind.SPECIAL
    return Member(
        name=info.name,
        kind=_TAR_KINDS.get(info.type, other),
        size_bytes=info.size,
        mode=info.mode & 0o7777,
        modified_at=modified_at,
        link=info.linkname if info.issym() or info.islnk() else '',
    )


def _not_a_file(path: str, name: str, kind: str) -> PackedFileError:
    problem = f"has no file '{name}': it is {kind}"
    return PackedFileError(MemberUnknown(path=path, member=name, problem=problem))
