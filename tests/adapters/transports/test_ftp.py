"""FTP by libcurl, translated into HTTP."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dlmachine.core.faults import BodyTruncated, ConnectionFailed, Fault, TimedOut
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.ports import Transport
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.response_reader import ResponseReader
from tests.adapters.transport_fakes import (
    MemoryPart,
    RealClock,
    answered,
    exchange_for,
    interrupted,
)
from tests.servers.ftp import FtpFile, FtpServer

_DATA = bytes(range(256)) * 40
_MODIFIED = 'Wed, 01 May 2024 00:00:00 GMT'
_FILES = {'a/b.txt': FtpFile(data=_DATA)}


@pytest.fixture
def curl(make_transport: Callable[[str], Transport]) -> Transport:
    """The only transport that supports FTP."""
    transport = make_transport('curl')
    if 'ftp' not in transport.seen.schemes:
        pytest.skip('this libcurl has no FTP')
    return transport


def _resume(
    curl: Transport, url: str, part: MemoryPart, validator: str = _MODIFIED
) -> Responded | Interrupted:
    expect = Expectation(offset=part.size_bytes, validator=validator)
    return curl.exchange(exchange_for(url, expect=expect), part)


def test_a_file_arrives_with_size_and_time(curl: Transport) -> None:
    """The head has the size and time of FTP; a later exchange reuses the connection."""
    with FtpServer(files=_FILES) as server:
        for _ in range(2):
            part = MemoryPart()
            event = answered(curl.exchange(exchange_for(server.url('a/b.txt')), part))
            assert bytes(part.data) == _DATA
        assert server.connections == 1
    head = event.head
    assert (head.status, head.headers.get('Content-Length')) == (200, str(len(_DATA)))
    assert head.headers.get('Last-Modified') == _MODIFIED
    # With its Date it is old enough to be a strong validator, so the part can be resumed.
    assert isinstance(part.taking, StoreBody)
    assert part.taking.validator == _MODIFIED


def test_an_empty_file_is_valid(curl: Transport) -> None:
    """An empty body is valid."""
    with FtpServer(files={'empty': FtpFile(data=b'')}) as server:
        event = answered(curl.exchange(exchange_for(server.url('empty')), MemoryPart()))
    assert event.received is not None
    assert event.received.size_bytes == 0


def test_a_part_is_continued(curl: Transport) -> None:
    """REST is reported as 206; the bytes are right in the end."""
    with FtpServer(files=_FILES) as server:
        part = MemoryPart(_DATA[:5000])
        event = answered(_resume(curl, server.url('a/b.txt'), part))
    assert event.head.status == 206
    assert bytes(part.data) == _DATA


@pytest.mark.parametrize(
    ('refuses', 'held', 'validator'),
    [
        (set(), 5000, 'Thu, 02 May 2024 00:00:00 GMT'),
        (set(), 10_240, _MODIFIED),
        (set(), 20_000, _MODIFIED),
        ({'REST'}, 5000, _MODIFIED),
        ({'SIZE'}, 5000, _MODIFIED),
        ({'MDTM'}, 5000, _MODIFIED),
    ],
    ids=['another version', 'nothing left', 'shorter now', 'no REST', 'no SIZE', 'no MDTM'],
)
def test_a_part_that_cannot_be_resumed_is_416(
    curl: Transport, refuses: set[str], held: int, validator: str
) -> None:
    """The core then starts over; the part is unchanged."""
    with FtpServer(files=_FILES, refuses=frozenset(refuses)) as server:
        part = MemoryPart(b'x' * held)
        event = answered(_resume(curl, server.url('a/b.txt'), part, validator))
        assert (event.head.status, len(part.data)) == (416, held)
        fresh = MemoryPart()
        answered(curl.exchange(exchange_for(server.url('a/b.txt')), fresh))
        assert bytes(fresh.data) == _DATA


@pytest.mark.parametrize(
    ('path', 'login', 'greeting', 'status'),
    [
        ('a/nothing', '', '220 ready', 404),
        ('nowhere/b.txt', '', '220 ready', 404),
        ('a/b.txt', 'me:pw', '220 ready', 401),
        ('a/b.txt', '', '421 too many users', 503),
    ],
    ids=['no file', 'no folder', 'no login', 'too many users'],
)
def test_a_refusal_is_a_status(
    curl: Transport, path: str, login: str, greeting: str, status: int
) -> None:
    """With the server's text as reason."""
    with FtpServer(files=_FILES, login=login, greeting=greeting) as server:
        event = answered(curl.exchange(exchange_for(server.url(path)), MemoryPart()))
    assert event.head.status == status
    assert event.head.reason[:3].isdigit()


