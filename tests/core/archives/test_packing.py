"""How files are packed, by their first bytes and their names."""

import pytest

from dlmachine.core.archives.member_path import nearest_names, plain_name, split_member
from dlmachine.core.archives.packing import (
    Packing,
    find_packing,
    is_archive_name,
    name_of_content,
    packing_of_name,
)

TAR = b'\x00' * 257 + b'ustar\x0000' + b'\x00' * 247


@pytest.mark.parametrize(
    ('start', 'packing'),
    [
        (b'\x1f\x8b\x08\x04', Packing.GZIP),
        (b'BZh91AY', Packing.BZIP2),
        (b'BZh0', None),
        (b'\xfd7zXZ\x00\x00', Packing.XZ),
        (b'\x28\xb5\x2f\xfd$', Packing.ZSTANDARD),
        (b'\x50\x2a\x4d\x18', Packing.ZSTANDARD),
        (b'\x5f\x2a\x4d\x18', Packing.ZSTANDARD),
        (b'\x60\x2a\x4d\x18', None),
        (b'PK\x03\x04', Packing.ZIP),
        (b'PK\x05\x06', Packing.ZIP),
        (b'PK\x07\x08', Packing.ZIP),
        (TAR, Packing.TAR),
        (b'\x00' + TAR, None),
        (b'gene\tscore\n', None),
        (b'', None),
    ],
)
def test_first_bytes_decide(start: bytes, packing: Packing | None) -> None:
    """Whatever the name says."""
    assert find_packing('table.tsv', start) is packing
    if packing is not None:
        assert find_packing('table.zip' if packing is Packing.GZIP else 't.gz', start) is packing


def test_the_name_decides_if_the_bytes_do_not() -> None:
    """An old tar archive has no signature, and a damaged file may have lost it."""
    assert find_packing('old.tar', b'\x00' * 512) is Packing.TAR
    assert find_packing('DATA.GZ', b'') is Packing.GZIP


@pytest.mark.parametrize(
    ('name', 'packing', 'content'),
    [
        ('a.gz', Packing.GZIP, 'a'),
        ('a.vcf.bgz', Packing.GZIP, 'a.vcf'),
        ('a.bgzf', Packing.GZIP, 'a'),
        ('a.tgz', Packing.GZIP, 'a.tar'),
        ('a.bz2', Packing.BZIP2, 'a'),
        ('a.tbz', Packing.BZIP2, 'a.tar'),
        ('a.tbz2', Packing.BZIP2, 'a.tar'),
        ('a.xz', Packing.XZ, 'a'),
        ('a.lzma', Packing.XZ, 'a'),
        ('a.txz', Packing.XZ, 'a.tar'),
        ('a.zst', Packing.ZSTANDARD, 'a'),
        ('a.zstd', Packing.ZSTANDARD, 'a'),
        ('a.tzst', Packing.ZSTANDARD, 'a.tar'),
        ('a.zip', Packing.ZIP, 'a.zip'),
        ('a.tar', Packing.TAR, 'a.tar'),
        ('folder.gz/a', None, 'folder.gz/a'),
        ('.gz', None, '.gz'),
        ('d/.gz', None, 'd/.gz'),
        ('gz', None, 'gz'),
    ],
)
def test_names(name: str, packing: Packing | None, content: str) -> None:
    """The packing that an extension stands for, and the name without it."""
    assert packing_of_name(name) is packing
    assert name_of_content(name) == content


def test_archives_for_their_readers() -> None:
    """An Office file is a ZIP archive that nobody wants to see as one."""
    names = ('a.zip', 'A.TAR', 'b', 'a.xlsx', 'a.npz', 'a.whl', 'a.gz')

    assert [is_archive_name(name) for name in names] == [True, True, True, *[False] * 4]
    assert [packing for packing in Packing if packing.is_archive] == [Packing.ZIP, Packing.TAR]


def test_member_paths() -> None:
    """`./` and a final slash are not part of a name."""
    assert split_member(None) == ()
    assert split_member('a/b') == ('a/b',)
    assert split_member('a.zip!/./b.tar/!/c') == ('a.zip', 'b.tar', 'c')
    assert plain_name('.//./a/') == 'a'
    assert plain_name('../a') == '../a'
    assert plain_name('X/aX/') == 'X/aX'


def test_nearest_names() -> None:
    """First the same name in another folder, then similar ones, at most three."""
    names = ['x/table.tsv', 'y/Table.tsv', 'z/table.tsv', 'w/table.tsv', 'readme.txt']

    assert nearest_names('table.tsv', names) == ('x/table.tsv', 'y/Table.tsv', 'z/table.tsv')
    assert nearest_names('q/readme.text', names) == ('readme.txt',)
    assert nearest_names('nothing', names) == ()
    assert nearest_names('x' * 99 + 'y', ['x' * 100, 'x' * 101]) == ('x' * 100,)
    assert nearest_names('table', (f'{n}/table' for n in range(5))) == (
        '0/table',
        '1/table',
        '2/table',
    )
    assert nearest_names('tabel', [*(['readme'] * 999), 'table', 'tabel']) == ('table',)
    assert nearest_names('tabel.tsv', names) == ('x/table.tsv',)
