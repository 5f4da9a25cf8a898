"""What the server of the tables does at each path."""

import gzip
from collections.abc import Mapping
from typing import Final

from tests.servers.behaviours import (
    chunked,
    in_turn,
    raw,
    redirect,
    resource,
    respond,
    short,
    silent,
    trickle,
)
from tests.servers.http import Asked, Handler, Server, Wire

DATA: Final = b'id,score\nP1,1\n'
_PAGE: Final = b'<!DOCTYPE html><html><body>Please log in</body></html>'
_RECORD: Final = b'{"files": [{"key": "a.csv"}, {"key": "b.csv"}]}'
_ARTICLE: Final = b'{"values": [{"type": "URL", "data": {"value": "https://journal.example/1"}}]}'
_NO_LENGTH: Final = b'HTTP/1.1 200 OK\r\n'


def _status(asked: Asked, wire: Wire) -> None:
    wire.respond(int(asked.path.rpartition('/')[2]), (), b'', _REASONS.get(asked.path[-3:], ''))


def _asks(*challenges: str) -> Handler:
    return respond(401, tuple(('WWW-Authenticate', one) for one in challenges), b'', 'Unauthorized')


def _head(*lines: bytes) -> Handler:
    return raw(b'\r\n'.join((b'HTTP/1.1 200 OK', *lines, b'Content-Length: 0', b'', b'')))


_REASONS: Final = {
    '401': 'Unauthorized', '403': 'Forbidden', '404': 'Not Found', '405': 'Method Not Allowed',
    '407': 'Proxy Authentication Required', '410': 'Gone', '418': '', '500': 'Internal Server Error',
    '501': 'Not Implemented', '503': 'Service Unavailable',
}  # fmt: skip

_ROUTES: Final[Mapping[str, Handler]] = {
    '/asks/basic': _asks('Basic realm="data"'),
    '/asks/digest': _asks('Digest realm="data", nonce="1"'),
    '/asks/bearer': _asks('Bearer'),
    '/asks/negotiate': _asks('Negotiate', 'NTLM'),
    '/data.csv': resource(DATA, etag='"v1"'),
    '/data.csv.gz': resource(gzip.compress(DATA, mtime=0)),
    '/hello.txt': resource(b'hello'),
    '/changes.csv': in_turn(resource(DATA, etag='"v1"'), respond(503, reason='Service Unavailable')),
    '/asks.csv': respond(429, (('Retry-After', '90'),), reason='Too Many Requests'),
    '/asks-briefly.csv': respond(429, (('Retry-After', '1'),), reason='Too Many Requests'),
    '/json-error': respond(400, (('Content-Type', 'application/json'),), b'{"error": "no such id"}',
                          'Bad Request'),
    '/zenodo/api/records/1': resource(_RECORD),
    '/zenodo/api/records/2': resource(_PAGE),
    '/doi/api/handles/10.1234/paper': resource(_ARTICLE),
    '/302': respond(302, reason='Found'),
    '/bad-location': redirect('http://[::1/'),
    '/loop': redirect('/loop'),
    '/moved': redirect('/data.csv', 301),
    '/chain': redirect('/chain-2'),
    '/chain-2': redirect('/data.csv'),
    '/to-ftp': redirect('ftp://example.org/x'),
    '/to-http': redirect('http://example.org/x'),
    '/form': redirect('http://localhost:1/x', 307),
    '/status-999': respond(999),
    '/304': respond(304),
    '/206': respond(206, (('Content-Range', 'bytes 0-1/6'),), b'01'),
    '/gzip-rest': resource(gzip.compress(DATA) + b'more', fields=(('Content-Encoding', 'gzip'),)),
    '/coded': resource(DATA, fields=(('Content-Encoding', 'compress'),)),
    '/gzip-damaged': resource(b'no gzip', fields=(('Content-Encoding', 'gzip'),)),
    '/gzip-short': resource(gzip.compress(DATA)[:-9], fields=(('Content-Encoding', 'gzip'),)),
    '/bomb': resource(gzip.compress(bytes(200_000_000), 9),
                      fields=(('Content-Encoding', 'gzip'),), ranges=False),
    '/rest': in_turn(
        raw(_NO_LENGTH, b'ETag: "v1"\r\nContent-Length: 6\r\n\r\n0123'), resource(b'012345', etag='"v1"')
    ),
    '/short': short(b'0123', 10),
    '/bad-chunk': raw(_NO_LENGTH, b'Transfer-Encoding: chunked\r\n\r\nfour\r\n'),
    '/short-chunks': chunked([b'0123'], is_cut=True),
    '/silent-close': raw(),
    '/slow': silent,
    '/trickle': trickle(1000, 0.02),
    '/no-http': raw(b'SSH-2.0-OpenSSH\r\n\r\n'),
    '/two-lengths': _head(b'Content-Length: 5'),
    '/bad-length': raw(_NO_LENGTH, b'Content-Length: five\r\n\r\n'),
    '/bad-coding': raw(_NO_LENGTH, b'Transfer-Encoding: rot13\r\n\r\n'),
    '/bad-line': _head(b'no colon'),
    '/space-first': _head(b' X: 1'),
    '/nul-in-head': _head(b'X: a\0b'),
    '/long-line': _head(b'X: ' + b'a' * 200_000),
    '/many-fields': _head(*(b'X-%d: 1' % number for number in range(10_001))),
    '/big-head': _head(*(b'X-%d: ' % number + b'a' * 60_000 for number in range(40))),
    '/cut-head': raw(_NO_LENGTH, b'Content-Le'),
    '/page.gz': resource(_PAGE),
    '/empty.gz': resource(b''),
    '/damaged.gz': resource(gzip.compress(DATA, mtime=0)[:-8] + b'damaged.'),
    '/short.gz': resource(gzip.compress(DATA, mtime=0)[:-10]),
    '/rest.csv.gz': resource(gzip.compress(DATA, mtime=0) + b'more'),
    '/text.gz': resource(DATA),
    '/picture.jpg': resource(b'\x89PNG\r\n\x1a\n'),
    '/digest.csv': resource(DATA, fields=(('Content-MD5', '1B2M2Y8AsgTpgAmY7PhCfg=='),)),
    '/SHA256SUMS': resource(b'0' * 64 + b'  other.csv\n'),
    '/two-sums': resource(b'0' * 64 + b'  data.csv\n' + b'1' * 64 + b'  data.csv\n'),
    '/no-sums': resource(b'nothing here\n'),
}  # fmt: skip


def serve(server: Server) -> None:
    """Serve the paths."""
    for path, handler in _ROUTES.items():
        server.on(path, handler)
    for number in _REASONS:
        server.on(f'/status/{number}', _status)
