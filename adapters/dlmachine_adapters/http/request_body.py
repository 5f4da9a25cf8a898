"""Request bodies, as streams of known size.

Every backend reads the same stream, so the bytes on the wire are the same. Files are opened before
the request is sent, and read while it is sent; memory is bounded. Multipart bodies follow RFC 7578,
with names escaped as in browsers (WHATWG HTML, section 4.10.22.8).
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from dlmachine.core.faults import Fault, StorageFailed
from dlmachine.core.http.body import Body, FilePart, MultipartBody, NoBody, Part
from dlmachine_adapters.files.os_errors import storage_fault


class BodyError(Exception):
    """A file of the body can no longer be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(slots=True)
class _Segment:
    """A piece of the body; `path` is empty if it does not come from a file."""

    stream: BinaryIO
    size_bytes: int
    path: str = ''


class OpenBody:
    """An open body that can be read several times; used by one thread."""

    def __init__(self, segments: list[_Segment], files: ExitStack) -> None:
        self._segments = segments
        self._files = files
        self._at = 0
        self._done_bytes = 0
        self.size_bytes = sum(segment.size_bytes for segment in segments)

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; empty at the end.  Raises: BodyError."""
        while self._at < len(self._segments):
            segment = self._segments[self._at]
            wanted = min(size, segment.size_bytes - self._done_bytes)
            if wanted > 0:
                data = _read(segment, wanted)
                self._done_bytes += len(data)
                return data
            self._at += 1
            self._done_bytes = 0
        return b''

    def rewind(self) -> None:
        """Return to the first byte.  Raises: BodyError."""
        self._at = self._done_bytes = 0
        for segment in self._segments:
            try:
                segment.stream.seek(0)
            except OSError as error:
                raise BodyError(_unreadable(segment.path, error)) from error


def open_body(body: Body) -> OpenBody | Fault | None:
    """Prepare a body for sending; None without a body.

    Faults: `StorageFailed` for a file that cannot be read.

    >>> from dlmachine.core.http.body import FormBody
    >>> opened = open_body(FormBody((('a', 'b c'),)))
    >>> opened.size_bytes, opened.read(100), opened.read(100)
    (5, b'a=b+c', b'')
    """
    if isinstance(body, NoBody):
        return None
    if not isinstance(body, MultipartBody):
        return OpenBody([_of_bytes(body.encoded())], ExitStack())
    with ExitStack() as files:
        segments: list[_Segment] = []
        for part in body.parts:
            try:
                segments.extend(_segments_of(part, body.boundary, files))
            except OSError as error:
                path = part.path if isinstance(part, FilePart) else ''
                return _unreadable(path, error)
        segments.append(_of_bytes(f'--{body.boundary}--\r\n'.encode('ascii')))
        return OpenBody(segments, files.pop_all())


def _segments_of(part: Part, boundary: str, files: ExitStack) -> Iterator[_Segment]:
    yield _of_bytes(_part_head(part, boundary))
    if isinstance(part, FilePart):
        stream = files.enter_context(Path(part.path).open('rb'))  # noqa: SIM115 -- it is one
        yield _Segment(stream, os.fstat(stream.fileno()).st_size, part.path)
    else:
        yield _of_bytes(part.content)
    yield _of_bytes(b'\r\n')


def _part_head(part: Part, boundary: str) -> bytes:
    disposition = f'form-data; name="{_escaped(part.name)}"'
    if part.filename is not None:
        disposition += f'; filename="{_escaped(part.filename)}"'
    lines = [f'--{boundary}', f'Content-Disposition: {disposition}']
    content_type = part.content_type
    if content_type is None and part.filename is not None:
        content_type = 'application/octet-stream'
    lines += [f'Content-Type: {content_type}'] if content_type else []
    return '\r\n'.join([*lines, '', '']).encode()


def _escaped(text: str) -> str:
    return text.replace('"', '%22').replace('\r', '%0D').replace('\n', '%0A')


def _of_bytes(data: bytes) -> _Segment:
    return _Segment(BytesIO(data), len(data))


def _read(segment: _Segment, wanted: int) -> bytes:
    try:
        data = segment.stream.read(wanted)
    except OSError as error:
        raise BodyError(_unreadable(segment.path, error)) from error
    if not data:
        problem = 'it became shorter while it was sent'
        raise BodyError(StorageFailed(path=segment.path, operation='read', problem=problem))
    return data


def _unreadable(path: str, error: OSError) -> StorageFailed:
    return storage_fault(error, 'read', path)
