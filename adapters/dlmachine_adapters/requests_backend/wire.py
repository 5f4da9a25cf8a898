"""One HTTP/1.1 message in each direction over a connected socket, within a `Deadlines`.

The head of a response is read by the core's parser, and its body as the core frames it, so that no
library interprets them differently. RFC 9112.
"""

from collections.abc import Iterator
from contextlib import suppress
from http.client import IncompleteRead, RemoteDisconnected
from io import BufferedReader
from typing import Any, Final

from dlmachine.core.http.framing import Framing, find_framing
from dlmachine.core.http.head_parser import (
    MAX_LINE_BYTES,
    HeadParser,
    HeadProblem,
    trailer_parser,
)
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.regex import regex
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.request_body import OpenBody
from dlmachine_adapters.http.response_reader import MAX_DRAINED_BYTES, HeadError, ResponseReader
from dlmachine_adapters.requests_backend.sockets import SocketReader, send_all

_BUFFER_BYTES: Final = 65_536
#: The largest single read; `read1` returns what has arrived.
_READ_BYTES: Final = 1_048_576

#: RFC 9112 section 7.1; Python's int() also accepts signs and underscores.
_CHUNK_SIZE: Final = regex(rb'([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n')


class Wire:
    """One exchange on a connected socket."""

    def __init__(self, sock: Any, deadlines: Deadlines) -> None:
        self._sock = sock
        self._deadlines = deadlines
        self._stream = BufferedReader(SocketReader(sock, deadlines), _BUFFER_BYTES)

    def send(self, head: bytes, body: OpenBody | None) -> None:
        """Send a request.  Raises: DeadlineExceeded, BodyError, OSError."""
        # A server may respond and close the connection before it has read the whole body.
        with suppress(BrokenPipeError, ConnectionResetError):
            send_all(self._sock, head, self._deadlines)
            while body is not None and (data := body.read(_BUFFER_BYTES)):
                send_all(self._sock, data, self._deadlines)

    def read_head(self) -> ResponseHead:
        """Read the final head.  Raises: HeadError, DeadlineExceeded, OSError, HTTPException."""
        return self.feed(HeadParser())

    def feed(self, parser: HeadParser) -> ResponseHead:
        """Read a head with this parser.  Raises: as `read_head`."""
        readline, feed, parsed = self._stream.readline, parser.feed, None
        while parsed is None:
            line = readline(MAX_LINE_BYTES + 1)
            is_cut = line[-1:] != b'\n' and len(line) <= MAX_LINE_BYTES
            parsed = parser.find_garbage(line) if is_cut else feed(line)
            if is_cut and parsed is None:
                msg = 'the header section was cut short'
                raise RemoteDisconnected(msg)
        if isinstance(parsed, HeadProblem):
            raise HeadError(parsed.problem)
        return parsed

    def read_body(self, head: ResponseHead, reader: ResponseReader, *, is_head: bool) -> bool:
        """Pass the body on, if it is useful; return whether the connection can be used again.

        Raises: PartError, HeadError, DeadlineExceeded, OSError, HTTPException.
        """
        if not (reader.is_wanted or reader.is_worth_reading()):
            return False
        framing = find_framing(head)
        if is_head:
            return framing.persists
        if reader.is_wanted:
            self._deadlines.receive()
            for data in self._pieces(framing, _READ_BYTES):
                reader.take(data)
                reader.flush_if_due(self._deadlines.touch())
            return framing.persists
        self._deadlines.limit_drain()
        return all(map(reader.drain, self._pieces(framing, MAX_DRAINED_BYTES))) and framing.persists

    def _pieces(self, framing: Framing, most: int) -> Iterator[bytes]:
        if framing.is_chunked:
            while size := self._chunk_bytes():
                yield from self._exactly(size, most)
                if self._stream.read(2) != b'\r\n':
                    raise _truncated()
            with suppress(RemoteDisconnected):  # The body is complete (RFC 9112 section 8).
                self.feed(trailer_parser())
        elif framing.length_bytes is None:
            while data := self._stream.read1(most):
                yield data
        else:
            yield from self._exactly(framing.length_bytes, most)

    def _exactly(self, left: int, most: int) -> Iterator[bytes]:
        read = self._stream.read1
        while left:
            data = read(min(left, most))
            if not data:
                raise _truncated()
            left -= len(data)
            yield data

    def _chunk_bytes(self) -> int:
        found = _CHUNK_SIZE.fullmatch(self._stream.readline(MAX_LINE_BYTES))
        if found is None:
            raise _truncated()
        return int(found[1], 16)


def _truncated() -> IncompleteRead:
    return IncompleteRead(b'')
