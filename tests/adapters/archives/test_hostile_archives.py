"""Archives that lie: about sizes, by chains of headers, and by what they demand of memory and time."""

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

import dlmachine as dm
from dlmachine.core.faults import Cancelled
from dlmachine.core.protocol.events import EffectFailed
from dlmachine.core.protocol.ports import PartError
from dlmachine.core.spec.reuse import Extract, ExtractArchive
from dlmachine.errors import ArchiveError
from dlmachine_adapters.archives.extract_archive import perform
from dlmachine_adapters.archives.tar_members import TarMembers
from dlmachine_adapters.fakes.clock import ManualClock
from dlmachine_adapters.fakes.locks import MemoryLocks
from tests.adapters.archives.test_opening import BYTES, put, read_whole, tarred

END = b'\0' * 1024
MANY = 1_000_000


def header(kind: bytes = b'0', size: int | bytes = 0, more: bytes = b'') -> bytes:
    """A header block with its checksum; a size in bytes is written as it is."""
    block = bytearray(512)
    fields = (b'a', b'0644', b'0', b'0', size if isinstance(size, bytes) else b'%011o' % size, b'0')
    for at, field in zip((0, 100, 108, 116, 124, 136), fields, strict=True):
        block[at : at + len(field)] = field
    block[156:157], block[257:265] = kind, b'ustar\x0000'
    block[345 : 345 + len(more)] = more
    block[148:156] = b' ' * 8
    block[148:156] = b'%06o\0 ' % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    """Data up to the next block."""
    return data + b'\0' * (-len(data) % 512)


def negative(size: int) -> bytes:
    """A size below zero, as GNU tar writes it."""
    return b'\xff' + (256**11 - size).to_bytes(11, 'big')


def extended(text: bytes, kind: bytes = b'x') -> bytes:
    """An extended header."""
    return header(kind, len(text)) + padded(text)


