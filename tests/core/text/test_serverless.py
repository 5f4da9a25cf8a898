"""URLs without a server: files (RFC 8089), and contents (RFC 2397)."""

from typing import Any

import pytest

from dlmachine.core.http.filename import name_in_url
from dlmachine.core.http.url import Url, parse_url
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.text.serverless import Content, read_data_url


@pytest.mark.parametrize(
    ('text', 'normal'),
    [
        ('file:///a/b.csv', 'file:///a/b.csv'), ('FILE:/a', 'file:///a'),
        ('file://LOCALHOST/a', 'file:///a'), ('file:///a/./b/../c d', 'file:///a/c%20d'),
        ('file:///a/%2E%2E/../b', 'file:///b'), ('file:///', 'file:///'), ('file:////a', 'file:////a'),
        ('file:///C:/a', 'file:///C:/a'), ('file:///%ff%0a', 'file:///%FF%0A'), ('file:///a%3Fb', 'file:///a%3Fb'),
        (' data:,a b ', 'data:,a%20b'), ('DATA:Text/CSV,a?b=%7e#c', 'data:Text/CSV,a?b=~'),
        ('data:;base64,YSxi', 'data:;base64,YSxi'), ('doi:10.5281/a b', 'doi:10.5281/a%20b'),
    ],
)  # fmt: skip
def test_normal_form(text: str, normal: str) -> None:
    """Each has one normal form, which is parsed to itself."""
    assert parse_url(text).map(str).unwrap() == normal
    assert parse_url(normal) == parse_url(text)


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('file:x', 'is the URL of a file without an absolute path'),
        ('file://data', 'is the URL of a file without an absolute path'),
        ('file://data/x', "names a file of another computer, 'data'"),
        ('file://me:pw@data/x', "names a file of another computer, 'data'"),
        ('file:///x?y', 'is the URL of a file, and contains ?'),
        ('file:///x#y', 'is the URL of a file, and contains #'),
        ('file:///x%00', 'is the URL of a file, and contains %00, which no file name can contain'),
        ('file:///' + '%' * 30_000, 'has 90,008 characters; at most 65,536 are allowed'),
        ('data:text/csv', 'is a data: URL without the comma before its content'),
        ('data:;base64,!', 'is a data: URL whose content is not base64'),
        ('data:;base64,YQ=Y', 'is a data: URL whose content is not base64'),
        ('data:,' + 'a' * 65_536, 'has 65,542 characters; at most 65,536 are allowed'),
        ('data:,a\nb', 'contains LF at position 7'),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_none(text: str, problem: str) -> None:
    """The fault names the argument and the problem."""
    fault: Any = parse_url(text, 'x').failure()
    assert (fault.where, fault.problem) == ('x', problem)


@pytest.mark.parametrize(
    ('path', 'content'),
    [
        (',', Content('text/plain;charset=US-ASCII', b'')),
        (',%41b%FF+', Content('text/plain;charset=US-ASCII', b'Ab\xff+')),
        (';charset=utf-8,a,b', Content('text/plain;charset=utf-8', b'a,b')),
        ('text/csv ; BASE64,YQ%3D%3D', Content('text/csv', b'a')),
        ('x/y;base64,Y%20W%0A', Content('x/y', b'a')), (';base64,', Content('text/plain;charset=US-ASCII', b'')),
        ('no comma', None), (';base64,Y', None), (';base64,Y-W_', None),
    ],
)  # fmt: skip
def test_contents(path: str, content: Content | None) -> None:
    """Base64 may lack its padding and have white space; anything else in it is refused."""
    assert read_data_url(path) == content


def test_a_content_is_not_shown() -> None:
    """It may be secret, and long; its media type names the file."""
    url = 'data:text/csv;base64,cGxhbnRlZA=='
    assert redact_url(url) == 'data:text/csv;base64,***'
    assert 'cGxh' not in repr(parse_url(url).unwrap())
    assert {redact_url('DATA:planted'), redact_url(f'data:{"x" * 300},planted')} == {'data:,***'}
    assert name_in_url('data:text/csv,***') == 'data.csv'
    assert name_in_url('data:x/y,***') == 'data'


def test_origins() -> None:
    """Two files have one origin, as they have no server."""
    urls: list[Url] = [parse_url(f'file:///{name}').unwrap() for name in 'ab']
    assert {url.origin for url in urls} == {('file', '', None)}
