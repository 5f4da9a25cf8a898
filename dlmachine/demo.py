"""A small web server on this computer, for examples; the documentation uses it.

`examples()` starts it. It has these paths:

| path | response |
| --- | --- |
| `/table.tsv`, `/table.tsv.gz` | a table of two genes, 25 bytes unpacked |
| `/interactions.tsv.gz` | a table of 5,000 made-up protein interactions |
| `/notes.txt` | a line of text |
| `/large.bin` | 3,000,000 bytes |
| `/SHA256SUMS` | the checksum of `table.tsv` |
| `/picture.jpg` | the beginning of a PNG, under the wrong name |
| `/login/table.tsv` | a web page that asks for a login |
| `/search?ids=1` | its query, as JSON |
| `/echo` | the posted body, as JSON |
| `/moved` | a redirect to `/table.tsv` |
| `/down` | always 503 |
| `/flaky/table.tsv` | 503 to the first request, then the file of that name |
| `/failing/table.tsv` | the file of that name to the first request, then 503 |
| `/fresh/table.tsv` | the file of that name, fresh for an hour by its Cache-Control |

Any other path is 404. Files have an ETag and a Last-Modified; the server answers conditional
requests with 304, and ranges with 206.
"""

import gzip
import json
import random
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import HTTP
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from dlmachine.core.deprecation import warn_renamed
from dlmachine.core.regex import regex

_TABLE: Final = b'gene\tvalue\nTP53\t1\nEGFR\t2\n'
_MODIFIED: Final = 'Wed, 01 May 2024 12:00:00 GMT'
#: Any other range is ignored, as RFC 9110 section 14.2 allows.
_RANGE: Final = regex(r'bytes=(\d+)-(\d*)')
#: The prefixes of files that sometimes get a 503, or that are fresh for an hour.
_PREFIXES: Final = regex('^/(flaky|failing|fresh)/')
_JSON: Final = {'Content-Type': 'application/json'}


class ExampleServer:
    """A running server: close it, use it in a `with` statement, or let it end with the program.

    `url` is its base URL, without a slash at the end. `files` maps each path to the bytes of its
    file; you may add and change files. `requests` lists each request with the status of its
    response.

    >>> with examples({'/hello.txt': b'hello'}) as server:
    ...     server.url.startswith('http://127.0.0.1:'), server.requests
    (True, [])
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.requests: list[str] = []
        self._server = _Server(self)
        self.url = f'http://127.0.0.1:{self._server.server_port}'
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={'poll_interval': 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop the server. Closing it twice is harmless."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def examples(files: Mapping[str, bytes] | None = None) -> ExampleServer:
    """Start a server with the example files and, by their paths, with yours."""
    return ExampleServer({**_make_files(), **(files or {})})


@contextmanager
def serve(
    body: bytes | None = None, path: str = '/interactions.tsv.gz'
) -> Iterator[SimpleNamespace]:
    """The former name of `examples`: `url` is the URL of one file, `asked` lists the requests."""
    warn_renamed('dlmachine.demo.serve', 'dlmachine.demo.examples')
    with examples({} if body is None else {path: body}) as server:
        yield SimpleNamespace(url=f'{server.url}{path}', asked=server.requests)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, shown: ExampleServer) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.shown = shown

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that closes the connection early, for example at `max_bytes`, is not an error.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server: _Server

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        path, files = urlsplit(self.path).path, self.server.shown.files
        is_first = not any(f' {path} ' in line for line in self.server.shown.requests)
        if path.startswith('/flaky/') and is_first:
            self._respond(503, b'busy\n', {'Retry-After': '0'})
        elif path == '/down' or (path.startswith('/failing/') and not is_first):
            self._respond(503, b'down for maintenance\n')
        elif path == '/search':
            self._respond(200, json.dumps(parse_qs(urlsplit(self.path).query)).encode(), _JSON)
        elif path == '/moved':
            self._respond(302, b'', {'Location': '/table.tsv'})
        else:
            self._respond_file(files.get(_PREFIXES.sub('/', path)))

    do_HEAD = do_GET  # noqa: N815 -- the name is that of http.server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        try:
            described = _describe(self.headers.get('Content-Type', ''), body)
        except ValueError as error:
            self._respond(400, f'{error}\n'.encode())
        else:
            self._respond(200, json.dumps(described).encode(), _JSON)

    def _respond_file(self, data: bytes | None) -> None:
        if data is None:
            self._respond(404, b'<html>no such page</html>\n')
            return
        etag = f'"{sha256(data).hexdigest()[:12]}"'
        fields = {'ETag': etag, 'Last-Modified': _MODIFIED}
        if self.path.startswith('/fresh/'):
            fields['Cache-Control'] = 'max-age=3600'
        headers = self.headers
        if 'If-None-Match' in headers:
            is_current = headers['If-None-Match'] == etag
        else:
            is_current = headers.get('If-Modified-Since') == _MODIFIED
        span = _RANGE.fullmatch(headers.get('Range', ''))
        if is_current:
            self._respond(304, b'', fields)
        elif span and int(span[1]) < len(data) and headers.get('If-Range') in {None, etag}:
            first, end = int(span[1]), min(int(span[2] or len(data)), len(data) - 1)
            fields['Content-Range'] = f'bytes {first}-{end}/{len(data)}'
            self._respond(206, data[first : end + 1], fields)
        else:
            self._respond(200, data, fields)

    def _respond(self, status: int, data: bytes, fields: Mapping[str, str] | None = None) -> None:
        self.server.shown.requests.append(f'{self.command} {urlsplit(self.path).path} {status}')
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(data)


def _make_files() -> dict[str, bytes]:
    return {
        '/table.tsv': _TABLE,
        '/table.tsv.gz': _compress(_TABLE),
        '/interactions.tsv.gz': _compress(_make_interactions()),
        '/notes.txt': b'read me first\n',
        '/large.bin': bytes(3_000_000),
        '/SHA256SUMS': f'{sha256(_TABLE).hexdigest()}  table.tsv\n'.encode(),
        '/login/table.tsv': b'<!DOCTYPE html><title>Please log in</title>\n',
        '/picture.jpg': b'\x89PNG\r\n\x1a\n' + bytes(16),
    }


def _make_interactions(rows: int = 5_000) -> bytes:
    chance = random.Random(20240501)  # noqa: S311 -- example data
    names = [f'P{number:05d}' for number in range(2_000)]
    lines = ['source\ttarget\tscore']
    lines += [
        f'{chance.choice(names)}\t{chance.choice(names)}\t{chance.random():.3f}'
        for _ in range(rows)
    ]
    return '\n'.join(lines).encode()


def _compress(data: bytes) -> bytes:
    packed = gzip.compress(data, mtime=0)
    # Byte 9 names the operating system; Python versions write it differently.
    return packed[:9] + b'\x03' + packed[10:]


def _describe(content_type: str, body: bytes) -> dict[str, Any]:
    kind = content_type.partition(';')[0]
    if kind == 'application/json':
        return {'json': json.loads(body)}
    if kind != 'multipart/form-data':
        return {'type': content_type, 'form': parse_qs(body.decode())}
    head = f'Content-Type: {content_type}\r\n\r\n'.encode()
    parts = {}
    for part in message_from_bytes(head + body, policy=HTTP).iter_parts():
        name = part.get_param('name', header='content-disposition')
        content = part.get_payload(decode=True)
        parts[name] = {'filename': part.get_filename(), 'size': len(content)}
    return {'parts': parts}
