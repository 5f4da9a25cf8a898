"""What servers do, right and wrong: handlers for `tests.servers.http.Server`."""

import gzip
from collections.abc import Sequence
from threading import Lock

from tests.servers.http import Asked, Fields, Handler, Wire


def resource(
    body: bytes,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    fields: Fields = (),
    ranges: bool = True,
    conditions: bool = True,
    closes: bool = False,
) -> Handler:
    """A file of a good server: validators, conditions (304), ranges (206, 416)."""
    known = [
        ('ETag', etag),
        ('Last-Modified', last_modified),
        ('Date', 'Wed, 01 May 2024 00:00:00 GMT'),
    ]
    all_fields = (*fields, *((name, value) for name, value in known if value is not None))

    def handle(asked: Asked, wire: Wire) -> None:
        if conditions and _is_current(asked, etag, last_modified):
            wire.head(304, all_fields, 'Not Modified')
            return
        span = (
            range_of(asked, len(body)) if ranges and _is_same(asked, etag, last_modified) else None
        )
        if span is None:
            wire.respond(200, all_fields, body, 'OK')
        elif span[0] >= len(body):
            wire.respond(416, (('Content-Range', f'bytes */{len(body)}'),), b'', 'Range')
        else:
            first, last = span
            place = ('Content-Range', f'bytes {first}-{last}/{len(body)}')
            wire.respond(206, (*all_fields, place), body[first : last + 1], 'Partial Content')
        if closes:
            wire.close()

    return handle


def gzipped(body: bytes, fields: Fields = ()) -> Handler:
    """A body in gzip coding, requested or not."""
    coded = gzip.compress(body, mtime=0)
    return resource(coded, fields=(('Content-Encoding', 'gzip'), *fields), ranges=False)


def respond(status: int, fields: Fields = (), body: bytes = b'', reason: str = 'Text') -> Handler:
    """A fixed response."""
    return lambda asked, wire: wire.respond(status, fields, body, reason)


def redirect(
    location: str, status: int = 302, body: bytes = b'moved', fields: Fields = ()
) -> Handler:
    """A redirect."""
    return respond(status, (('Location', location), *fields), body, 'Found')


def echo(asked: Asked, wire: Wire) -> None:
    """Send back the body of the request."""
    wire.respond(200, (('Content-Type', 'application/octet-stream'),), asked.body)


def in_turn(*handlers: Handler) -> Handler:
    """One handler after the other, the last one repeatedly."""
    waiting, lock = list(handlers), Lock()

    def handle(asked: Asked, wire: Wire) -> None:
        with lock:
            one = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        one(asked, wire)

    return handle


def raw(*steps: bytes | float, ends: str = 'close') -> Handler:
    """Send bytes, and pause for seconds; then `close`, `cut`, `reset`, or `keep` it open."""

    def handle(asked: Asked, wire: Wire) -> None:
        for step in steps:
            if isinstance(step, bytes):
                wire.send(step)
            else:
                wire.pause(step)
        if ends == 'reset':
            wire.reset()
        elif ends == 'cut':
            wire.cut()
        elif ends == 'close':
            wire.close()

    return handle


def chunked(pieces: Sequence[bytes], *, is_cut: bool = False, fields: Fields = ()) -> Handler:
    """A chunked body; with `cut` the connection ends before the last chunk."""

    def handle(asked: Asked, wire: Wire) -> None:
        wire.head(200, (*fields, ('Transfer-Encoding', 'chunked')), 'OK')
        for piece in pieces:
            wire.send(b'%x\r\n%b\r\n' % (len(piece), piece))
        if is_cut:
            wire.close()
        else:
            wire.send(b'0\r\n\r\n')

    return handle


def short(body: bytes, declared: int, ends: str = 'close') -> Handler:
    """Fewer bytes than in Content-Length."""
    head = f'HTTP/1.1 200 OK\r\nContent-Length: {declared}\r\n\r\n'.encode()
    return raw(head, body, ends=ends)


def trickle(size: int, every: float) -> Handler:
    """One byte at a time, with pauses."""
    head = f'HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n'.encode()
    return raw(head, *[step for _ in range(size) for step in (b'x', every)])


def silent(asked: Asked, wire: Wire) -> None:
    """No response, for longer than any test waits."""
    wire.pause(60)


def _is_current(asked: Asked, etag: str | None, last_modified: str | None) -> bool:
    if_none_match = asked.get('If-None-Match')
    if if_none_match is not None:
        return etag is not None and etag in if_none_match
    since = asked.get('If-Modified-Since')
    return since is not None and since == last_modified


def range_of(asked: Asked, size: int) -> tuple[int, int] | None:
    """The first and the last requested byte; None for the complete file."""
    wanted = asked.get('Range')
    if wanted is None:
        return None
    first, _, last = wanted.removeprefix('bytes=').partition('-')
    return int(first), min(int(last or size), size - 1)


def _is_same(asked: Asked, etag: str | None, last_modified: str | None) -> bool:
    return asked.get('If-Range') in {None, etag, last_modified}
