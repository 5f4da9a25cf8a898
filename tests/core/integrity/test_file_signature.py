"""Checks whether a body can be the requested content."""

import bz2
import gzip
import lzma

import pytest

from dlmachine.core.http.filename import outer_extension
from dlmachine.core.integrity.file_signature import (
    PAGE_EXTENSIONS,
    asked_extension,
    find_content_problem,
    find_kind_note,
    healthy_start,
    keep_start,
)

PAGE = b'<!DOCTYPE html>\n<html><head><title>Sign in</title>'


@pytest.mark.parametrize(
    ('name', 'data'),
    [
        ('t.tsv.gz', gzip.compress(b'x')),
        ('t.tar.gz', gzip.compress(b'x')),
        ('t.tgz', gzip.compress(b'x')),
        ('t.bz2', bz2.compress(b'x')),
        ('t.tar.xz', lzma.compress(b'x')),
        ('t.zip', b'PK\x05\x06' + b'\0' * 18),
        ('t.xlsx', b'PK\x03\x04'),
        ('t.zst', b'\x28\xb5\x2f\xfd'),
        ('t.zst', b'\x50\x2a\x4d\x18'),
        ('t.pdf', b'%PDF-1.7'),
        ('t.pdf', b'\n\n%PDF-1.4'),
        ('t.png', b'\x89PNG\r\n\x1a\n'),
        ('t.parquet', b'PAR1'),
        ('t.csv', b'a,b'),
        ('t.csv', b''),
        ('t.html', PAGE),
        ('t.xml', b'<?xml version="1.0"?><rdf>'),
        ('answer', PAGE),
    ],
)
def test_what_fits_is_taken(name: str, data: bytes) -> None:
    """Formats are recognized by their first bytes; a name of an unknown format promises nothing."""
    assert find_content_problem([name], None, data[:1024], len(data)) is None
    assert not data or find_kind_note([name], data[:1024]) is None


@pytest.mark.parametrize(
    ('names', 'media_type', 'start', 'problem'),
    [
        (['t.tsv.gz'], None, PAGE, 'is an HTML page instead of gz data (a login or error page?)'),
        (['t.csv'], 'text/html', PAGE, 'is an HTML page instead of csv data (a login or error page?)'),
        (['login', 't.zip'], None, PAGE, 'is an HTML page instead of zip data (a login or error page?)'),
        (['x'], 'Application/GZIP; a=b', PAGE, 'is an HTML page instead of application/gzip data (a login or error page?)'),
        (['x'], 'application/gzip, text/html', PAGE, 'is an HTML page instead of application/gzip data (a login or error page?)'),
        (['x'], 'application/json', PAGE, 'is an HTML page instead of application/json data (a login or error page?)'),
        (['t.tar.xz'], None, b'', 'is empty instead of tar.xz data'),
    ],
)  # fmt: skip
def test_wrong_content_is_refused(
    names: list[str], media_type: str | None, start: bytes, problem: str
) -> None:
    """Pages, text and an empty body are refused if another format is expected."""
    assert find_content_problem(names, media_type, start, len(start)) == problem


@pytest.mark.parametrize(
    ('name', 'start', 'kind'),
    [
        ('t.jpg', b'\x89PNG\r\n\x1a\n', 'PNG'),
        ('t.xlsx', b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'an OLE 2 file (older Office)'),
        ('t.zip', b'MZ\x90\x00', 'a Windows program'),
        ('t.zip', gzip.compress(b'x'), 'gzip'),
        ('t.tar.gz', b'BZh91AY', 'bzip2'),
        ('t.npy', b'\x89HDF\r\n\x1a\n', 'HDF5'),
        ('t.csv.gz', b'a,b\n', 'not gzip'),
        ('t.pdf', b'error 500', 'not PDF'),
    ],
)
def test_a_file_of_another_kind_is_noted(name: str, start: bytes, kind: str) -> None:
    """A file with a wrong name is not refused, because it may be complete."""
    ext = outer_extension(name)
    note = f'the content is {kind}, although the name ends in .{ext}'
    assert find_kind_note(['x', name], start) == note
    assert find_content_problem([name], None, start, len(start)) is None


def test_one_name_of_several_is_enough() -> None:
    """A `.gz` that the server sends decompressed may match the name in Content-Disposition."""
    assert find_kind_note(['t.gz', 't.zip'], b'PK\x03\x04') is None
    assert find_kind_note(['t.gz', 't.zip'], b'a,b') is not None
    assert find_kind_note(['t.csv', 'x'], b'\x89PNG') is None


