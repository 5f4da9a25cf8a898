"""What a metered part and a wait report."""

import threading
from datetime import timedelta
from typing import Any

from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, OpenPart, Wait
from dlmachine.core.protocol.ports import Part
from dlmachine.core.protocol.progress import DownloadAdvanced, DownloadWaiting, ProgressEvent
from dlmachine_adapters.fakes import ManualClock, MemoryFiles
from dlmachine_adapters.progress.metering import MeteredPart, NoProgress, Reporter


def _part() -> Part:
    opened: Any = MemoryFiles(ManualClock()).open_part(OpenPart(beside=None, stem='x'))
    part: Part = opened
    return part


def _advanced(done: int, total: int | None = None) -> DownloadAdvanced:
    return DownloadAdvanced(index=7, done_bytes=done, total_bytes=total)


def test_the_bytes_of_a_body_are_reported() -> None:
    """At its beginning and with each piece; the bytes pass through unchanged."""
    events: list[ProgressEvent] = []
    progress, part = Reporter(events.append, 7), _part()
    watched = progress.watch(part, 'genome.fa')
    watched.begin(StoreBody(wire_bytes=4096, algorithms=('md5',)))
    for _ in range(4):
        watched.write(b'x' * 1024)
    received = watched.finish()
    with watched.view() as file:
        assert len(file.read()) == 4096
    progress.leave(watched)

    assert events == [_advanced(1024 * number, 4096) for number in range(5)]
    assert (received.size_bytes, part.size_bytes, watched.size_bytes) == (4096, 4096, 4096)
    assert received.digests[0][0] == 'md5'


def test_a_body_that_begins_again_starts_anew() -> None:
    """The first report of each tells what is there."""
    events: list[ProgressEvent] = []
    progress = Reporter(events.append, 7)
    watched = progress.watch(_part(), 'x')
    assert isinstance(watched, MeteredPart)
    for _ in range(3):
        watched.begin(StoreBody())
        watched.write(b'x')
    progress.leave(watched)
    watched.discard(Discard())

    assert events == [_advanced(0), _advanced(1)] * 3


def test_many_threads_are_counted_together() -> None:
    """As the segments of a file are."""
    events: list[ProgressEvent] = []
    watched = Reporter(events.append, 7).watch(_part(), 'x')
    assert isinstance(watched, MeteredPart)
    watched.begin(StoreBody(wire_bytes=8000))
    metered = watched

    def move() -> None:
        for _ in range(1000):
            metered.move(1)

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert events == [_advanced(done, 8000) for done in range(8001)]


def test_a_wait_is_reported_before_it_begins() -> None:
    """How long, and why."""
    events: list[ProgressEvent] = []
    wait = Wait(duration=timedelta(seconds=6), reason='backoff')
    with Reporter(events.append, 7).waiting(wait, 'genome.fa'):
        assert events == [DownloadWaiting(index=7, duration=wait.duration, reason='backoff')]


def test_no_progress_is_the_part_itself() -> None:
    """There is no wrapper, and a wait is only a wait."""
    part = _part()
    assert NoProgress().watch(part, 'x') is part
    with NoProgress().waiting(Wait(duration=timedelta(seconds=6), reason='backoff'), 'x'):
        pass
    NoProgress().leave(part)
