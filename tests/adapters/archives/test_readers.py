"""Programs that read files read packed ones: pandas, numpy and csv, from each kind of packing."""

import bz2
import csv
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dlmachine as dm

LINES = [f'{number}\t{number * 2}\n' for number in range(2_000)]
TABLE = ''.join(['a\tb\n', *LINES]).encode()


def zipped(data: bytes, name: str = 'd/t.tsv') -> bytes:
    """A ZIP archive of one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def tarred(data: bytes, name: str = 'd/t.tsv') -> bytes:
    """A tar archive of one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zstandard(data: bytes) -> bytes:
    """A Zstandard file."""
    zstd = pytest.importorskip('backports.zstd')
    return bytes(zstd.compress(data))


def bgzf(data: bytes) -> bytes:
    """A gzip file of several members, as bgzip makes it."""
    return b''.join(gzip.compress(data[at : at + 4_096]) for at in range(0, len(data), 4_096))


#: How each file is made, and the member that is read.
PACKED: dict[str, tuple[Callable[[bytes], bytes], str | None]] = {
    't.tsv': (bytes, None),
    't.tsv.gz': (gzip.compress, None),
    't.tsv.bgz': (bgzf, None),
    't.tsv.bz2': (bz2.compress, None),
    't.tsv.xz': (lzma.compress, None),
    't.tsv.zst': (zstandard, None),
    't.zip': (zipped, None),
    't.tar': (tarred, 'd/t.tsv'),
    't.tar.gz': (lambda data: gzip.compress(tarred(data)), 'd/t.tsv'),
    't.tar.bz2': (lambda data: bz2.compress(tarred(data)), 'd/t.tsv'),
    't.tar.xz': (lambda data: lzma.compress(tarred(data)), 'd/t.tsv'),
    't.tar.zst': (lambda data: zstandard(tarred(data)), 'd/t.tsv'),
    'nested.tar.gz': (
        lambda data: gzip.compress(tarred(zipped(gzip.compress(data), 't.tsv.gz'), 'data.zip')),
        'data.zip!/t.tsv.gz',
    ),
}


@pytest.mark.parametrize('name', PACKED)
def test_programs_read_it(name: str, tmp_path: Path) -> None:
    """By lines, as a table, as numbers, from the middle and from the end."""
    make, member = PACKED[name]
    path = tmp_path / name
    path.write_bytes(make(TABLE))

    with dm.open_file(path, member) as file:
        assert pd.read_csv(file, sep='\t').b.sum() == sum(2 * number for number in range(2_000))
    with dm.open_file(path, member, mode='rb') as binary:
        assert pd.read_csv(binary, sep='\t').shape == (2_000, 2)
    with dm.open_file(path, member) as file:
        assert file.readline() == 'a\tb\n'
        assert np.loadtxt(file, delimiter='\t').shape == (2_000, 2)
    with dm.open_file(path, member) as file:
        rows = csv.DictReader(file, delimiter='\t')
        assert next(rows) == {'a': '0', 'b': '0'}
    with dm.open_file(path, member) as file:
        assert list(file)[1:] == LINES
    with dm.open_file(path, member, mode='rb') as binary:
        assert binary.seekable()
        assert binary.seek(-4, io.SEEK_END) == len(TABLE) - 4
        assert binary.read() == TABLE[-4:]
        assert (binary.seek(10), binary.tell(), binary.read(5)) == (10, 10, TABLE[10:15])
        assert binary.readline() == TABLE[15:].splitlines(keepends=True)[0]
    assert binary.closed


def test_a_long_line_is_read_in_pieces(tmp_path: Path) -> None:
    """With a limit, memory does not grow with a line."""
    import tracemalloc

    path = tmp_path / 'line.txt.gz'
    path.write_bytes(gzip.compress(bytes(64 << 20).replace(b'\0', b'x'), 1))
    tracemalloc.start()
    with dm.open_file(path) as file:
        count = sum(map(len, iter(lambda: file.readline(1 << 16), '')))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 64 << 20
    assert peak < 8 << 20
