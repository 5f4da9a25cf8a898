"""Repeated header fields, and file names from servers."""

from pathlib import Path

import pytest

from dlmachine.errors import DownloadError
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource, respond
from tests.servers.http import Asked, Fields, Server, Wire

BODY = bytes(range(256)) * 200
HALF = len(BODY) // 2
LENGTH = str(len(BODY))


def _twice(*fields: tuple[str, str]) -> Fields:
    return tuple(field for field in fields for _ in range(2))


def _breaking_once(asked: Asked, wire: Wire) -> None:
    """Half of the body, then the requested rest. Every field occurs twice."""
    same = _twice(('ETag', '"v"'), ('Last-Modified', 'Wed, 01 May 2024 00:00:00 GMT'))
    first = int((asked.get('Range') or 'bytes=0-').removeprefix('bytes=').partition('-')[0])
    coding, length = ('Content-Encoding', 'identity'), ('Content-Length', str(len(BODY) - first))
    if not first:
        wire.head(200, (*same, *_twice(length, coding)))
        wire.send(BODY[:HALF])
        wire.close()
        return
    place = ('Content-Range', f'bytes {first}-{len(BODY) - 1}/{LENGTH}')
    wire.head(206, (*same, *_twice(place, length, coding)))
    wire.send(BODY[first:])


def test_repeated_equal_fields_count_once(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A redirect is followed, and a part resumed."""
    server.on('/data', _breaking_once)
    url = server.on('/moved', respond(302, _twice(('Location', '/data'))))
    path = make_manager(retries=1).download(url, dest=str(tmp_path / 'x'))
    assert Path(str(path)).read_bytes() == BODY
    assert [asked.get('If-Range') for asked in server.asked][-1] == '"v"'


@pytest.mark.parametrize(
    ('status', 'name', 'values'),
    [
        (302, 'Location', ('/a', '/b')),
        (200, 'ETag', ('"a"', '"b"')),
        (200, 'Last-Modified', ('Wed, 01 May 2024 00:00:00 GMT', 'Thu, 02 May 2024 00:00:00 GMT')),
        (200, 'Content-Length', ('3', '4')),
        (416, 'Content-Range', ('bytes */3', 'bytes */4')),
    ],
)
def test_two_different_values_are_an_error_that_names_the_field(
    make_manager: MakeManager, server: Server, status: int, name: str, values: tuple[str, ...]
) -> None:
    """It is not known which of them is correct."""
    fields = tuple((name, value) for value in values)
    length = () if name == 'Content-Length' else (('Content-Length', '3'),)

    def handle(asked: Asked, wire: Wire) -> None:
        wire.head(status, (*fields, *length))
        wire.send(b'abc')

    with pytest.raises(DownloadError, match=name):
        make_manager(retries=0).download(server.on('/x', handle), dest=False)


@pytest.mark.parametrize(
    ('value', 'name'),
    [
        ('attachment; filename=my 1st image.csv', 'my 1st image.csv'),
        ('filename=x.csv', 'x.csv'),
        ('attachment; filename="=?UTF-8?B?bmHDr3ZlLmNzdg==?="', 'naïve.csv'),
        ('attachment; filename=-rf', '_-rf'),
        ('attachment; filename="cache.sqlite"', '_cache.sqlite'),
        ("attachment; filename*=UTF-8''cache%E2%80%8B.sqlite-wal", '_cache.sqlite-wal'),
    ],
)
def test_names_that_servers_give(
    make_manager: MakeManager, server: Server, tmp_path: Path, value: str, name: str
) -> None:
    """As browsers parse them; none replaces a reserved file, even in the cache folder."""
    manager = make_manager(tmp_path / 'cache')
    kept = manager.download(server.on('/kept', resource(b'kept')))
    url = server.on('/data', resource(b'data', fields=(('Content-Disposition', value),)))
    path = Path(str(manager.download(url, dest=f'{tmp_path}/cache/')))
    assert (path.name, path.read_bytes()) == (name, b'data')
    assert manager.download(server.url('/kept')) == kept
