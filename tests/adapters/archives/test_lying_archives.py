"""Archives that lie about themselves, are cut or are extracted twice at once: all or nothing."""

import asyncio
import io
import os
import re
import struct
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

import dlmachine as dm
from dlmachine_adapters.archives.zip_directory import count_members
from tests.servers.behaviours import resource
from tests.servers.http import Server

_MIB = 1 << 20
WHOLE = io.BytesIO()
with zipfile.ZipFile(WHOLE, 'w') as _archive:
    _archive.writestr('a', 'hello' * 100)
ZIP = WHOLE.getvalue()
LOCAL, CENTRAL, END = b'PK\x03\x04', b'PK\x01\x02', b'PK\x05\x06'


def lying(*changes: tuple[bytes, int, str, int]) -> bytes:
    """The archive with other numbers after these signatures."""
    data = bytearray(ZIP)
    for signature, offset, form, value in changes:
        struct.pack_into(form, data, data.index(signature) + offset, value)
    return bytes(data)


LIES: dict[str, tuple[bytes, str]] = {
    'size': (lying((CENTRAL, 24, '<L', 5)), 'damaged'),
    'packed size': (lying((CENTRAL, 20, '<L', 5)), 'damaged'),
    'checksum': (lying((CENTRAL, 16, '<L', 1)), 'damaged'),
    'place of a member': (lying((CENTRAL, 42, '<L', 100_000)), 'damaged'),
    'place of the directory': (lying((END, 16, '<L', 0xFFFF_FFF0)), 'damaged'),
    'size of the directory': (lying((END, 12, '<L', 0xFFFF_FFF0)), 'damaged'),
    'sizes of ZIP64': (
        lying((CENTRAL, 24, '<L', 0xFFFF_FFFF), (CENTRAL, 20, '<L', 0xFFFF_FFFF)),
        # Newer releases of Python notice first that it would overlap the directory.
        'ends too early|damaged: overlapped',
    ),
    'another name': (ZIP.replace(b'a', b'b', 1), 'damaged'),
    'an unknown method': (
        lying((LOCAL, 8, '<H', 99), (CENTRAL, 10, '<H', 99)),
        'is packed in a way that is not supported',
    ),
}


def put(path: Path, data: bytes) -> Path:
    """Write a file."""
    path.write_bytes(data)
    return path


def refused(path: Path, **options: int) -> str:
    """Extract an archive that is refused; the message, once nothing is left of it."""
    folder = path.parent / 'here/out'
    with pytest.raises(dm.ArchiveError) as caught:
        dm.extract(path, folder, **options)  # type: ignore[arg-type]
    assert not folder.exists()
    assert [*folder.parent.glob('.dlmachine/extracting/*')] == []
    return str(caught.value)


@pytest.mark.parametrize('name', LIES)
def test_lies_of_a_zip_archive(name: str, tmp_path: Path) -> None:
    """About sizes, places, names and methods."""
    data, said = LIES[name]
    assert re.search(said, refused(put(tmp_path / 'a.zip', data)))


