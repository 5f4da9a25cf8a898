"""Long computations on a response check the limits between bounded steps."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.faults import Cancelled, TimedOut
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import Discard, OpenPart
from dlmachine.core.protocol.events import Interrupted
from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager
from dlmachine_adapters.fakes import ManualClock, MemoryFiles
from dlmachine_adapters.http.deadlines import DeadlineExceeded
from dlmachine_adapters.http.response_reader import ResponseReader
from dlmachine_adapters.parts.part import PartialFile
from dlmachine_adapters.runtime.clock import SystemClock
from tests.builders import an_exchange
from tests.servers.behaviours import resource
from tests.servers.http import Server

#: 64 MiB of zeros in 64 KiB.
ZEROS = gzip.compress(bytes(64 << 20), mtime=0)


def receive(fields: dict[str, str], check: Callable[[], None], body: bytes, **known: Any) -> tuple[ResponseReader, PartialFile]:  # fmt: skip
    """A response with its head read and its body to be written."""
    part = MemoryFiles(ManualClock()).open_part(OpenPart(beside=None, stem='x'))
    assert isinstance(part, PartialFile)
    reader = ResponseReader(an_exchange(**known), part, SystemClock(), check)
    reader.begin(ResponseHead(status=200, headers=Headers(tuple(fields.items()))))
    reader.take(body)
    return reader, part


def test_a_bomb_in_one_piece_stops_at_the_next_check() -> None:
    """A piece of 256 KiB that becomes 256 MiB: at most 16 MiB between two checks."""
    looks: list[int] = []

    def check() -> None:
        looks.append(part.size_bytes)
        if len(looks) == 3:
            raise DeadlineExceeded

    reader, part = receive({'Content-Encoding': 'gzip'}, check, ZEROS * 4)
    with pytest.raises(DeadlineExceeded):
        reader.flush()
    assert len(looks) == 3
    assert max(later - before for before, later in zip([0, *looks], looks, strict=False)) < 17 << 20
    # The rest of the piece is not inflated.
    assert isinstance(reader.broken(Cancelled()), Interrupted)
    assert part.size_bytes == looks[-1]
    part.discard(Discard())


def test_a_body_that_breaks_after_the_limit_is_not_processed() -> None:
    """The bytes that were buffered when the time expired."""

    def check() -> None:
        raise DeadlineExceeded

    reader, part = receive({'Content-Encoding': 'gzip'}, check, ZEROS)
    ended = reader.broken(Cancelled())
    assert isinstance(ended, Interrupted)
    assert ended.fault == Cancelled()
    assert part.size_bytes < 17 << 20
    part.discard(Discard())


def test_plain_bodies_are_written_in_one_piece() -> None:
    """Without inflating, no steps are needed."""
    looks: list[None] = []
    reader, part = receive({}, lambda: looks.append(None), bytes(1 << 20))
    reader.flush()
    assert part.size_bytes == 1 << 20
    assert not looks


@pytest.mark.parametrize(
    ('target', 'fields', 'segments'),
    [('/x.gz', (), 1), ('/x', (('Content-Encoding', 'gzip'),), 1), ('/x.gz', (), 4)],
    ids=['followed', 'undone', 'followed in segments'],
)
def test_a_bomb_is_ended_by_the_time_limit(
    manager: DownloadManager,
    server: Server,
    tmp_path: Path,
    target: str,
    fields: Any,
    segments: int,
) -> None:
    """Both when the stream is only checked and when it is decoded."""
    url = server.on(target, resource(ZEROS * 60, fields=fields, etag='"v1"'))
    with pytest.raises(DownloadError) as raised:
        manager.download(
            url, tmp_path / 'x', timeout=0.4, max_bytes=1 << 40, retries=0, segments=segments
        )
    assert isinstance(raised.value.fault, TimedOut)
    assert raised.value.fault.phase == 'total'
    assert not (tmp_path / 'x').exists()