@pytest.mark.parametrize('where', ['url', 'netrc'])
def test_a_login_is_used(curl: Transport, tmp_path: Path, where: str) -> None:
    """From the URL or the netrc file, percent-decoded."""
    if where == 'netrc':
        (tmp_path / 'home' / '.netrc').write_text('machine 127.0.0.1 login me password p@:w\n')
    with FtpServer(files=_FILES, login='me:p@:w') as server:
        url = server.url('a/b.txt', 'me:p%40%3Aw' if where == 'url' else '')
        answered(curl.exchange(exchange_for(url), MemoryPart()))


@pytest.mark.parametrize(
    ('file', 'kind'),
    [
        (FtpFile(data=_DATA, sent_bytes=500), BodyTruncated),
        (FtpFile(data=_DATA, sent_bytes=500, ends_with='426 aborted'), BodyTruncated),
        (FtpFile(data=_DATA, ends_with='451 disk trouble'), ConnectionFailed),
        (FtpFile(data=_DATA, sent_bytes=500, pause=60), TimedOut),
    ],
    ids=['226 after too little', '426', '451 after all', 'silence'],
)
def test_a_broken_transfer_has_its_fault(curl: Transport, file: FtpFile, kind: type[Fault]) -> None:
    """The bytes before it stay in the part."""
    with FtpServer(files={'f': file}) as server:
        part = MemoryPart()
        event = interrupted(curl.exchange(exchange_for(server.url('f'), stall=0.3), part))
    assert isinstance(event.fault, kind)
    assert event.part_bytes == len(part.data) == (file.sent_bytes or len(_DATA))


def test_silence_at_the_greeting_is_bounded(curl: Transport) -> None:
    """A server that accepts a connection and sends nothing."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        url = f'ftp://127.0.0.1:{listener.getsockname()[1]}/f'
        event = interrupted(curl.exchange(exchange_for(url, connect=0.3, stall=0.3), MemoryPart()))
    assert isinstance(event.fault, TimedOut)


def test_a_scheme_that_libcurl_does_not_have_is_refused(
    curl: Transport, make_transport: Callable[[str], Transport]
) -> None:
    """No backend uses a scheme that is not for downloads."""
    event = interrupted(curl.exchange(exchange_for('gopher://h/x'), MemoryPart()))
    assert event.fault.code == 'scheme_refused'
    event = interrupted(
        make_transport('requests').exchange(exchange_for('ftp://h/x'), MemoryPart())
    )
    assert event.fault.code == 'scheme_refused'


@pytest.mark.parametrize(('code', 'status'), [(67, 401), (9, 403), (78, 404), (56, None)])
def test_refusals_of_sftp_have_statuses(code: int, status: int | None) -> None:
    """SFTP has no replies; libcurl's text is the reason."""
    pytest.importorskip('pycurl')
    from dlmachine_adapters.curl_backend.callbacks import CurlResponse

    effect, clock = exchange_for('sftp://h/x'), RealClock()
    reader = ResponseReader(effect, MemoryPart(), clock)
    response = CurlResponse(clock)
    response.begin(effect, 'sftp', Deadlines(effect), reader, None)
    refusal = response.refusal(code, 'words')
    assert (refusal and refusal.status) == status
    assert refusal is None or refusal.reason == 'words'
