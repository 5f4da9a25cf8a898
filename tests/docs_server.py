"""The server that the examples of the documentation talk to; loopback only.

It serves a few small files with ETag and Last-Modified, answers conditions with 304, echoes
what is posted, and misbehaves at a few addresses.
"""

import gzip
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import HTTP
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TABLE = b'gene\tvalue\nTP53\t1\nEGFR\t2\n'
LAST_MODIFIED = 'Wed, 01 May 2024 12:00:00 GMT'
FILES = {
    '/table.tsv': TABLE,
    '/table.tsv.gz': gzip.compress(TABLE, mtime=0),
    '/notes.txt': b'read me first\n',
    '/big.bin': bytes(200_000),
    '/large.bin': bytes(3_000_000),
    '/SHA256SUMS': f'{sha256(TABLE).hexdigest()}  table.tsv\n'.encode(),
    '/login/table.tsv': b'<!DOCTYPE html><title>Please log in</title>\n',
    '/picture.jpg': b'\x89PNG\r\n\x1a\n' + bytes(16),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server: '_Server'

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        count = self.server.count(path)
        if path.startswith('/flaky/') and count == 1:
            self._answer(503, b'busy\n', {'Retry-After': '0'})
        elif path == '/down' or (path.startswith('/failing/') and count > 1):
            self._answer(503, b'down for maintenance\n')
        elif path == '/search':
            query = parse_qs(urlsplit(self.path).query)
            self._answer(200, json.dumps(query).encode(), {'Content-Type': 'application/json'})
        elif path == '/moved':
            self._answer(302, b'', {'Location': '/table.tsv'})
        else:
            self._file(FILES.get(path) or FILES.get('/' + path.rpartition('/')[2]))

    def do_POST(self) -> None:
        self.server.count(self.path)
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        told = json.dumps(_describe(self.headers.get('Content-Type', ''), body)).encode()
        self._answer(200, told, {'Content-Type': 'application/json'})

    def _file(self, data: bytes | None) -> None:
        if data is None:
            self._answer(404, b'<html>no such page</html>\n')
            return
        etag = f'"{sha256(data).hexdigest()[:12]}"'
        fields = {'ETag': etag, 'Last-Modified': LAST_MODIFIED}
        is_known = etag == self.headers.get('If-None-Match')
        is_old = self.headers.get('If-Modified-Since') == LAST_MODIFIED
        if is_known or (is_old and 'If-None-Match' not in self.headers):
            self._answer(304, b'', fields)
        elif self.headers.get('Range') and self.headers.get('If-Range') in {None, etag}:
            first, _, last = self.headers['Range'].removeprefix('bytes=').partition('-')
            end = min(int(last or len(data)), len(data) - 1)
            fields['Content-Range'] = f'bytes {first}-{end}/{len(data)}'
            self._answer(206, data[int(first) : end + 1], fields)
        else:
            self._answer(200, data, fields)

    def _answer(self, status: int, data: bytes, fields: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self._asked: Counter[str] = Counter()
        self._mutex = threading.Lock()

    def count(self, path: str) -> int:
        """How often this path has been asked for, this time included."""
        with self._mutex:
            self._asked[path] += 1
            return self._asked[path]


@contextmanager
def serve_examples() -> Iterator[str]:
    """The address of a running server, without a slash at its end."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _describe(content_type: str, body: bytes) -> dict[str, Any]:
    kind = content_type.partition(';')[0]
    if kind == 'application/json':
        return {'json': json.loads(body)}
    if kind == 'multipart/form-data':
        head = f'Content-Type: {content_type}\r\n\r\n'.encode()
        message = message_from_bytes(head + body, policy=HTTP)
        parts = {}
        for part in message.iter_parts():
            name = part.get_param('name', header='content-disposition')
            content = part.get_payload(decode=True)
            parts[name] = {'filename': part.get_filename(), 'size': len(content)}
        return {'parts': parts}
    return {'type': content_type, 'form': parse_qs(body.decode())}
