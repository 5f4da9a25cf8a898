"""Opens a file, a compressed file or a member of an archive as one stream of its bytes."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import IO, BinaryIO, Final

from dlmachine.core.archives.member import Member, MemberKind
from dlmachine.core.archives.member_path import NESTED, nearest_names, plain_name
from dlmachine.core.archives.packing import (
    START_BYTES,
    Packing,
    find_packing,
    is_archive_name,
    name_of_content,
    packing_of_name,
)
from dlmachine.core.faults import Fault, MemberNotNamed, MemberUnknown
from dlmachine_adapters.archives.compressed import decompress
from dlmachine_adapters.archives.containers import Container, open_container
from dlmachine_adapters.archives.packed_errors import PackedFileError, packed_errors
from dlmachine_adapters.archives.zip_directory import count_members

#: Readers are asked for this many bytes at a time: fewer steps in Python.
_BUFFER_BYTES: Final = 128 * 1024
_NAMES_SHOWN: Final = 5

Raise = Callable[[Fault], BaseException]


class PackedFile:
    """A file that may be packed, on its way to the bytes that are wanted.

    Everything that is opened is closed by `stack`. `path` names the file in faults.
    """

    def __init__(self, file: IO[bytes], path: str, name: str, stack: ExitStack) -> None:
        #: The innermost file that is open so far, and its place.
        self.file, self.path = file, path
        self._name, self._stack = name, stack

    def open(self, members: tuple[str, ...], password: bytes | None) -> IO[bytes]:
        """The bytes of the file, unpacked, or those of the last of `members`.

        Each member lies in the one before it. Without members, the archive has to have one file.

        Raises: PackedFileError.
        """
        with packed_errors(self.path):
            for member in members:
                self._enter(self._container(password, member), member)
            packing = self._decompressed()
            if not members and packing is not None and is_archive_name(self._name):
                container = self._container(password, '', packing)
                self._enter(container, self._only_file(container))
                self._decompressed()
        return self.file

    def members(self, within: tuple[str, ...], password: bytes | None) -> Iterator[Member]:
        """The members of the archive, or of the last one of `within`.

        Raises: PackedFileError.
        """
        with packed_errors(self.path):
            for member in within:
                self._enter(self._container(password, member), member)
            yield from self._container(password, '').members()

    def walk(
        self,
        password: bytes | None,
        most: int = sys.maxsize,
        check_count: Callable[[int], None] = lambda _: None,
    ) -> Iterator[tuple[Member, IO[bytes] | None]]:
        """The members, each file open until the next is requested.

        If a ZIP archive may have more than `most`, `check_count` gets their number at first. A
        compressed file that is not an archive has one member.

        Raises: PackedFileError for a file that is not packed, and errors of the libraries.
        """
        opened = self.file
        packing = self._decompressed()
        if packing is Packing.ZIP:
            check_count(count_members(self.file, most))
        if packing is not None and packing.is_archive:
            yield from self._container(password, '', packing).walk()
        elif self.file is opened:
            raise PackedFileError(_not_packed(self.path, ''))
        else:
            name = self._name.rpartition('/')[2]
            yield Member(name=name, kind=MemberKind.FILE, size_bytes=0), self.file

    def _decompressed(self) -> Packing | None:
        """Undo the compression, if there is one; the packing of what is in it.

        A second one is undone only if the name says so, because a file can unpack to itself.
        """
        packing = self._packing()
        while packing is not None and not packing.is_archive:
            content = name_of_content(self._name)
            self.file = self._stack.enter_context(decompress(packing, self.file, self.path))
            is_expected = packing_of_name(content) is not None
            self._name = content
            found = self._packing()
            packing = found if is_expected or found is Packing.TAR else None
        return packing

    def _packing(self) -> Packing | None:
        self.file.seek(0)
        start = self.file.read(START_BYTES)
        self.file.seek(0)
        packing = find_packing(self._name, start)
        if packing is Packing.GZIP and not start:  # Python takes it for an empty file.
            raise EOFError
        return packing

    def _container(
        self, password: bytes | None, member: str, packing: Packing | None = None
    ) -> Container:
        packing = packing or self._decompressed()
        if packing is None or not packing.is_archive:
            raise PackedFileError(_not_packed(self.path, member))
        return open_container(packing, self.file, self.path, self._stack, password)

    def _enter(self, container: Container, member: str) -> None:
        opened = container.open(member)
        if opened is None:
            names = (plain_name(one.name) for one in container.members())
            nearest = nearest_names(member, names)
            raise PackedFileError(MemberUnknown(path=self.path, member=member, nearest=nearest))
        self.file = opened
        self.path = f'{self.path}{NESTED}{member}'
        self._name = member.rpartition('/')[2]

    def _only_file(self, container: Container) -> str:
        files = (plain_name(one.name) for one in container.members() if one.kind is MemberKind.FILE)
        names = tuple(islice(files, _NAMES_SHOWN + 1))
        if len(names) != 1:
            shown, has_more = names[:_NAMES_SHOWN], len(names) > _NAMES_SHOWN
            raise PackedFileError(MemberNotNamed(path=self.path, members=shown, has_more=has_more))
        return names[0]


def _not_packed(path: str, member: str) -> MemberUnknown:
    advice = 'Leave out member=' if member else 'Use the file itself'
    return MemberUnknown(path=path, member=member, problem='is not an archive', advice=advice)


class _Stream(io.RawIOBase):
    """The bytes of an opened file, whose errors are exceptions of the caller's kind."""

    def __init__(self, file: IO[bytes], path: str, stack: ExitStack, error_for: Raise) -> None:
        self._file, self._stack, self._error_for = file, stack, error_for
        self.name = path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def readinto(self, buffer: 'bytearray | memoryview') -> int:  # type: ignore[override]
        return self._call(self._file.readinto, buffer)  # type: ignore[attr-defined]

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._call(self._file.seek, offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._stack.close()

    def _call(self, method: Callable[..., int], *arguments: object) -> int:
        try:
            with packed_errors(self.name):
                return method(*arguments)
        except PackedFileError as error:
            raise self._error_for(error.fault) from None


def open_packed(
    source: str | BinaryIO,
    name: str,
    members: tuple[str, ...],
    password: bytes | None,
    error_for: Raise,
) -> io.BufferedReader:
    """Open a file, or what is packed in it, for reading bytes.

    `name` is the name that tells how it is packed if its bytes do not. Errors, also those while it
    is read, are `error_for` of their fault. A `source` that is a file stays open.
    """
    with ExitStack() as stack, _errors_as(error_for):
        packed = _packed(source, name, stack)
        plain = packed.file
        opened = packed.open(members, password)
        if opened is plain and isinstance(source, str) and isinstance(plain, io.BufferedReader):
            stack.pop_all()
            return plain
        stream = _Stream(opened, packed.path, stack.pop_all(), error_for)
        return io.BufferedReader(stream, _BUFFER_BYTES)


def list_members(
    source: str | BinaryIO, name: str, within: tuple[str, ...], error_for: Raise
) -> Iterator[Member]:
    """The members of an archive; the file is closed with the iterator."""
    with ExitStack() as stack, _errors_as(error_for):
        yield from _packed(source, name, stack).members(within, None)


@contextmanager
def _errors_as(error_for: Raise) -> Iterator[None]:
    try:
        yield
    except PackedFileError as error:
        raise error_for(error.fault) from None


def _packed(source: str | BinaryIO, name: str, stack: ExitStack) -> PackedFile:
    if not isinstance(source, str):
        return PackedFile(source, name, name, stack)
    with packed_errors(source):
        return PackedFile(stack.enter_context(open(source, 'rb')), source, name, stack)
