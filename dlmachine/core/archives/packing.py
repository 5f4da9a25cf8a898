"""How a file is packed: by its first bytes, otherwise by its name.

Pure. A compressed file holds one other file (RFC 1952 for gzip, RFC 8878 for Zstandard); an archive
has members with names.
"""

from enum import Enum
from typing import Final

#: The number of first bytes that decide; the signature of tar stands at the end of a header block.
START_BYTES: Final = 512


class Packing(Enum):
    """A way to pack files, by the extension that it is known by."""

    GZIP = 'gz'
    BZIP2 = 'bz2'
    XZ = 'xz'
    ZSTANDARD = 'zst'
    ZIP = 'zip'
    TAR = 'tar'

    @property
    def is_archive(self) -> bool:
        """Whether it has members."""
        return self in {Packing.ZIP, Packing.TAR}


_STARTS: Final = (
    (Packing.GZIP, (b'\x1f\x8b\x08',)),
    (Packing.BZIP2, tuple(b'BZh%d' % level for level in range(1, 10))),
    (Packing.XZ, (b'\xfd7zXZ\x00',)),
    (
        Packing.ZSTANDARD,
        # Skippable frames may come first (RFC 8878 section 3.1.2).
        (b'\x28\xb5\x2f\xfd', *(bytes((byte, 0x2A, 0x4D, 0x18)) for byte in range(0x50, 0x60))),
    ),
    (Packing.ZIP, (b'PK\x03\x04', b'PK\x05\x06', b'PK\x07\x08')),
)
_TAR_SIGNATURE: Final = slice(257, 262)

_EXTENSIONS: Final = {
    'gz': Packing.GZIP, 'bgz': Packing.GZIP, 'bgzf': Packing.GZIP, 'tgz': Packing.GZIP,
    'bz2': Packing.BZIP2, 'tbz': Packing.BZIP2, 'tbz2': Packing.BZIP2,
    'xz': Packing.XZ, 'txz': Packing.XZ, 'lzma': Packing.XZ,
    'zst': Packing.ZSTANDARD, 'zstd': Packing.ZSTANDARD, 'tzst': Packing.ZSTANDARD,
    'zip': Packing.ZIP,
    'tar': Packing.TAR,
}  # fmt: skip
#: One extension for a compressed tar archive.
_SHORT: Final = frozenset({'tgz', 'tbz', 'tbz2', 'txz', 'tzst'})


def find_packing(name: str, start: bytes) -> Packing | None:
    r"""How a file with this name and these first bytes is packed; None: not at all.

    >>> find_packing('table.tsv', b'\x1f\x8b\x08\x00'), find_packing('table.tsv', b'a\tb')
    (<Packing.GZIP: 'gz'>, None)
    """
    for packing, starts in _STARTS:
        if start.startswith(starts):
            return packing
    if start[_TAR_SIGNATURE] == b'ustar':
        return Packing.TAR
    return packing_of_name(name)


def packing_of_name(name: str) -> Packing | None:
    """How a file of this name should be packed.

    >>> packing_of_name('a.tar.gz'), packing_of_name('a.tar'), packing_of_name('a.csv')
    (<Packing.GZIP: 'gz'>, <Packing.TAR: 'tar'>, None)
    """
    return _EXTENSIONS.get(_extension(name))


def name_of_content(name: str) -> str:
    """The name of the file in a compressed file of this name.

    >>> name_of_content('a/b.tsv.gz'), name_of_content('b.tgz'), name_of_content('b')
    ('a/b.tsv', 'b.tar', 'b')
    """
    extension = _extension(name)
    packing = _EXTENSIONS.get(extension)
    if packing is None or packing.is_archive:
        return name
    stem = name[: -len(extension) - 1]
    return f'{stem}.tar' if extension in _SHORT else stem


def archive_stem(name: str) -> str:
    """A name for the folder of what is in a packed file.

    >>> archive_stem('data.tar.gz'), archive_stem('t.tsv.gz'), archive_stem('data')
    ('data', 't.tsv', 'data.extracted')
    """
    stem = name_of_content(name)
    if is_archive_name(stem) and _extension(stem):
        stem = stem[: -len(_extension(stem)) - 1]
    return f'{name}.extracted' if stem == name else stem


def is_archive_name(name: str) -> bool:
    """Whether a file of this name is an archive for its readers, too.

    Office files, `.npz` and `.whl` are ZIP archives, but their readers want them whole.

    >>> is_archive_name('a.zip'), is_archive_name('a'), is_archive_name('a.xlsx')
    (True, True, False)
    """
    extension = _extension(name)
    packing = _EXTENSIONS.get(extension)
    return packing.is_archive if packing is not None else not extension


def _extension(name: str) -> str:
    last = name.rpartition('/')[2]
    stem, dot, extension = last.rpartition('.')
    return extension.lower() if dot and stem else ''
