"""Only correct bytes: digests, checksum files, content and validation, end to end."""

import gzip
import socket
import zlib
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from hashlib import md5, sha256
from io import BytesIO
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import pytest

from dlmachine.core.faults import ChecksumUnknown, ContentRefused, DigestMismatch, HttpStatus
from dlmachine.core.protocol.outcome import Origin
from dlmachine.errors import DownloadError, IntegrityError, RequestError, ServerError
from dlmachine.manager import DownloadManager
from tests.servers.behaviours import chunked, in_turn, resource, respond
from tests.servers.http import Fields, Server

BODY = b'gene\tvalue\nTP53\t1\n' * 500
OTHER = b'gene\tvalue\nEGFR\t2\n' * 400
PAGE = b'<!DOCTYPE html>\n<html><title>Please log in</title>'
DIGEST = sha256(BODY).hexdigest()
MakeManager = Callable[..., DownloadManager]
AGAIN: dict[str, Any] = {'retries': 2, 'retry_wait': 0}


def of(body: bytes, algorithm: str = 'sha256') -> str:
    """A digest in base64, as servers write it."""
    return b64encode({'sha256': sha256, 'md5': md5}[algorithm](body).digest()).decode()


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('Repr-Digest', f'sha-256=:{of(OTHER)}:'),
        ('Content-Digest', f'sha-256=:{of(OTHER)}:'),
        ('Content-MD5', of(OTHER, 'md5')),
        ('x-goog-hash', f'crc32c=AAAAAA==,md5={of(OTHER, "md5")}'),
    ],
)
def test_a_digest_of_the_server_is_checked(
    manager: DownloadManager, server: Server, tmp_path: Path, name: str, value: str
) -> None:
    """Wrong bytes are not published; the next response, with the right digest, is."""
    fields: Fields = ((name, value),)
    url = server.on('/x', in_turn(resource(BODY, fields=fields), resource(OTHER, fields=fields)))
    with pytest.raises(IntegrityError, match=name):
        manager.download(url, tmp_path / 'x', retries=0)
    assert not (tmp_path / 'x').exists()

    outcome = manager.fetch(url, tmp_path / 'x', **AGAIN)
    assert (tmp_path / 'x').read_bytes() == OTHER
    assert outcome.record is not None
    assert [source for _, source in outcome.record.verified_by] == [name]


@pytest.mark.parametrize('where', ['url', 'path', 'checksum'])
def test_the_line_of_a_checksum_file_is_checked(
    manager: DownloadManager, server: Server, tmp_path: Path, where: str
) -> None:
    """SHA256SUMS by URL, by path, and as `checksum`; a stale line keeps the bytes out."""
    url = server.on('/d/x.tsv', resource(BODY))
    text = f'{sha256(OTHER).hexdigest()}  ./e/x.tsv\n{DIGEST} *./d/x.tsv\n'
    of_url = server.on('/SHA256SUMS', resource(text.encode()))
    (tmp_path / 'SHA256SUMS').write_text(text)
    forms: dict[str, dict[str, Any]] = {
        'url': {'checksum_file': of_url},
        'path': {'checksum_file': tmp_path / 'SHA256SUMS'},
        'checksum': {'checksum': of_url},
    }
    words = forms[where]

    outcome = manager.fetch(url, **words)
    again = manager.fetch(url, **words)
    with pytest.raises(IntegrityError, match='sha256 is') as raised:
        manager.fetch(server.on('/e/x.tsv', resource(BODY)), **words, retries=0)

    assert outcome.record is not None
    assert outcome.record.verified_by[0][0] == 'sha256'
    assert again.origin is Origin.CACHE
    assert isinstance(raised.value.fault, DigestMismatch)
    assert 'SHA256SUMS' in raised.value.fault.source
    # The file once, the checksum file with each download; the hit requests neither.
    asked = [one.path for one in server.asked]
    assert (asked.count('/d/x.tsv'), asked.count('/SHA256SUMS')) == (1, 0 if where == 'path' else 2)


