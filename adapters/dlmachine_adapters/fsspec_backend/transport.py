"""The backend for stores: `s3:`, `gs:`, `az:` and the others that fsspec's packages read.

Contract: implements `ports.Transport`. It answers as a server would, by the core's `answer`, so
that everything else is as for any download. An object is described before and after it is read;
if it has changed in between, that is a fault.
"""

from collections.abc import Iterator, Mapping
from threading import Lock
from time import monotonic
from typing import Any, Final
from urllib.parse import unquote

import fsspec

from dlmachine.core.decision.backends import STORE_BACKEND
from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import Fault, FileUnreadable
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.protocol.ports import Clock, PartError, Sink
from dlmachine.core.sources.answering import SourceAnswer, answer
from dlmachine.core.sources.objects import describe_object
from dlmachine.core.sources.storage_options import StorageOptions
from dlmachine.core.text.stores import STORES
from dlmachine_adapters.fsspec_backend.errors import (
    fault_of,
    status_of,
    text_of,
    unmade,
)
from dlmachine_adapters.fsspec_backend.streaming import call, stream
from dlmachine_adapters.http.answering import CHANGED, exchange_by
from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines
from dlmachine_adapters.http.response_reader import ResponseReader

#: Bytes of one request to the store: more while requests are fast, so that a slow one can be ended.
_FIRST_BYTES: Final = 1 << 18
_MIN_BYTES: Final = 1 << 16
_MAX_BYTES: Final = 1 << 23
_FAST_SECONDS, _SLOW_SECONDS = 0.5, 4.0


class FsspecTransport:
    """A backend for stores, with a file system for each scheme and its options."""

    name: Final = STORE_BACKEND
    schemes: Final = tuple(STORES)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._systems: dict[tuple[str, str, str], Any] = {}
        self._mutex = Lock()

    @classmethod
    def describe(cls) -> BackendSeen:
        """The name, schemes and version."""
        return BackendSeen(name=cls.name, schemes=cls.schemes, version=fsspec.__version__)

    @property
    def seen(self) -> BackendSeen:
        return self.describe()

    def exchange(
        self, effect: Exchange, part: Sink, context: ExchangeContext = UNLIMITED
    ) -> Responded | Interrupted:
        return exchange_by(self._read, effect, part, context, self._clock)

    def close(self) -> None:
        """Forget the file systems; their packages close the connections."""
        with self._mutex:
            self._systems.clear()

    def _open(self, request: Request) -> tuple[Any, str] | Fault:
        # Importing and making a file system may read files and ask servers for a login.
        try:
            return self._opened(request)
        except Exception as error:  # noqa: BLE001 -- each package fails in its own ways
            return unmade(error, request)

    def _opened(self, request: Request) -> tuple[Any, str]:
        url = request.location
        kind: Any = fsspec.get_filesystem_class(url.scheme)
        text = _text(request)
        of_url = {**kind._get_kwargs_from_urls(text)}  # noqa: SLF001 -- what fsspec calls too
        options = {**of_url, **StorageOptions(json=request.storage_options).values()}
        key = (url.scheme, repr(sorted(of_url.items())), request.storage_options)
        with self._mutex:
            if key not in self._systems:
                self._systems[key] = kind(**options, skip_instance_cache=True)
            return self._systems[key], kind._strip_protocol(text)  # noqa: SLF001 -- as above

    def _read(self, effect: Exchange, reader: ResponseReader, deadlines: Deadlines) -> Fault | None:
        try:
            return self._read_object(effect.request, reader, deadlines)
        except (DeadlineExceeded, PartError):
            raise
        except Exception as error:  # noqa: BLE001 -- each package fails in its own ways
            return _respond(error, effect.request, reader)

    def _read_object(
        self, request: Request, reader: ResponseReader, deadlines: Deadlines
    ) -> Fault | None:
        opened = call(lambda: self._open(request), deadlines)
        if not isinstance(opened, tuple):
            return opened
        system, path = opened
        now = self._clock.now()
        source = describe_object(call(lambda: _info(system, path), deadlines), now)
        if source is None:
            return FileUnreadable(url=request.shown_url, problem='it is a folder')
        found = answer(request, source)
        reader.begin(found.head)
        if not reader.is_wanted:
            return None
        deadlines.receive()
        for piece in stream(lambda: _pieces(system, path, found), deadlines):
            deadlines.count(len(piece))
            reader.take(piece)
            deadlines.check()
        if describe_object(call(lambda: _info(system, path), deadlines), now) == source:
            return None
        return FileUnreadable(url=request.shown_url, problem=CHANGED, is_passing=True)


def _text(request: Request) -> str:
    """The URL as fsspec writes it: without escapes."""
    url = request.location
    userinfo = f'{url.userinfo}@' if url.userinfo else ''
    query = f'?{url.query}' if url.query else ''
    return unquote(f'{url.scheme}://{userinfo}{url.authority}{url.path}{query}')


def _info(system: Any, path: str) -> Mapping[str, Any]:
    system.invalidate_cache()
    found: Mapping[str, Any] = system.info(path)
    return found


def _pieces(system: Any, path: str, found: SourceAnswer) -> Iterator[bytes]:
    offset, end, size = found.offset, found.offset + found.length, _FIRST_BYTES
    while offset < end:
        began = monotonic()
        piece = system.cat_file(path, start=offset, end=min(offset + size, end))
        if not piece:
            return  # The reader reports the missing bytes.
        yield piece
        offset += len(piece)
        size = _next_size(size, monotonic() - began)


def _next_size(size: int, seconds: float) -> int:
    if seconds < _FAST_SECONDS:
        return min(size * 2, _MAX_BYTES)
    return max(size // 2, _MIN_BYTES) if seconds > _SLOW_SECONDS else size


def _respond(error: Exception, request: Request, reader: ResponseReader) -> Fault | None:
    """Answer by the status in an exception; the fault for one without."""
    status = status_of(error)
    if status is None or reader.has_head:
        return fault_of(error, request)
    told = text_of(error, request)
    is_path = told.lstrip('/') in _text(request)
    text = b'' if is_path else told.encode()
    fields = (('Content-Type', 'text/plain'), ('Content-Length', str(len(text))))
    reader.begin(ResponseHead(status=status, headers=Headers(fields)))
    reader.drain(text)
    return None
