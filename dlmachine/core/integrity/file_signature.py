"""Check by name, type and first bytes whether a body can be the requested content.

Pure. Some servers respond 200 with a login page or an empty body instead of a file: such a body is
refused. A file of another kind than its extension is accepted, with a note.
"""

from collections.abc import Iterable
from typing import Final

from dlmachine.core.frozen import frozen
from dlmachine.core.http.filename import outer_extension
from dlmachine.core.integrity.page_scanner import is_page
from dlmachine.core.regex import regex

#: The number of first bytes to keep for this check.
START_BYTES: Final = 1024


@frozen(kw_only=False)
class _Format:
    """A file format: its name, the first bytes of its files, and its extensions."""

    name: str
    starts: tuple[bytes, ...]
    extensions: str = ''


_GZIP: Final = _Format('gzip', (b'\x1f\x8b',), 'gz tgz tar.gz bgz')
_PDF: Final = _Format('PDF', (b'%PDF-',), 'pdf')
_FORMATS: Final = (
    _GZIP,
    _PDF,
    _Format('bzip2', (b'BZh',), 'bz2 tbz tbz2 tar.bz2'),
    _Format('xz', (b'\xfd7zXZ\x00',), 'xz txz tar.xz'),
    _Format(
        'Zstandard',
        (b'\x28\xb5\x2f\xfd', *(bytes((byte, 0x2A, 0x4D, 0x18)) for byte in range(80, 96))),
        'zst tzst tar.zst',
    ),
    _Format(
        'ZIP',
        (b'PK\x03\x04', b'PK\x05\x06', b'PK\x07\x08'),
        'zip xlsx docx pptx ods odt npz jar whl',
    ),
    _Format('7z', (b"7z\xbc\xaf'\x1c",), '7z'),
    _Format('RAR', (b'Rar!\x1a\x07',), 'rar'),
    _Format('PNG', (b'\x89PNG\r\n\x1a\n',), 'png'),
    _Format('JPEG', (b'\xff\xd8\xff',), 'jpg jpeg'),
    _Format('TIFF', (b'II*\x00', b'MM\x00*', b'II+\x00', b'MM\x00+'), 'tif tiff'),
    _Format('GIF', (b'GIF87a', b'GIF89a'), 'gif'),
    _Format('Parquet', (b'PAR1', b'PARE'), 'parquet'),
    _Format('NumPy', (b'\x93NUMPY',), 'npy'),
    # These have no extensions here; they are named when a file of another format was expected.
    _Format('an OLE 2 file (older Office)', (b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',)),
    _Format('HDF5', (b'\x89HDF\r\n\x1a\n',)),
    _Format('a Windows program', (b'MZ',)),
)
_PROMISED: Final = {ext: one for one in _FORMATS for ext in one.extensions.split()}

#: Extensions of pages, of programs that generate them, and of their templates.
PAGE_EXTENSIONS: Final = frozenset({
    'html', 'htm', 'xhtml', 'xht', 'shtml', 'shtm', 'stm', 'dhtml', 'mhtml', 'mht', 'hta',
    'php', 'php3', 'php4', 'php5', 'php7', 'phtml', 'asp', 'aspx', 'ashx', 'jsp', 'jspx', 'jsf',
    'cgi', 'fcgi', 'pl', 'cfm', 'do', 'action', 'cshtml', 'ejs', 'erb', 'hbs', 'j2', 'jinja',
    'jinja2', 'liquid', 'mustache', 'tmpl', 'tpl', 'twig', 'vue', 'svelte',
})  # fmt: skip
#: Media types (RFC 9110 section 8.3.1) of pages; every other media type is data.
_PAGE_TYPES: Final = frozenset({'text/html', 'application/xhtml+xml'})
_MEDIA_TYPE: Final = regex(r'[a-z0-9!#$&^_.+\-]{1,127}/[a-z0-9!#$&^_.+\-]{1,127}')
#: Types that mean that the server does not know the type (WHATWG MIME Sniffing, section 7).
_UNKNOWN_TYPES: Final = frozenset({'unknown/unknown', 'application/unknown'})
#: The text after a dot that is not an extension: `v1.0`, `data.2024`, `2.0-rc1`.
_VERSION: Final = regex(r'v?[0-9]+(?:(?:a|b|rc|alpha|beta|dev|post|pre|x)[0-9]*)?(?:[_\-].*)?')


def find_content_problem(
    names: Iterable[str], media_type: str | None, start: bytes, size_bytes: int
) -> str | None:
    """The reason why a body cannot be the requested content, or None.

    `names` are the names of the content in the requested URL, in the URL after redirects, in
    Content-Disposition and in the destination. `start` are its first bytes.

    >>> find_content_problem(['t.tsv.gz'], None, b'<!DOCTYPE html><title>Log in', 27)
    'is an HTML page instead of gz data (a login or error page?)'
    >>> find_content_problem(['page.html'], None, b'<!DOCTYPE html>', 15) is None
    True
    """
    names = tuple(names)
    if is_page(start):
        data = _find_data_name(names, media_type)
        return (
            None
            if data is None
            else f'is an HTML page instead of {data} data (a login or error page?)'
        )
    promised = () if start or size_bytes else _promised(names)
    return f'is empty instead of {promised[0]} data' if promised else None


def find_kind_note(names: Iterable[str], start: bytes) -> str | None:
    r"""A note if the content is of another kind than all its names suggest; otherwise None.

    >>> find_kind_note(['t.jpg'], b'\x89PNG\r\n\x1a\n')
    'the content is PNG, although the name ends in .jpg'
    >>> find_kind_note(['t.csv.gz'], b'a,b')
    'the content is not gzip, although the name ends in .gz'
    """
    promised = _promised(names)
    if not promised or any(_begins_as(_PROMISED[ext], start) for ext in promised):
        return None
    other = f'not {_PROMISED[promised[0]].name}'
    kind = next((one.name for one in _FORMATS if start.startswith(one.starts)), other)
    return f'the content is {kind}, although the name ends in .{promised[0]}'


def asked_extension(name: str) -> str | None:
    """The extension of the requested content, without version numbers and path parameters.

    >>> asked_extension('t.7z.001'), asked_extension('x.nc;v=2'), asked_extension('v1.0')
    ('7z', 'nc', None)
    """
    stem = name.rpartition('/')[2].partition(';')[0].lower()
    while '.' in stem and _VERSION.fullmatch(stem.rpartition('.')[2]):
        stem = stem.rpartition('.')[0]
    found = outer_extension(stem)
    # In `St._Louis` the dot ends an abbreviation.
    return found if found is not None and found[0].isalnum() else None


def healthy_start(names: Iterable[str]) -> bytes:
    """The expected first bytes of content with these names.

    >>> healthy_start(['t.csv', 't.pdf'])
    b'%PDF-'
    """
    return next((_PROMISED[ext].starts[0] for ext in _promised(names)), b'')


def keep_start(start: bytes) -> bytes:
    """Cut the first bytes to those that decide whether a body is a page.

    >>> len(keep_start(b'a' * 5000)), len(keep_start(b' ' * 5000 + b'<html>'))
    (1024, 5006)
    """
    kept = start[:START_BYTES]
    return start if is_page(start) and not is_page(kept) else kept


def is_gzip_name(name: str) -> bool:
    """Whether a file of this name is one gzip stream.

    >>> is_gzip_name('a.tar.gz'), is_gzip_name('a.csv')
    (True, False)
    """
    return _PROMISED.get(outer_extension(name) or '') is _GZIP


def _find_data_name(names: tuple[str, ...], media_type: str | None) -> str | None:
    """The extension, or without one the media type, that a page cannot have."""
    extensions = [ext for name in names if (ext := asked_extension(name)) is not None]
    if extensions:
        return next((ext for ext in extensions if ext not in PAGE_EXTENSIONS), None)
    bare = (media_type or '').partition(';')[0].partition(',')[0].strip().lower()
    is_type = _MEDIA_TYPE.fullmatch(bare) is not None and bare not in _UNKNOWN_TYPES
    return bare if is_type and bare not in _PAGE_TYPES else None


def _promised(names: Iterable[str]) -> tuple[str, ...]:
    """The extensions of formats with known first bytes."""
    found = dict.fromkeys(outer_extension(name) for name in names)
    return tuple(ext for ext in found if ext in _PROMISED)


def _begins_as(one: _Format, start: bytes) -> bool:
    if one is _PDF:  # Readers look for it in the first 1,024 bytes.
        return one.starts[0] in start[:START_BYTES]
    return start.startswith(one.starts)
