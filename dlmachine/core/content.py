"""Content: whether a body can be what was asked for, from its name, type and first bytes.

Pure. Servers answer 200 with a login page, an error text or nothing where a file was
asked for. A name that ends in `.gz` promises how the file begins; a table or a sequence
file never begins as a web page does. What has no such name is taken as it is.
"""

import re
from collections.abc import Iterable
from typing import Final

from dlmachine.core.filename import extension

#: How many bytes of the beginning are looked at.
START_BYTES: Final = 1024

_ZIP: Final = (b'PK\x03\x04', b'PK\x05\x06', b'PK\x07\x08')
_GZIP: Final = (b'\x1f\x8b',)
_BZIP2: Final = (b'BZh',)
_XZ: Final = (b'\xfd7zXZ\x00',)
_ZSTD: Final = (b'\x28\xb5\x2f\xfd', *(bytes((byte, 0x2A, 0x4D, 0x18)) for byte in range(80, 96)))
_TIFF: Final = (b'II*\x00', b'MM\x00*', b'II+\x00', b'MM\x00+')

#: How files of these names begin.
_BEGINNINGS: Final[dict[str, tuple[bytes, ...]]] = {
    **dict.fromkeys(('gz', 'tgz', 'tar.gz', 'bgz'), _GZIP),
    **dict.fromkeys(('bz2', 'tbz', 'tbz2', 'tar.bz2'), _BZIP2),
    **dict.fromkeys(('xz', 'txz', 'tar.xz'), _XZ),
    **dict.fromkeys(('zst', 'tzst', 'tar.zst'), _ZSTD),
    **dict.fromkeys(('zip', 'xlsx', 'docx', 'pptx', 'ods', 'odt', 'npz', 'jar', 'whl'), _ZIP),
    '7z': (b"7z\xbc\xaf'\x1c",),
    'rar': (b'Rar!\x1a\x07',),
    'pdf': (b'%PDF-',),
    'png': (b'\x89PNG\r\n\x1a\n',),
    **dict.fromkeys(('jpg', 'jpeg'), (b'\xff\xd8\xff',)),
    **dict.fromkeys(('tif', 'tiff'), _TIFF),
    'gif': (b'GIF87a', b'GIF89a'),
    'parquet': (b'PAR1', b'PARE'),
    'npy': (b'\x93NUMPY',),
}
#: Files of these names begin in many ways, but never as a web page.
_NO_PAGES: Final = frozenset({
    'csv', 'tsv', 'tab', 'json', 'jsonl', 'ndjson', 'fasta', 'fa', 'faa', 'fna', 'fastq', 'fq',
    'obo', 'owl', 'rdf', 'ttl', 'nt', 'gaf', 'gpad', 'gmt', 'gct', 'sif', 'bed', 'vcf', 'gff',
    'gff3', 'gtf', 'sdf', 'mol', 'mol2', 'pdb', 'cif', 'arrow', 'feather', 'avro', 'h5', 'hdf5',
    'h5ad', 'rds', 'rda', 'rdata', 'tar', 'bam', 'cram', 'bcf', 'nc', 'pkl', 'sqlite',
})  # fmt: skip
#: Content types (RFC 9110 section 8.3) under which no web page comes.
_NO_PAGE_TYPES: Final = frozenset({
    'application/gzip', 'application/x-gzip', 'application/zip', 'application/x-zip-compressed',
    'application/x-bzip2', 'application/x-xz', 'application/zstd', 'application/x-tar',
    'application/x-7z-compressed', 'application/pdf', 'application/json', 'text/csv',
    'text/tab-separated-values', 'application/vnd.apache.parquet', 'application/x-hdf5',
})  # fmt: skip

_PAGE: Final = re.compile(
    rb'(?is)(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*'
    rb'<(?:!doctype\s+html|html|head|body|title|script|meta)\b'
)


def find_content_problem(
    names: Iterable[str], media_type: str | None, start: bytes, size_bytes: int
) -> str | None:
    """What shows that a body is not what was asked for, or None.

    `names` are what the content is called: by the URL that was asked, by the one that
    answered, by Content-Disposition, by its destination. `start` are its first bytes.

    >>> find_content_problem(['t.tsv.gz'], None, b'<!DOCTYPE html><title>Log in', 27)
    'is a web page (HTML), where gz was asked for'
    >>> find_content_problem(['page.html'], None, b'<!DOCTYPE html>', 15) is None
    True
    """
    kinds = tuple(dict.fromkeys(kind for name in names if (kind := extension(name)) is not None))
    promised = tuple(kind for kind in kinds if kind in _BEGINNINGS)
    if is_page(start):
        of_names = next((kind for kind in kinds if kind in _BEGINNINGS or kind in _NO_PAGES), None)
        of_type = _bare(media_type) if _bare(media_type) in _NO_PAGE_TYPES else None
        asked = of_names or of_type
        return None if asked is None else f'is a web page (HTML), where {asked} was asked for'
    if not promised or any(_begins_as(kind, start) for kind in promised):
        return None
    if not size_bytes:
        return f'is empty, where {promised[0]} was asked for'
    return f'does not begin as {promised[0]} does'


def healthy_start(names: Iterable[str]) -> bytes:
    """How content of these names would begin if it is what it should be.

    >>> healthy_start(['t.csv', 't.pdf'])
    b'%PDF-'
    """
    kinds = (extension(name) for name in names)
    return next((_BEGINNINGS[kind][0] for kind in kinds if kind in _BEGINNINGS), b'')


def is_page(start: bytes) -> bool:
    """Whether bytes begin as a web page does.

    >>> is_page(b' <HTML><head>'), is_page(b'a,b'), is_page(b'<sequence>')
    (True, False, False)
    """
    return _PAGE.match(start) is not None


def is_gzip_name(name: str) -> bool:
    """Whether a file of this name is one gzip stream.

    >>> is_gzip_name('a.tar.gz'), is_gzip_name('a.csv')
    (True, False)
    """
    return _BEGINNINGS.get(extension(name) or '') is _GZIP


def _begins_as(kind: str, start: bytes) -> bool:
    if kind == 'pdf':  # Readers look for it in the first 1,024 bytes.
        return b'%PDF-' in start
    return start.startswith(_BEGINNINGS[kind])


def _bare(media_type: str | None) -> str:
    return (media_type or '').partition(';')[0].strip().lower()
