"""The demonstration: a real download over a real socket, without the internet.

A server on this machine gives a table; plan, download, cache hit, revalidation and audit
are shown, with what the server was asked each time.
"""

import gzip
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from dlmachine.auditor import audit
from dlmachine.manager import DownloadManager
from dlmachine.manifest import parse_lines

_MODIFIED = 'Wed, 01 May 2024 10:00:00 GMT'


@dataclass
class DemoServer:
    """A running server: its address, and what it was asked and answered."""

    url: str
    asked: list[str] = field(default_factory=list)

    def take_asked(self) -> list[str]:
        """What came since the last time."""
        taken, self.asked[:] = list(self.asked), []
        return taken


def make_table(rows: int = 5_000) -> bytes:
    """A table of made-up protein interactions, gzip-compressed; always the same bytes."""
    chance = random.Random(20240501)  # noqa: S311 -- example data
    names = [f'P{number:05d}' for number in range(2_000)]
    lines = ['source\ttarget\tscore']
    lines += [
        f'{chance.choice(names)}\t{chance.choice(names)}\t{chance.random():.3f}'
        for _ in range(rows)
    ]
    packed = gzip.compress('\n'.join(lines).encode(), mtime=0)
    # The header names the system that packed it, which Pythons write differently.
    return packed[:9] + b'\x03' + packed[10:]


@contextmanager
def serve(body: bytes | None = None, path: str = '/interactions.tsv.gz') -> Iterator[DemoServer]:
    """Serve a file from loopback as a good server does: with an ETag, a date, and 304.

    >>> with serve(b'abc', '/x') as server:
    ...     server.url.startswith('http://127.0.0.1:')
    True
    """
    content = make_table() if body is None else body
    etag = f'"{sha256(content).hexdigest()[:16]}"'
    demo = DemoServer(url='')

    class Handler(BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def do_GET(self) -> None:
            is_current = self.headers.get('If-None-Match') == etag
            status = 404 if self.path != path else 304 if is_current else 200
            condition = ' (If-None-Match)' if 'If-None-Match' in self.headers else ''
            demo.asked.append(f'GET {self.path}{condition} -> {status}')
            self.send_response(status)
            self.send_header('ETag', etag)
            self.send_header('Last-Modified', _MODIFIED)
            sent = content if status == 200 else b''
            if status != 304:
                self.send_header('Content-Length', str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as running:
        running.daemon_threads = True
        demo.url = f'http://127.0.0.1:{running.server_port}{path}'
        thread = threading.Thread(target=running.serve_forever, kwargs={'poll_interval': 0.05})
        thread.start()
        try:
            yield demo
        finally:
            running.shutdown()
            thread.join()


def run_demo(backend: str, say: Callable[[str], None]) -> None:
    """Show the main job with one backend."""
    with serve() as server, tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, 'cache')
        with DownloadManager(path=cache, backend=backend, progress=False) as manager:

            def tell(what: str) -> None:
                asked = server.take_asked()
                say(f'  {what}')
                say(f'  requests: {"; ".join(asked) if asked else "none"}\n')

            say(f'== {backend} ==\n')
            say('1. The plan, before anything happens:\n')
            say('\n'.join(f'  {line}' for line in str(manager.plan(server.url)).splitlines()))
            tell(f'the cache folder {"exists" if cache.exists() else "was not even made"}')
            say('2. The download:\n')
            outcome = manager.fetch(server.url)
            record = outcome.record
            assert record is not None  # noqa: S101 -- a download always has one
            tell(f'{record.size_bytes:,} bytes, sha256 {record.sha256[:16]}..., {outcome.path}')
            say('3. Again: a cache hit:\n')
            again = manager.fetch(server.url)
            tell(f'from the {again.origin.value}, because {again.reason}')
            say('4. Is it still current? One conditional request:\n')
            checked = manager.fetch(server.url, check_freshness=True)
            tell(f'from the {checked.origin.value}, because {checked.reason}')
            say('5. An audit of two wishes, which asks nobody:\n')
            wishes = parse_lines([server.url, f'{server.url}.md5'], manager.policy, {})
            with manager.adapters() as world:
                rows = list(audit(wishes, world))
            for row in rows:
                say(f'  {row.status.value:8} {row.url}: {row.reason}')
            tell('nothing was downloaded, nothing written')
