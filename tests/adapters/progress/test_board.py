"""The lines of a display: what they say, and how they fit."""

from datetime import timedelta

import pytest

from dlmachine.core.faults import HttpStatus
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.progress import (
    BatchStarted,
    DownloadAdvanced,
    DownloadFailed,
    DownloadFinished,
    DownloadStarted,
    DownloadWaiting,
)
from dlmachine_adapters.progress.board import Board
from dlmachine_adapters.progress.layout import ASCII, UNICODE, cells, row, shorten

MIB = 1 << 20
NAME = 'interactions_of_human_proteins_2024_05.tsv.gz'


def _started(index: int = 0, name: str = NAME) -> DownloadStarted:
    return DownloadStarted(index=index, name=name, url='')


def _advanced(done: float, total: float | None, index: int = 0) -> DownloadAdvanced:
    size = None if total is None else int(total * MIB)
    return DownloadAdvanced(index=index, done_bytes=int(done * MIB), total_bytes=size)


def _finished(index: int, origin: Origin = Origin.NETWORK) -> DownloadFinished:
    return DownloadFinished(index=index, outcome=Outcome(origin=origin, reason='', key=''))


@pytest.fixture
def batch() -> Board:
    """250 files: 10 downloaded, 3 unchanged, 1 failed, and two of 120 MiB of which half is there."""
    board = Board(0.0)
    board.handle(BatchStarted(total=250), 0.0)
    for index in range(16):
        board.handle(_started(index), 0.0)
    for index in range(13):
        board.handle(_finished(index, Origin.CACHE if index < 3 else Origin.NETWORK), 1.0)
    board.handle(DownloadFailed(index=13, fault=HttpStatus(url='', status=404)), 1.0)
    for now in range(1, 11):
        for index in (14, 15):
            board.handle(_advanced(now * 6, 120, index), float(now))
    return board


def test_a_batch_has_a_line_and_each_download_has_one(batch: Board) -> None:
    """Files, failures, bytes, speed and time left; then what runs."""
    head, first, second = batch.lines(10.0, 77, 20, UNICODE)

    # 11 of 250 files and twice a half took 10 s; 235 are left.
    assert head.endswith(' 14/250 files 1 failed 108.0 MiB 13.2 MiB/s 3:16')
    assert first == second
    assert first.startswith('intera…ins_2024_05.tsv.gz ')
    assert first.endswith(' 60.0/120.0 MiB')
    assert max(map(cells, (head, first))) <= 77


def test_everything_fits_into_forty_columns(batch: Board) -> None:
    """Names give way, and words, but no number of the batch."""
    head, first, _ = batch.lines(10.0, 37, 20, UNICODE)

    assert head == '14/250 1 failed 108.0 MiB 13.2 MiB/s'
    assert cells(first) <= 37
    assert first.startswith('int…')
    assert first.endswith(' 60.0/120.0 MiB')


def test_a_batch_without_failures_shows_the_time_left_in_forty_columns() -> None:
    """Files, bytes, speed and time."""
    board = Board(0.0)
    board.handle(BatchStarted(total=250), 0.0)
    board.handle(_started(), 0.0)
    for now in range(11):
        board.handle(_advanced(now * 1000, 10_000), float(now))
    for index in range(1, 100):
        board.handle(_finished(index), 10.0)

    assert board.lines(10.0, 37, 20, UNICODE)[0] == '99/250 9.8 GiB 1000.0 MiB/s 0:15'


def test_what_does_not_fit_below_is_counted(batch: Board) -> None:
    """There is never a line more than rows."""
    for index in range(20, 40):
        batch.handle(_started(index), 10.0)
    lines = batch.lines(11.0, 77, 8, UNICODE)

    assert len(lines) == 8
    assert lines[-1] == '16 more'