def test_a_list_without_the_line_is_an_error(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """The file is not requested; nor without the checksum file."""
    url = server.on('/x.tsv', resource(BODY))
    sums = server.on('/x.md5', resource(b'<html>no such list</html>'))
    with pytest.raises(RequestError, match='contains no checksum') as raised:
        manager.download(url, checksum_file=sums)
    assert isinstance(raised.value.fault, ChecksumUnknown)
    with pytest.raises(ServerError) as missing:
        manager.download(url, checksum_file=server.url('/nothing.md5'))
    assert isinstance(missing.value.fault, HttpStatus)
    with pytest.raises(DownloadError, match='no such file'):
        manager.download(url, checksum_file=tmp_path / 'nothing.md5')
    assert '/x.tsv' not in [one.path for one in server.asked]


@pytest.mark.parametrize('target', ['/x.tsv.gz', '/x.zip', '/x.pdf', '/x.csv', '/x.nc4', '/get'])
def test_a_page_instead_of_a_file_is_refused(
    manager: DownloadManager, server: Server, tmp_path: Path, target: str
) -> None:
    """200 and HTML: never published, even instead of an older file; the mirror is next."""
    fields = (('Content-Type', 'application/gzip' if target == '/get' else 'text/html'),)
    page = b'<!-- ' + b'-' * 2_000 + b' -->' + PAGE if target == '/x.nc4' else PAGE
    url = server.on(target, resource(page, fields=fields))
    (tmp_path / 'x').write_bytes(b'old')
    with pytest.raises(IntegrityError, match='HTML page instead of') as raised:
        manager.download(url, tmp_path / 'x', retries=0)
    assert isinstance(raised.value.fault, ContentRefused)
    assert (tmp_path / 'x').read_bytes() == b'old'
    assert manager.fetch(url, dest=False, check_content=False).content is not None

    right = {'/x.tsv.gz': gzip.compress(BODY), '/x.zip': b'PK\x03\x04', '/x.pdf': b'%PDF-1.7'}
    body = right.get(target, BODY)
    outcome = manager.fetch(url, mirrors=[server.on('/mirror', resource(body))], **AGAIN)
    assert Path(str(outcome.path)).read_bytes() == body


def test_a_damaged_gzip_stream_is_refused(manager: DownloadManager, server: Server) -> None:
    """Truncated at its source, so that every length is right; a second, complete response is used."""
    whole = gzip.compress(BODY)
    for cut in (whole[:-9], whole[:-8] + bytes(8), whole + whole[:-1]):
        url = server.on('/x.gz', in_turn(resource(cut), chunked([whole[:40], whole[40:]])))
        outcome = manager.fetch(url, force_download=True, **AGAIN)
        assert Path(str(outcome.path)).read_bytes() == whole
        assert outcome.tries == 2


PNG = b'\x89PNG\r\n\x1a\n' + bytes(50)
GZIP = gzip.compress(BODY)


@pytest.mark.parametrize(
    ('target', 'body', 'note'),
    [
        ('/x.jpg', PNG, 'the content is PNG, although the name ends in .jpg'),
        ('/x.zip', b'MZ' + bytes(50), 'the content is a Windows program, although the name ends in .zip'),
        ('/x.gz', BODY, 'the content is not gzip, although the name ends in .gz'),
        ('/x.gz', GZIP + b'\n', '1 byte after the end of the gzip stream'),
        ('/x.gz', GZIP + bytes(512), '512 bytes after the end of the gzip stream'),
    ],
)  # fmt: skip
@pytest.mark.parametrize('dest', ['x', None, False])
def test_odd_content_is_stored_as_served_and_noted(
    manager: DownloadManager,
    server: Server,
    tmp_path: Path,
    target: str,
    body: bytes,
    note: str,
    dest: str | bool | None,
) -> None:
    """In the outcome, in the record, and in the outcome of a later hit."""
    url = server.on(target, resource(body))
    outcome = manager.fetch(url, tmp_path / 'x' if dest == 'x' else dest, retries=0)
    content = outcome.content
    assert (content.read() if isinstance(content, BytesIO) else Path(str(content)).read_bytes()) == body  # fmt: skip
    assert outcome.notes == (note,)
    if dest is None:
        again = manager.fetch(url)
        assert (again.origin, again.notes) == (Origin.CACHE, (note,))


@pytest.mark.parametrize('coding', ['gzip', 'deflate'])
def test_a_coded_body_is_decoded_to_the_end_of_its_stream(
    manager: DownloadManager, server: Server, coding: str
) -> None:
    """Bytes after the end are dropped and noted."""
    coded = GZIP + GZIP if coding == 'gzip' else zlib.compress(BODY + BODY)
    fields = (('Content-Encoding', coding),)
    outcome = manager.fetch(server.on('/x', resource(coded + b'tail', fields=fields)), False)
    assert outcome.content.read() == BODY + BODY  # type: ignore[union-attr]
    assert outcome.notes == (f'4 bytes after the end of the {coding} body, which were dropped',)
    with pytest.raises(ServerError, match='too early'):
        manager.fetch(server.on('/y', resource(coded[:-1], fields=fields)), False, retries=0)


@pytest.mark.parametrize(
    'values',
    [['UTF-8'], ['none'], ['identity, identity'], ['aws-chunked', ''], ['identity', 'identity']],
)
def test_values_that_are_not_codings_are_ignored(
    manager: DownloadManager, server: Server, values: list[str]
) -> None:
    """The bytes are stored as they are."""
    fields = tuple(('Content-Encoding', value) for value in values)
    outcome = manager.fetch(server.on('/x', resource(BODY, fields=fields)), False)
    assert outcome.content.read() == BODY  # type: ignore[union-attr]


@pytest.mark.parametrize(('name', 'coding'), [('x.tar.Z', 'x-compress'), ('x.bgz', 'gzip')])
def test_a_file_that_is_compressed_itself_is_kept(
    manager: DownloadManager, server: Server, name: str, coding: str
) -> None:
    """The coding belongs to the file."""
    url = server.on(f'/{name}', resource(GZIP, fields=(('Content-Encoding', coding),)))
    assert manager.fetch(url, False).content.read() == GZIP  # type: ignore[union-attr]


def test_an_unsupported_coding_can_be_stored_undecoded(
    manager: DownloadManager, server: Server
) -> None:
    """The refusal names the option that stores the bytes as they are."""
    url = server.on('/x', resource(BODY, fields=(('Content-Encoding', 'zstd'),)))
    with pytest.raises(ServerError, match='zstd.*check_content=False'):
        manager.download(url, False)
    outcome = manager.fetch(url, False, check_content=False)
    assert outcome.content.read() == BODY  # type: ignore[union-attr]
    assert outcome.notes == ('the content is in the coding zstd, as the server sent it',)


def test_too_little_is_refused(manager: DownloadManager, server: Server) -> None:
    """An empty response is valid HTTP, but not the expected file."""
    url = server.on('/x', in_turn(resource(b''), resource(BODY)))
    with pytest.raises(IntegrityError, match='at least 1'):
        manager.download(url, min_bytes=1, retries=0)
    assert manager.fetch(url, min_bytes=1).tries == 1


@pytest.mark.parametrize('dest', [None, False])
def test_validate_runs_last(manager: DownloadManager, server: Server, dest: bool | None) -> None:
    """A truncated body is refused first; the function sees the complete body."""
    whole = BODY + b'[success]\n'
    url = server.on('/biomart', in_turn(resource(BODY), resource(whole)))
    seen: list[bytes] = []

    def is_whole(file: Any) -> bool:
        seen.append(file.read())
        return seen[-1].endswith(b'[success]\n')

    outcome = manager.fetch(url, dest, validate=is_whole, **AGAIN)
    assert seen == [BODY, whole]
    assert outcome.tries == 2
    content = outcome.content
    assert (content.read() if isinstance(content, BytesIO) else Path(str(content)).read_bytes()) == whole  # fmt: skip


def test_what_a_function_raises_is_a_no(manager: DownloadManager, server: Server) -> None:
    """Its message is reported, without the secrets of the request."""

    def fail(file: Any) -> bool:
        msg = f'{len(file.read())} bytes of s3cret'
        raise ValueError(msg)

    url = server.on('/x', resource(BODY))
    with pytest.raises(IntegrityError, match=r'ValueError: 9000 bytes of \*\*\*'):
        manager.download(url, validate=fail, retries=0, headers={'X-Token': 's3cret'})
    with pytest.raises(RequestError, match='must be a function'):
        manager.download(url, validate='x')  # type: ignore[call-overload]


def test_a_stale_copy_is_used_if_a_refresh_fails(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """In the cache and at a path; bytes and date are unchanged, and the outcome says so."""
    manager = make_manager(path=tmp_path / 'cache')
    down = respond(503, body=PAGE * 1000)
    url = server.on('/x', in_turn(resource(BODY, etag='"1"'), down))
    first = manager.fetch(url)
    before = Path(str(first.path)).stat().st_mtime_ns

    stale = manager.fetch(url, check_freshness=True, stale_if_error=True, retries=0)
    with pytest.raises(ServerError):
        manager.fetch(url, check_freshness=True, retries=0)

    assert (stale.origin, stale.path, stale.record) == (Origin.STALE, first.path, first.record)
    assert isinstance(stale.fault, HttpStatus)
    assert '503' in stale.reason
    assert Path(str(first.path)).stat().st_mtime_ns == before
    assert manager.fetch(url).record == first.record

    (tmp_path / 'x').write_bytes(b'old')
    at_path = manager.fetch(url, tmp_path / 'x', stale_if_error=True, retries=0)
    assert (at_path.origin, at_path.path) == (Origin.STALE, str(tmp_path / 'x'))
    assert (tmp_path / 'x').read_bytes() == b'old'


def test_no_folder_is_created_if_create_dirs_is_off(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """The plan refuses it, before any request; by default the folder is created."""
    url = server.on('/x', resource(BODY))
    for dest in (tmp_path / 'new' / 'x', f'{tmp_path}/new/'):
        with pytest.raises(RequestError, match='create_dirs'):
            manager.plan(url, dest, create_dirs=False)
    assert manager.plan(url, tmp_path / 'x', create_dirs=False).effects
    assert server.asked == []
    manager.download(url, tmp_path / 'new' / 'x')
    assert (tmp_path / 'new' / 'x').read_bytes() == BODY


def test_a_secret_that_a_server_sends_back_is_kept_nowhere(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """In ETag, Last-Modified, name, Link: neither in the registry nor in a file's name."""
    secret = 'tok3n-of-mine'
    fields = (
        ('ETag', f'"{secret}"'),
        ('Last-Modified', secret),
        ('Content-Disposition', f'attachment; filename="{secret}.csv"'),
        ('Link', f'<http://h/?x={secret}>; rel=next'),
        ('X-Echo', f'you sent {secret}'),
    )
    manager = make_manager(path=tmp_path / 'cache')
    url = server.on('/x', resource(BODY, fields=fields))
    outcome = manager.fetch(url, headers={'Authorization': f'Bearer {secret}'})
    manager.fetch(url, headers={'Authorization': f'Bearer {secret}'}, check_freshness=True)
    manager.download(url, f'{tmp_path}/out/', headers={'Authorization': f'Bearer {secret}'})

    assert outcome.record is not None
    assert secret not in outcome.record.to_json()
    for path in tmp_path.rglob('*'):
        assert secret not in path.name
        assert path.is_dir() or secret.encode() not in path.read_bytes()


def test_a_304_of_another_version_is_not_believed(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """The complete file is requested, and the old bytes do not get the new name."""
    manager = make_manager(path=tmp_path / 'cache')
    confused = respond(304, (('ETag', '"2"'),))
    url = server.on(
        '/x', in_turn(resource(BODY, etag='"1"'), confused, resource(OTHER, etag='"2"'))
    )
    manager.download(url)
    outcome = manager.fetch(url, check_freshness=True)

    assert Path(str(outcome.path)).read_bytes() == OTHER
    assert outcome.record is not None
    assert outcome.record.etag == '"2"'
    assert [asked.get('If-None-Match') for asked in server.asked] == [None, '"1"', None]


def test_unsolicited_bytes_are_not_a_response(make_manager: MakeManager) -> None:
    """A second response on a kept connection; the next URL gets its own bytes."""
    asked: list[str] = []
    listener = socket.create_server(('127.0.0.1', 0))

    def answer_with(body: bytes) -> bytes:
        return b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (len(body), body)

    def serve(wire: socket.socket) -> None:
        with wire, suppress(OSError):
            while (head := wire.recv(65_536)).startswith(b'GET /'):
                path = head.split()[1].decode()
                asked.append(path)
                wire.sendall(answer_with(f'of {path}'.encode()))
                if path == '/first':
                    sleep(0.05)
                    wire.sendall(answer_with(b'of somebody else'))

    def accept() -> None:
        with suppress(OSError):
            while True:
                Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    accepting = Thread(target=accept)
    accepting.start()
    base = f'http://127.0.0.1:{listener.getsockname()[1]}'
    manager = make_manager(retries=0)
    bodies = []
    for path in ('/first', '/second', '/third'):
        bodies.append(manager.fetch(base + path, False).content.read())  # type: ignore[union-attr]
        sleep(0.2)
    manager.close()
    listener.shutdown(socket.SHUT_RDWR)  # Closing alone would leave it listening.
    accepting.join()
    listener.close()

    assert bodies == [b'of /first', b'of /second', b'of /third']
    assert asked == ['/first', '/second', '/third']