@pytest.mark.parametrize('name', ['t.gz', 't.tar.bz2', 't.xz', 't.zip', 't.pdf', 't.csv', 'x'])
def test_a_healthy_start_is_healthy(name: str) -> None:
    """The simulated content of a dry run passes the check."""
    start = healthy_start([name])
    assert find_content_problem([name], None, start, len(start)) is None
    assert bool(start) == (outer_extension(name) not in {'csv', None})


#: Names of requested content, and whether a page is refused for any type, a data type, or never.
NAMES: list[tuple[list[str], str]] = [
    *(([f't.{ext}'], 'any') for ext in ['hdf', 'nc4', 'fits', 'mat', 'nii', 'pt', 'safetensors', 'grib2', 'xls', 'bin', 'csv', 'TXT', 'xml', 'svg', 'md', 'js', 'dat', 'gz', '7z', '2bit', 'html5x']),
    *(([f'https://h/d/t.{ext}'.rpartition('/')[2]], 'never') for ext in sorted(PAGE_EXTENSIONS)),
    (['INDEX.HTML'], 'never'),
    (['login.php', 't.nc4'], 'any'),
    (['t.nc4', 'login.php'], 'any'),
    (['index.html', 'download'], 'never'),
    (['download', 't.bin'], 'any'),
    (['download', 'download', '/data/v1.0/t'], 'data'),
    (['t.nc;v=2'], 'any'),
    (['t.7z.001'], 'any'),
    (['t.html.1'], 'never'),
    *(([name], 'data') for name in ['download', 'README', 'search', 'v1.0', 'data.2024', 'data.2024-05-01', '1.0-rc1', '2.0.0b3', 'x.v2', '.hidden', 'St._Louis', 'trailing.', 'zenodo.1234']),
]  # fmt: skip
PAGE_TYPES = [None, '', 'text/html', 'Text/HTML; charset=utf-8', 'application/xhtml+xml', 'text/html, text/html', 'html', '*/*', 'unknown/unknown', 'application/unknown']  # fmt: skip
DATA_TYPES = ['text/plain', 'application/octet-stream', 'application/x-hdf5', 'Application/GZIP; a=b', 'application/json', 'image/png', 'binary/octet-stream', 'application/xml']  # fmt: skip
DATA = [b'a,b\n1,2\n', b'<?xml version="1.0"?><rdf>', b'\x89HDF\r\n\x1a\n', b'{"html": "<html>"}']


@pytest.mark.parametrize(('names', 'refused'), NAMES, ids=[' '.join(names) for names, _ in NAMES])
def test_page_instead_of_data_is_refused(names: list[str], refused: str) -> None:
    """A page is refused if the extension, or without one the media type, is that of data."""
    bodies = [] if {'t.gz', 't.7z', 't.7z.001'} & {*names} else DATA
    for media_type in [*PAGE_TYPES, *DATA_TYPES]:
        is_refused = refused == 'any' or (refused == 'data' and media_type in DATA_TYPES)
        problem = find_content_problem(names, media_type, PAGE, len(PAGE))
        assert (problem is not None) == is_refused, media_type
        for body in bodies:
            assert find_content_problem(names, media_type, body, len(body)) is None


def test_a_version_number_is_not_an_extension() -> None:
    """The text after a dot may be a number, a date or a parameter."""
    assert asked_extension('a.tar.gz') == 'tar.gz'
    assert asked_extension('a.tar.gz.2024') == 'tar.gz'
    assert asked_extension('T.NC4;jsessionid=a.b') == 'nc4'
    assert asked_extension('1.2.3') is None
    assert asked_extension('a;b.nc/c.csv') == 'csv'
    assert asked_extension('x.1q1') == '1q1'
    assert asked_extension('x.-a') is None


@pytest.mark.parametrize('before', [b' ' * 5_000, b'<!-- ' + b'x' * 5_000 + b' -->'])
def test_a_page_may_begin_after_comments(before: bytes) -> None:
    """Enough bytes are kept to recognize the page; for data only the first bytes."""
    late = before + PAGE
    assert find_content_problem(['t.nc'], None, keep_start(late), len(late)) is not None
    assert keep_start(before + b'a,b') == before[:1024]
    assert keep_start(PAGE * 100) == (PAGE * 100)[:1024]