@pytest.mark.parametrize('sixteenth', range(16))
@pytest.mark.parametrize('kind', ['zip', 'tar', 'tar.gz', 'txt.xz'])
def test_a_cut_archive_leaves_nothing(kind: str, sixteenth: int, tmp_path: Path) -> None:
    """Wherever it is cut before the end of its members."""
    import lzma

    buffer = io.BytesIO()
    if kind == 'zip':
        with zipfile.ZipFile(buffer, 'w') as archive:
            for number in range(8):
                archive.writestr(f'{number}', os.urandom(300))
    elif kind == 'txt.xz':
        buffer.write(lzma.compress(os.urandom(3_000)))
    else:
        with tarfile.open(fileobj=buffer, mode='w:gz' if 'gz' in kind else 'w') as tar:
            for number in range(8):
                info = tarfile.TarInfo(f'{number}')
                info.size = 300
                tar.addfile(info, io.BytesIO(os.urandom(300)))
    data = buffer.getvalue()
    data = data[: 8 * 1_024] if kind == 'tar' else data
    refused(put(tmp_path / f'a.{kind}', data[: len(data) * sixteenth // 16]))


def many(
    count: int, *, is_64: bool = False, comment: bytes = b'', stated: int | None = None
) -> bytes:
    """A ZIP archive of empty members."""
    names = [b'%07d' % number for number in range(count)]
    local = struct.pack('<4s5H3L2H', LOCAL, 20, *[0] * 7, 7, 0)
    files = b''.join(local + name for name in names)
    central = b''.join(
        struct.pack('<4s6H3L5H2L', CENTRAL, *[20] * 2, *[0] * 7, 7, *[0] * 5, at * 37) + name
        for at, name in enumerate(names)
    )
    size, start = len(central), len(files)
    end_64 = struct.pack('<4sQ2H2L4Q', b'PK\x06\x06', 44, 45, 45, 0, 0, count, count, size, start)
    end_64 += struct.pack('<4sLQL', b'PK\x06\x07', 0, start + size, 1)
    told = min(count if stated is None else stated, 0xFFFF)
    numbers = (0xFFFF_FFFF, 0xFFFF_FFFF) if is_64 else (size, start)
    end = struct.pack('<4s4H2LH', END, 0, 0, told, told, *numbers, len(comment)) + comment
    return files + central + (end_64 if is_64 else b'') + end


@pytest.mark.parametrize('is_64', [False, True])
@pytest.mark.parametrize('comment', [b'', b'a comment', END + b'more'])
def test_members_are_counted_as_they_are_read(is_64: bool, comment: bytes) -> None:
    """With and without ZIP64 and a comment; whatever number the archive states."""
    data = many(300, is_64=is_64, comment=comment, stated=3)
    is_found = comment[:4] != END
    if is_found:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert len(archive.infolist()) == 300
    assert count_members(io.BytesIO(data), 99) == (300 if is_found else 0)
    assert count_members(io.BytesIO(data), 1_000) == 0


@pytest.mark.parametrize('data', [b'', b'x', END, b'x' * 100, many(300)[-400:], many(300)[-22:]])
def test_other_files_are_counted_too(data: bytes) -> None:
    """Python's reader then says what is wrong with it."""
    assert count_members(io.BytesIO(data), 0) <= 300


def test_a_zip_archive_of_too_many_members_is_not_read(tmp_path: Path) -> None:
    """Each of them would take half a kB of memory."""
    path = put(tmp_path / 'a.zip', many(30_000, is_64=True))

    tracemalloc.start()
    message = refused(path, max_members=20_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 'has more members than the limit of 20,000' in message
    assert peak < 4 * _MIB


def test_two_processes_extract_the_same(tmp_path: Path) -> None:
    """One of them does it, and both have it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for number in range(200):
            archive.writestr(f'{number}', f'{number}' * 100)
    put(tmp_path / 'a.zip', buffer.getvalue())
    code = (
        'import dlmachine as dm\n'
        'done = dm.extract("a.zip")\n'
        'print(len(done.files), len(done.restored))\n'
    )
    words = [sys.executable, '-c', code]
    runs = [subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE) for _ in range(3)]
    said = sorted(run.communicate(timeout=60)[0].split() for run in runs)

    assert said == [[b'200', b'0'], [b'200', b'0'], [b'200', b'200']]
    assert {*os.listdir(tmp_path)} - {'home'} <= {'a.zip', 'a', '.dlmachine'}


def test_a_cancelled_task_leaves_all_or_nothing(server: Server, tmp_path: Path) -> None:
    """Whenever it is cancelled while it extracts; the next call finishes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for number in range(300):
            archive.writestr(f'{number}', 'x' * 1_000)
    url, out = server.on('/a.zip', resource(buffer.getvalue())), tmp_path / 'out'

    async def cancelled(seconds: float) -> None:
        async with dm.AsyncDownloadManager(path=tmp_path / 'cache', progress=False) as downloads:
            await downloads.fetch(url)
            task = asyncio.create_task(downloads.fetch(url, extract=out))
            await asyncio.sleep(seconds)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    for step in range(8):
        asyncio.run(cancelled(step / 200))
        assert not out.exists() or len([*out.iterdir()]) == 301
        assert [*tmp_path.glob('.dlmachine/extracting/*')] == []
    with dm.DownloadManager(tmp_path / 'cache', progress=False) as manager:
        assert len(manager.fetch(url, extract=out).extracted.files) == 300