def test_short_downloads_are_not_shown() -> None:
    """Nor is a short batch; a wait is shown at once, unless it is short."""
    board = Board(0.0)
    board.handle(BatchStarted(total=None), 0.0)
    board.handle(_started(0, 'a.csv'), 0.0)
    board.handle(_started(1, 'b.csv'), 0.0)
    assert not board.is_due(0.4)
    assert board.is_due(0.5)
    wait = DownloadWaiting(index=1, duration=timedelta(seconds=0.3), reason='backoff')
    board.handle(wait, 0.1)
    assert not board.is_due(0.2)
    wait = DownloadWaiting(index=1, duration=timedelta(seconds=90), reason='Retry-After\n')
    board.handle(wait, 0.2)

    assert board.is_due(0.2)
    assert board.lines(0.2, 40, 9, UNICODE) == [
        '0 files 0 B 0 B/s', 'b.csv wait 1:30: Retry-After\\x0a',
    ]  # fmt: skip
    assert board.lines(60.2, 20, 9, UNICODE)[1:] == ['a.csv waiting', 'b.csv wait 0:30: Re…']
    board.handle(_advanced(0, None, 1), 90.2)
    assert board.lines(90.3, 40, 9, ASCII)[2] == 'b.csv 0 B'


def test_one_download_has_its_speed_and_time() -> None:
    """As far as they fit; bytes that were there before are not transferred."""
    board = Board(0.0)
    board.handle(_started(), 0.0)
    board.handle(_advanced(100, 200), 0.0)
    for now in range(1, 11):
        board.handle(_advanced(100 + now, 200), float(now))
    (wide,) = board.lines(10.0, 77, 9, ASCII)
    (narrow,) = board.lines(10.0, 37, 9, ASCII)

    assert '#' in wide
    assert wide.endswith('- 110.0/200.0 MiB 1.0 MiB/s 1:30')
    assert narrow.endswith(' 110.0/200.0 MiB 1.0 MiB/s')
    assert cells(narrow) <= 37
    assert board.plain(10.0) == f'{NAME}: 110.0/200.0 MiB, 1.0 MiB/s, 1:30'


def test_a_body_that_begins_again_counts_what_comes() -> None:
    """Fewer bytes than before are no negative speed."""
    board = Board(0.0)
    board.handle(BatchStarted(total=1), 0.0)
    board.handle(_started(), 0.0)
    for now, done in enumerate((0, 5, 0, 3)):
        board.handle(_advanced(done, None), float(now))

    assert board.plain(4.0) == '0/1 files, 8.0 MiB, 2.0 MiB/s'


def test_the_speed_is_that_of_the_last_seconds() -> None:
    """A pause at the beginning does not count for ever."""
    board = Board(0.0)
    board.handle(_started(), 0.0)
    board.handle(_advanced(0, None), 100.0)
    for tenth in range(1001, 1200):
        board.handle(_advanced((tenth - 1000) / 10, None), tenth / 10)

    assert board.plain(119.9) == f'{NAME}: 19.9 MiB, 1.0 MiB/s'


def test_late_reports_are_ignored() -> None:
    """A thread may still write a segment of a download that has failed."""
    board = Board(0.0)
    board.handle(BatchStarted(total=2), 0.0)
    board.handle(_advanced(1, 2), 0.1)
    board.handle(DownloadWaiting(index=0, duration=timedelta(seconds=9), reason=''), 0.1)
    board.handle(DownloadFailed(index=1, fault=HttpStatus(url='', status=404)), 0.2)

    assert board.plain(1.0) == '1/2 files, 1 failed, 0 B, 0 B/s, 0:01'


@pytest.mark.parametrize('width', range(12, 60))
@pytest.mark.parametrize('name', [NAME, '数据' * 20, 'a'])
def test_no_line_is_too_long(name: str, width: int) -> None:
    """In any width, and with wide characters."""
    pieces = ['1.0 MiB', '2.0 MiB/s', '0:05']
    line = row(pieces, 0.5, width, UNICODE, name, 8)

    assert cells(line) <= max(width, 8 + 1 + 7)
    assert cells(shorten(name, width)) <= width
