"""Archives of entries: tar files that are written and read as streams.

Contract: an archive is never extracted to names of its own. Bytes are compared with the digest of
their record while they are read. Raises: ArchiveProblem, OSError.
"""

import os
import tarfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from io import BytesIO
from typing import IO, BinaryIO, Final

from dlmachine.core.cache.record import MAX_RECORD_CHARS
from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.archive import (
    END_NAME,
    Archived,
    find_member_problem,
    format_archived,
    format_end,
    member_name,
    parse_archived,
    parse_end,
)
from dlmachine_adapters.archives.tar_members import TarMembers
from dlmachine_adapters.cachedir.entry_files import see_believed

_PIECE: Final = 1 << 20
_READ: Final = os.O_RDONLY | getattr(os, 'O_BINARY', 0) | getattr(os, 'O_NOFOLLOW', 0)
_MAX_TEXT: Final = 2 * MAX_RECORD_CHARS
#: What `tarfile` raises for a bad header.
_NOT_TAR: Final = (tarfile.TarError, ValueError, OverflowError, EOFError)
_PLAIN: Final = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE})


class ArchiveProblem(Exception):  # noqa: N818 -- becomes a fault
    """What is wrong with a member of an archive, or with a file that should be in it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f'{name}: {problem}')
        self.name, self.problem = name, problem


@frozen
class Content:
    """The bytes of an entry in an archive."""

    name: str
    entry: Archived
    file: IO[bytes]

    def pieces(self) -> Iterator[bytes]:
        """The bytes, piece by piece; raises at their end if they have another digest."""
        digest = sha256()
        while piece := self._read():
            digest.update(piece)
            yield piece
        if digest.hexdigest() != self.entry.record.sha256:
            raise ArchiveProblem(self.name, 'its bytes have another digest than its record')

    def _read(self) -> bytes:
        try:
            return self.file.read(_PIECE)
        except tarfile.TarError as error:
            raise ArchiveProblem(self.name, f'is not whole ({error})') from error


class _Reading:
    """Hashes a file as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


def write_archive(path: str, entries: Iterable[tuple[Archived, str]]) -> list[Archived]:
    """Write entries, each with the path of its file; return those whose file is there."""
    done: list[Archived] = []
    with tarfile.open(path, 'w', format=tarfile.GNU_FORMAT) as archive:
        for entry, source in entries:
            if see_believed(source) is None:
                continue
            try:
                handle = os.open(source, _READ)
            except FileNotFoundError:
                continue
            with open(handle, 'rb') as file:
                _add_text(archive, member_name(len(done), 'json'), format_archived(entry))
                info = tarfile.TarInfo(member_name(len(done), 'data'))
                info.size = entry.record.size_bytes
                if os.fstat(handle).st_size != info.size:
                    raise ArchiveProblem(source, 'has another size than its record')
                reading = _Reading(file)
                archive.addfile(info, reading)
                if reading.digest.hexdigest() != entry.record.sha256:
                    raise ArchiveProblem(source, 'has another digest than its record')
            done.append(entry)
            _forget(archive)
        _add_text(archive, END_NAME, format_end(len(done)))
    return done


def read_archive(file: BinaryIO) -> Iterator[Content]:
    """The entries of an archive, each to be read before the next."""
    try:
        yield from _contents(TarMembers(file, seekable=False))
    except _NOT_TAR as error:
        raise ArchiveProblem('', f'is not a whole tar file ({error})') from error


def _contents(members: TarMembers) -> Iterator[Content]:
    count = 0
    while True:
        about, file = _next(members)
        if about.name == END_NAME:
            if parse_end(_text(about, file)) != count:
                raise ArchiveProblem(END_NAME, f'does not tell {count} entries, which were there')
            return
        entry = parse_archived(_text(about, file)) if about.name.endswith('.json') else None
        if entry is None:
            raise ArchiveProblem(about.name, 'is not the record of an entry')
        data, content = _next(members)
        if data.name != f'{about.name.removesuffix("json")}data':
            raise ArchiveProblem(data.name, f'does not belong to {about.name}')
        if data.size != entry.record.size_bytes:
            problem = f'has {data.size} bytes; its record says {entry.record.size_bytes}'
            raise ArchiveProblem(data.name, problem)
        yield Content(name=data.name, entry=entry, file=content)
        count += 1


def _next(members: TarMembers) -> tuple[tarfile.TarInfo, IO[bytes]]:
    member = members.next()
    if member is None:
        raise ArchiveProblem('', 'ends too early')
    is_plain = member.type in _PLAIN and not member.sparse
    problem = find_member_problem(member.name, is_plain=is_plain)
    file = None if problem else members.archive.extractfile(member)
    if file is None:
        raise ArchiveProblem(member.name, problem)
    return member, file


def _forget(archive: tarfile.TarFile) -> None:
    # Otherwise memory would grow with each member.
    vars(archive)['members'] = []


def _text(member: tarfile.TarInfo, file: IO[bytes]) -> str:
    if member.size > _MAX_TEXT:
        raise ArchiveProblem(
            member.name, f'has {member.size} bytes, which is too much for a record'
        )
    return file.read().decode(errors='replace')


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, BytesIO(data))
