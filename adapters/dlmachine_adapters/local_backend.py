"""The backend for sources on this computer: local files (`file:`), and contents (`data:`).

Contract: implements `ports.Transport`. It answers as a server would, by the core's `answer`, so
that everything else is as for any download. Only regular files are read, and a file that changes
while it is read is a fault.
"""

import os
import stat
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from dlmachine.core.decision.backends import LOCAL_BACKEND
from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import Fault, FileUnreadable, SchemeRefused
from dlmachine.core.http.url import DATA, FILE
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.protocol.ports import Clock, Sink
from dlmachine.core.sources.answering import SourceAnswer, answer, describe_content, describe_file
from dlmachine.core.text.serverless import read_data_url
from dlmachine.core.version import VERSION
from dlmachine_adapters.http.answering import CHANGED, exchange_by
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.response_reader import ResponseReader

_READ_BYTES: Final = 1 << 20
#: Opening a named pipe or a device must not wait for another program.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, 'O_NONBLOCK', 0)
    | getattr(os, 'O_NOCTTY', 0)
    | getattr(os, 'O_CLOEXEC', 0)
    | getattr(os, 'O_BINARY', 0)
)


class LocalTransport:
    """A backend for local sources, which needs no library and no network."""

    name: Final = LOCAL_BACKEND
    schemes: Final = (DATA, FILE)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @classmethod
    def describe(cls) -> BackendSeen:
        """The name, schemes and version."""
        return BackendSeen(name=cls.name, schemes=cls.schemes, version=VERSION)

    @property
    def seen(self) -> BackendSeen:
        return self.describe()

    def exchange(
        self, effect: Exchange, part: Sink, context: ExchangeContext = UNLIMITED
    ) -> Responded | Interrupted:
        return exchange_by(self._read, effect, part, context, self._clock)

    def close(self) -> None:
        """Nothing is kept open."""

    def _read(self, effect: Exchange, reader: ResponseReader, deadlines: Deadlines) -> Fault | None:
        request = effect.request
        url = request.location
        content = read_data_url(url.path) if url.scheme == DATA else None
        if content is not None:
            found = answer(request, describe_content(content))
            reader.begin(found.head)
            if reader.is_wanted:
                reader.take(content.data[found.offset : found.offset + found.length])
            return None
        if url.scheme != FILE or not effect.network.allow_file:
            return SchemeRefused(url=request.shown_url, scheme=url.scheme, allowed=(DATA,))
        try:
            handle = os.open(path_of(url.path), _FLAGS)
            try:
                return self._read_file(handle, effect, reader, deadlines)
            finally:
                os.close(handle)
        except OSError as error:
            return _unreadable(effect, (error.strerror or type(error).__name__).lower())

    def _read_file(
        self, handle: int, effect: Exchange, reader: ResponseReader, deadlines: Deadlines
    ) -> Fault | None:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            is_folder = stat.S_ISDIR(before.st_mode)
            return _unreadable(effect, 'it is a folder' if is_folder else 'it is not a file')
        source = describe_file(before.st_size, before.st_mtime_ns, self._clock.now())
        found = answer(effect.request, source)
        reader.begin(found.head)
        if not reader.is_wanted:
            return None
        deadlines.receive()
        for piece in _pieces(handle, found):
            reader.take(piece)
            deadlines.check()
            deadlines.touch()
        if _differs(before, handle):
            return _unreadable(effect, CHANGED, is_passing=True)
        # Files of the system, such as those in /proc, say that they are empty.
        is_longer = not before.st_size and bool(os.read(handle, 1))
        return _unreadable(effect, 'its size is not known') if is_longer else None


def path_of(path: str) -> str:
    """The path on this computer that the path of a `file:` URL means."""
    name = os.fsdecode(unquote_to_bytes(path))
    if os.name == 'nt' and name[2:3] == ':':
        return name[1:]
    return name


def _pieces(handle: int, found: SourceAnswer) -> Iterator[bytes]:
    left = found.length
    if found.offset:
        os.lseek(handle, found.offset, os.SEEK_SET)
    while left and (piece := os.read(handle, min(left, _READ_BYTES))):
        left -= len(piece)
        yield piece


def _differs(before: os.stat_result, handle: int) -> bool:
    after = os.fstat(handle)
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


def _unreadable(effect: Exchange, problem: str, *, is_passing: bool = False) -> FileUnreadable:
    return FileUnreadable(url=effect.request.shown_url, problem=problem, is_passing=is_passing)