FIRST = header(size=5) + padded(b'first')
HOSTILE = {
    'a negative size': FIRST + header(size=negative(512)) + END,
    'a negative size by pax': FIRST + extended(b'14 size=-1536\n') + header() + END,
    'a chain of pax headers': extended(b'9 path=b\n') * 2_000 + header() + END,
    'a chain of long names': extended(b'name\0', b'L') * 2_000 + header() + END,
    'a number of many digits': extended(b'1' * 1_000_000) + header() + END,
    'a sparse file without its map': header(b'S', more=b'\0' * 137 + b'\x01'),
    'a sparse file with a cut map': (
        extended(b'22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n')
        + header(size=512) + padded(b'9999\n1\n') + END
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', HOSTILE)
def test_a_tar_archive_ends_with_an_error(name: str, tmp_path: Path) -> None:
    """Also where `tarfile` would go round in circles, or call itself without end."""
    path = put(tmp_path / 'a.tar', HOSTILE[name])

    with pytest.raises(ArchiveError, match='is damaged'):
        sum(1 for _ in islice(dm.members(path), MANY))
    with pytest.raises(ArchiveError):
        dm.extract(path, tmp_path / 'out', max_members=MANY)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('name', [name for name in HOSTILE if 'negative' not in name])
def test_a_stream_ends_with_an_error(name: str) -> None:
    """As it does in a file."""
    with pytest.raises(tarfile.TarError):
        TarMembers(io.BytesIO(HOSTILE[name]), seekable=False).next()


def test_a_stream_is_read_forwards_only() -> None:
    """The members are those of the file, and a negative size is an error."""
    data = tarred(a=b'1' * 5_000, b=b'2', c=b'')
    members = TarMembers(io.BytesIO(data), seekable=False)
    assert members.next().name == 'a'  # type: ignore[union-attr]
    second = members.next()
    assert second is not None
    assert members.archive.extractfile(second).read() == b'2'  # type: ignore[union-attr]
    assert [members.next() is None for _ in range(2)] == [False, True]

    members = TarMembers(io.BytesIO(HOSTILE['a negative size']), seekable=False)
    assert members.next() is not None
    with pytest.raises(tarfile.TarError):
        members.next()
    with pytest.raises(tarfile.TarError, match='backwards'):
        members.archive.fileobj.seek(0)


@pytest.mark.parametrize('kind', [b'x', b'g', b'L', b'K'])
def test_a_large_header_does_not_fill_the_memory(kind: bytes, tmp_path: Path) -> None:
    """However large it says that it is."""
    with gzip.open(tmp_path / 'a.tar.gz', 'wb', compresslevel=1) as file:
        file.write(header(kind, 256 << 20))
        for _ in range(256):
            file.write(bytes(1 << 20))

    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match='1048576 bytes'):
            sum(1 for _ in dm.members(tmp_path / 'a.tar.gz'))
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_attributes_and_long_names_are_read(tmp_path: Path) -> None:
    """Headers of a usual size are not refused."""
    info = tarfile.TarInfo('d/' * 60 + 'n' * 200)
    info.pax_headers = {'SCHILY.xattr.user.note': 'x' * 100_000, 'comment': '7' * 200}
    with tarfile.open(tmp_path / 'a.tar', 'w', format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)

    assert [one.name for one in dm.members(tmp_path / 'a.tar')] == [info.name]


def test_a_dictionary_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    """The header of an xz file may demand 4 GiB."""
    data = lzma.compress(BYTES)
    size = (data[12] + 1) * 4
    block = bytearray(data[12 : 12 + size])
    block[block.index(b'\x21\x01') + 2] = 40
    block[-4:] = struct.pack('<I', zlib.crc32(bytes(block[:-4])))
    hostile = data[:12] + bytes(block) + data[12 + size :]

    for name, content in (('a.xz', hostile), ('b.xz', data + hostile)):
        with pytest.raises(ArchiveError, match='more memory than 268,435,456 bytes'):
            read_whole(put(tmp_path / name, content))


def test_an_xz_file_of_several_streams(tmp_path: Path) -> None:
    """With what is behind the last of them ignored; and it is read from any place."""
    data = lzma.compress(b'') + lzma.compress(BYTES) + lzma.compress(b'end') + b'no stream'

    with dm.open_file(put(tmp_path / 'a.xz', data), mode='rb') as file:
        assert file.read() == BYTES + b'end'
        assert file.seek(-3, io.SEEK_END) == len(BYTES)
        assert file.read() == b'end'
        assert (file.seek(4), file.seek(2, io.SEEK_CUR), file.read(2)) == (4, 6, BYTES[6:8])
        assert file.seek(10**9) == len(BYTES) + 3


@pytest.mark.parametrize('method', [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_is_unpacked_in_small_pieces(method: int, tmp_path: Path) -> None:
    """`zipfile` unpacks at once what it has read at once."""
    whole = 96
    with (
        zipfile.ZipFile(tmp_path / 'a.zip', 'w', method) as archive,
        archive.open('a', 'w') as member,
    ):
        for _ in range(whole):
            member.write(bytes(1 << 20))

    tracemalloc.start()
    try:
        with dm.open_file(tmp_path / 'a.zip', mode='rb') as file:
            assert sum(map(len, iter(partial(file.read, 1 << 20), b''))) == whole << 20
        few = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert few < 32 << 20


@pytest.mark.parametrize('method', [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_by_other_methods(method: int, tmp_path: Path) -> None:
    """They are read from any place, and end with an error if they are cut or wrong."""
    path = tmp_path / 'a.zip'
    with zipfile.ZipFile(path, 'w', method) as archive:
        archive.writestr('a', BYTES)
        archive.writestr('empty', b'')
    with dm.open_file(path, member='a', mode='rb') as file:
        assert file.read() == BYTES
        assert (file.seek(6), file.read(3), file.seek(-2, io.SEEK_END)) == (
            6,
            BYTES[6:9],
            len(BYTES) - 2,
        )
        assert (file.read(), file.seek(1), file.seek(1, io.SEEK_CUR)) == (BYTES[-2:], 1, 2)
        assert file.read() == BYTES[2:]
    assert dm.open_file(path, member='empty', mode='rb').read() == b''
    assert len(dm.extract(path, tmp_path / 'out').files) == 2

    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        known = archive.getinfo('a')
    for field, value in ((known.CRC, known.CRC ^ 1), (known.file_size, known.file_size + 9)):
        old, new = (struct.pack('<I', one) for one in (field, value))
        changed = put(tmp_path / 'b.zip', bytes(data).replace(old, new))
        with pytest.raises(ArchiveError), dm.open_file(changed, member='a', mode='rb') as file:
            file.read()
    short = put(
        tmp_path / 'c.zip', bytes(data).replace(struct.pack('<I', known.compress_size), b'\5\0\0\0')
    )
    with pytest.raises(ArchiveError), dm.open_file(short, member='a', mode='rb') as file:
        file.read()


COMPRESSORS: dict[str, Callable[..., bytes]] = {'gz': gzip.compress, 'bz2': bz2.compress}


@pytest.mark.parametrize('kind', COMPRESSORS)
def test_skipping_a_member_can_be_interrupted(kind: str, tmp_path: Path) -> None:
    """A member that is not extracted is unpacked, too."""
    large = 64 << 20
    data = COMPRESSORS[kind](header(size=large) + bytes(large) + FIRST + END)
    checks = 0

    def check() -> None:
        nonlocal checks
        checks += 1
        if checks == 5:
            raise PartError(Cancelled())

    effect = ExtractArchive(
        archive=put(tmp_path / f'a.tar.{kind}', data),
        name=f'a.tar.{kind}',
        source='a',
        folder=str(tmp_path / 'out'),
        wanted=Extract(members=('none',)),
        patience=timedelta(seconds=1),
    )
    done = perform(effect, MemoryLocks(ManualClock()), lambda: datetime.now(UTC), check, None)
    assert isinstance(done, EffectFailed)
    assert isinstance(done.fault, Cancelled)


def test_folders_above_members_count(tmp_path: Path) -> None:
    """A few members with many folders each would use up the files of a disk."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w:gz') as archive:
        for number in range(20):
            archive.addfile(tarfile.TarInfo(f'{number}/' + 'd/' * 100 + 'f'))
    path = put(tmp_path / 'a.tar.gz', buffer.getvalue())

    with pytest.raises(ArchiveError, match='more members than the limit of 1,000'):
        dm.extract(path, tmp_path / 'out', max_members=1_000)
    assert len(dm.extract(path, tmp_path / 'out', max_members=20 * 102).files) == 20


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """An archive is read several times."""
    os.mkfifo(tmp_path / 'a.zip')

    with pytest.raises(ArchiveError, match='is not a file'):
        dm.extract(tmp_path / 'a.zip', tmp_path / 'out')
