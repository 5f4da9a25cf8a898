"""The text of an error response: in the fault, the exception, the message, and JSON."""

import gzip
import json
import pickle

import pytest

from dlmachine.core.faults import HttpStatus
from dlmachine.errors import DownloadError
from tests.fixtures import MakeManager, RunCommand
from tests.servers.behaviours import chunked, in_turn, raw, resource, respond
from tests.servers.http import Server

SECRET = 's3cret-token'
JSON = (('Content-Type', 'application/json'),)
WHY = b'{"error": {"code": 7, "message": "no such\\ncolumn"}}'


@pytest.mark.parametrize('status', [202, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_an_error_shows_the_message_of_the_server(
    make_manager: MakeManager, server: Server, status: int
) -> None:
    """As text, as JSON, and in one line of the message."""
    url = server.on('/x', respond(status, JSON, WHY))
    with pytest.raises(DownloadError) as caught:
        make_manager(retries=0).download(url)
    error = caught.value
    assert isinstance(error.fault, HttpStatus)
    assert error.body == error.fault.body == WHY.decode()
    assert error.json == error.fault.json == json.loads(WHY)
    assert 'no such column' in str(error)
    assert '\n' not in str(error)
    assert pickle.loads(pickle.dumps(error)).json == error.json


@pytest.mark.parametrize(
    ('handler', 'body'),
    [
        (respond(500, body=b'x' * 100_000), 'x' * 4_096),
        (raw(b'HTTP/1.1 500 No\r\n\r\nwhy', ends='close'), 'why'),
        (raw(b'HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\nwhy', ends='close'), 'why'),
        (raw(b'HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\nwhy', 30.0), 'why'),
        (respond(500, body=b'\x89PNG\0'), ''),
        (respond(500), ''),
        (respond(500, (('Content-Encoding', 'UTF-8'),), b'why'), 'why'),
        (respond(500, (('Content-Encoding', 'gzip'),), gzip.compress(b'why')), 'why'),
        (respond(500, (('Content-Encoding', 'gzip'),), gzip.compress(bytes(1 << 22))), ''),
        (respond(500, (('Content-Encoding', 'gzip'),), gzip.compress(b'x' * 50_000)), 'x' * 4_096),
        (respond(500, (('Content-Encoding', 'gzip'),), b'why'), ''),
        (respond(500, (('Content-Encoding', 'br'),), b'why'), ''),
    ],
    ids=[
        'large',
        'until the close',
        'cut',
        'slow',
        'a picture',
        'nothing',
        'no coding',
        'coded',
        'a bomb',
        'coded and large',
        'not as coded',
        'a coding that cannot be undone',
    ],
)
def test_bodies_of_all_kinds(
    make_manager: MakeManager, server: Server, handler: object, body: str
) -> None:
    """At most 4 KiB and one second, with any result."""
    url = server.on('/x', handler)  # type: ignore[arg-type]
    with pytest.raises(DownloadError) as caught:
        make_manager(retries=0).download(url)
    assert caught.value.body == body
    assert caught.value.json is None


def test_secrets_in_an_error_are_masked(make_manager: MakeManager, server: Server) -> None:
    """Those of the request, in any place, truncated or not."""
    said = f'bad key {SECRET} in /x?token={SECRET} '.encode()
    for body in (said, said * 1_000):
        url = server.on('/x', respond(403, JSON, body))
        with pytest.raises(DownloadError) as caught:
            make_manager(retries=0).download(f'{url}?token={SECRET}')
        error = caught.value
        assert 'bad key' in (error.body or '')
        assert 's3cret' not in f'{error.body} {error} {error.fault!r}'


def test_the_body_of_a_redirect_is_not_kept(make_manager: MakeManager, server: Server) -> None:
    """Its page is not an error; the target counts."""
    url = server.on('/x', respond(302, (('Location', '/y'), *JSON), WHY))
    server.on('/y', respond(404, body=b'gone'))
    with pytest.raises(DownloadError) as caught:
        make_manager(retries=0).download(url)
    assert caught.value.body == 'gone'


def test_the_last_error_counts(make_manager: MakeManager, server: Server) -> None:
    """Earlier messages are discarded."""
    url = server.on('/x', in_turn(respond(503, JSON, WHY), chunked([b'ok'])))
    buffer = make_manager(retries=1).fetch(url, dest=False).buffer
    assert buffer is not None
    assert buffer.read() == b'ok'
    broken = server.on('/z', in_turn(respond(503, JSON, WHY), respond(503, body=b'later')))
    with pytest.raises(DownloadError, match='later'):
        make_manager(retries=1).download(broken)


def test_the_command_line_prints_error_bodies_as_json(run: RunCommand, server: Server) -> None:
    """In `--json`, for one URL and for many; in one line for people."""
    bad, good = server.on('/bad', respond(400, JSON, WHY)), server.on('/good', resource(b'1'))
    for urls in ([bad], [bad, good]):
        done = run('get', *urls, '--json', '--retry', '0')
        reported = [json.loads(line) for line in done.stdout.splitlines()]
        (failed,) = (one for one in reported if not one['ok'])
        assert json.loads(failed['fault']['body']) == json.loads(WHY)
        assert 'no such column' in done.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ('body', 'message'),
    [
        (b'<html><title>404 Not Found</title><h1>nginx</h1></html>', '404 Not Found. '),
        (b'<html><title>No such gene</title></html>', '404 Not Found: No such gene. '),
        (b'not found', '404 Not Found. '),
    ],
)
def test_the_reason_phrase_is_not_repeated(
    make_manager: MakeManager, server: Server, body: bytes, message: str
) -> None:
    """The message has the title of a page, unless it equals the reason phrase."""
    url = server.on('/x', respond(404, body=body, reason='Not Found'))
    with pytest.raises(DownloadError, match=message):
        make_manager(retries=0).download(url)
