"""Whether a body can be what was asked for."""

import bz2
import gzip
import lzma

import pytest

from dlmachine.core.content import find_content_problem, healthy_start, is_page
from dlmachine.core.filename import extension

PAGE = b'<!DOCTYPE html>\n<html><head><title>Sign in</title>'
PAGES = [
    PAGE,
    b'<html lang="en">',
    b'\xef\xbb\xbf  \r\n<HTML>',
    b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">',
    b'<!-- saved from -->\n<!-- twice -->\n<head>',
    b'<script>location="/login"</script>',
    b'<meta http-equiv="refresh">',
    b'<body>moved',
]


@pytest.mark.parametrize('start', PAGES)
def test_pages_are_told_by_how_they_begin(start: bytes) -> None:
    """HTML with and without declarations, marks and comments before it."""
    assert is_page(start)


@pytest.mark.parametrize(
    'start', [b'', b'a,b', b'<htmlx>', b'<sequence>', b'{"html": "<html>"}', b'>sp|P04637\n', b'<?xml version="1.0"?><rdf>']
)  # fmt: skip
def test_other_text_is_no_page(start: bytes) -> None:
    """XML and whatever else begins with a bracket."""
    assert not is_page(start)


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
        ('t.xml', b'<?xml version="1.0"?><html>'),
        ('t.txt', PAGE),
        ('answer', PAGE),
        ('t.xls', PAGE),
    ],
)
def test_what_fits_is_taken(name: str, data: bytes) -> None:
    """Each by its beginning; what promises nothing is not looked at."""
    assert find_content_problem([name], None, data[:1024], len(data)) is None


@pytest.mark.parametrize(
    ('names', 'media_type', 'start', 'problem'),
    [
        (['t.tsv.gz'], None, PAGE, 'is a web page (HTML), where gz was asked for'),
        (['t.csv'], 'text/html', PAGE, 'is a web page (HTML), where csv was asked for'),
        (['login', 't.zip'], None, PAGE, 'is a web page (HTML), where zip was asked for'),
        (['x'], 'Application/GZIP; a=b', PAGE, 'is a web page (HTML), where application/gzip was asked for'),
        (['x'], 'application/json', PAGE, 'is a web page (HTML), where application/json was asked for'),
        (['t.gz'], None, b'The API has moved', 'does not begin as gz does'),
        (['t.zip'], None, gzip.compress(b'x'), 'does not begin as zip does'),
        (['t.tar.xz'], None, b'', 'is empty, where tar.xz was asked for'),
        (['t.pdf'], None, b'error 500', 'does not begin as pdf does'),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(
    names: list[str], media_type: str | None, start: bytes, problem: str
) -> None:
    """Pages, texts and nothing in place of a file."""
    assert find_content_problem(names, media_type, start, len(start)) == problem


def test_one_name_of_several_is_enough() -> None:
    """A `.gz` that is delivered as what Content-Disposition says it is."""
    assert find_content_problem(['t.gz', 't.zip'], None, b'PK\x03\x04', 4) is None


@pytest.mark.parametrize('name', ['t.gz', 't.tar.bz2', 't.xz', 't.zip', 't.pdf', 't.csv', 'x'])
def test_a_healthy_start_is_healthy(name: str) -> None:
    """What rehearsals begin with passes the check."""
    start = healthy_start([name])
    assert find_content_problem([name], None, start, len(start)) is None
    assert bool(start) == (extension(name) not in {'csv', None})
