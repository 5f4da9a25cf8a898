"""Large files in segments: over real connections, with each backend, after every failure."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.decision.part_note import PartNote
from dlmachine.core.http.byte_ranges import Spans, count_bytes
from dlmachine.core.protocol.effects import Exchange, ExchangeSegments
from dlmachine.core.protocol.events import SegmentsEnded
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.transfer.segment_plan import FIRST_BYTES
from dlmachine.errors import DownloadError
from tests.fixtures import MakeManager
from tests.part_paths import read_note
from tests.servers.behaviours import in_turn, range_of, redirect, resource
from tests.servers.http import Asked, Handler, Server, Wire

MIB = 1 << 20
BODY = os.urandom(4 * MIB + FIRST_BYTES)
OTHER = bytes(255 - byte for byte in BODY[: 1 << 16]) * (len(BODY) >> 16)
SHA = sha256(BODY).hexdigest()
GOOD = resource(BODY, etag='"v1"')
#: The segments that two connections request.
REST: Spans = tuple(
    (FIRST_BYTES + number * MIB, FIRST_BYTES + (number + 1) * MIB - 1) for number in range(4)
)
THIRD = f'bytes={REST[2][0]}-{REST[2][1]}'


def odd_at(odd: Handler, wanted: str = THIRD, *, times: int = 1) -> Handler:
    """A server that misbehaves for one range, the given number of times."""
    left, lock = [times], threading.Lock()

    def handle(asked: Asked, wire: Wire) -> None:
        with lock:
            is_odd = asked.get('Range') == wanted and left[0] > 0
            left[0] -= is_odd
        (odd if is_odd else GOOD)(asked, wire)

    return handle


def ranged(*, shift: int = 0, size: int = 0, etag: str = '"v1"', body: bytes = BODY) -> Handler:
    """Send the requested range with a wrong head."""

    def handle(asked: Asked, wire: Wire) -> None:
        first, last = range_of(asked, len(BODY)) or (0, len(BODY) - 1)
        place = f'bytes {first + shift}-{last + shift}/{len(BODY) + size}'
        fields = (('ETag', etag), ('Content-Range', place))
        wire.respond(206, fields, body[first : last + 1], 'Partial Content')

    return handle


def cut_after(count: int) -> Handler:
    """Send the right head and some bytes, and close the connection."""

    def handle(asked: Asked, wire: Wire) -> None:
        first, last = range_of(asked, len(BODY)) or (0, len(BODY) - 1)
        fields = (
            ('ETag', '"v1"'),
            ('Content-Range', f'bytes {first}-{last}/{len(BODY)}'),
            ('Content-Length', str(last - first + 1)),
        )
        wire.head(206, fields, 'Partial Content')
        wire.send(BODY[first : first + count])
        wire.close()

    return handle


def busy(asked: Asked, wire: Wire) -> None:
    """Respond with 429 and a short wait."""
    wire.respond(429, (('Retry-After', '0'),), b'', 'Too Many Requests')


def fetch(make: MakeManager, url: str, path: Path, **options: Any) -> Outcome:
    """Download the file by two connections, and check it."""
    outcome = make().fetch(url, str(path), **{'segments': 2, **options})
    assert path.read_bytes() == BODY
    assert outcome.record is not None
    assert outcome.record.sha256 == SHA
    assert not list((path.parent / '.dlmachine').glob('*.part*'))
    return outcome


_AROUND = {'AcquireLock', 'Observe', 'Record', 'ReleaseLock'}


def kinds(outcome: Outcome) -> list[str]:
    """The effects of the transfer, by name; without the lock and the record."""
    names = [type(effect).__name__ for effect, _ in outcome.story]
    return [name for name in names if name not in _AROUND]


def ranges(server: Server) -> list[str | None]:
    """The requested ranges."""
    return [asked.get('Range') for asked in server.asked]


def test_a_large_file_comes_in_segments(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """First the first range alone, then each other range once, by no more connections."""
    outcome = fetch(make_manager, server.on('/x', GOOD), tmp_path / 'x')

    assert kinds(outcome) == ['OpenPart', 'Exchange', 'ExchangeSegments', 'Reassemble', 'Publish']
    assert ranges(server)[0] == f'bytes=0-{FIRST_BYTES - 1}'
    assert sorted(str(one) for one in ranges(server)[1:]) == sorted(
        f'bytes={first}-{last}' for first, last in REST
    )
    assert {asked.get('If-Range') for asked in server.asked[1:]} == {'"v1"'}
    assert server.connections <= 2


def test_into_the_cache_too(make_manager: MakeManager, server: Server, tmp_path: Path) -> None:
    """With its record; the next download is a hit."""
    manager, url = make_manager(tmp_path / 'cache', segments='auto'), server.on('/x', GOOD)
    first = manager.fetch(url, checksum=f'sha256:{SHA}')
    number = len(server.asked)
    again = manager.fetch(url)

    assert first.path == again.path
    assert Path(str(first.path)).read_bytes() == BODY
    assert len(server.asked) == number
    assert 'ExchangeSegments' in kinds(first)


def test_a_validator_that_is_a_date_will_do(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A Last-Modified that is old enough to be strong."""
    dated = resource(BODY, last_modified='Mon, 01 Apr 2024 00:00:00 GMT')
    outcome = fetch(make_manager, server.on('/x', dated), tmp_path / 'x')
    assert 'ExchangeSegments' in kinds(outcome)


ONE: list[tuple[str, Handler, int]] = [
    ('no ranges', resource(BODY, etag='"v1"', ranges=False), 1),
    ('no validator', resource(BODY), 2),
    ('weak validator', resource(BODY, etag='W/"v1"'), 2),
    ('another place', odd_at(ranged(shift=1), f'bytes=0-{FIRST_BYTES - 1}', times=9), 2),
]


@pytest.mark.parametrize(
    ('handler', 'number'), [row[1:] for row in ONE], ids=[row[0] for row in ONE]
)
def test_one_connection_where_there_are_no_exact_ranges(
    make_manager: MakeManager, server: Server, tmp_path: Path, handler: Handler, number: int
) -> None:
    """The complete file is taken from the first response, or requested at once."""
    outcome = fetch(make_manager, server.on('/x', handler), tmp_path / 'x')
    assert 'ExchangeSegments' not in kinds(outcome)
    assert ranges(server) == [f'bytes=0-{FIRST_BYTES - 1}', None][:number]


INEXACT: list[tuple[str, Handler, str]] = [
    ('200', resource(BODY, etag='"v1"', ranges=False), 'answered 200'),
    ('another place', ranged(shift=1), 'was requested'),
    ('another size', ranged(size=1), 'was requested'),
    ('another version', ranged(etag='"v2"', body=OTHER), 'another version'),
    ('a changed file', resource(OTHER, etag='"v2"'), 'answered 200'),
    ('403', lambda asked, wire: wire.respond(403), '403'),
]


@pytest.mark.parametrize(
    ('odd', 'word'), [row[1:] for row in INEXACT], ids=[row[0] for row in INEXACT]
)
def test_a_segment_that_is_not_exact_means_one_connection(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    odd: Handler,
    word: str,
) -> None:
    """The complete file from the start; the story and the log give the reason; nothing is mixed."""
    caplog.set_level(logging.DEBUG, 'dlmachine')
    outcome = fetch(make_manager, server.on('/x', odd_at(odd)), tmp_path / 'x')

    assert kinds(outcome) == ['OpenPart', 'Exchange', 'ExchangeSegments', 'Exchange', 'Publish']
    assert ranges(server)[-1] is None
    [ended] = [event for _, event in outcome.story if isinstance(event, SegmentsEnded)]
    assert word in str(ended)
    assert word in caplog.text


def test_the_rest_of_a_truncated_segment_is_requested(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """In the next attempt, without requesting the other bytes again."""
    count = 700_000
    outcome = fetch(make_manager, server.on('/x', odd_at(cut_after(count))), tmp_path / 'x')
    [_, first_again] = [effect for effect, _ in outcome.story if isinstance(effect, Exchange)]

    assert first_again.expect.offset == REST[2][0] + count
    asked = [range_of(one, len(BODY)) or (0, 0) for one in server.asked]
    # Only the rest of the truncated segment was requested twice.
    assert count_bytes(tuple(asked)) == len(BODY) + MIB - count


def test_copies_that_differ_are_never_mixed(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A site with several copies behind one URL, which have the same ETag and size."""
    other = resource(OTHER, etag='"v1"')
    here, there = server.on('/here', odd_at(cut_after(70_000))), server.on('/there', other)
    url = server.on('/x', in_turn(redirect(here), redirect(there)))
    make_manager().fetch(url, str(tmp_path / 'x'), segments=2, retry_wait=0)

    assert (tmp_path / 'x').read_bytes() == OTHER


def test_fewer_connections_for_a_server_that_has_too_many(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Half of them after 429, and no byte is requested twice."""
    url = server.on('/x', odd_at(busy))
    outcome = fetch(make_manager, url, tmp_path / 'x', segments=4)
    first, second = [effect for effect, _ in outcome.story if isinstance(effect, ExchangeSegments)]

    assert (first.connections, second.connections) == (4, 2)
    assert second.spans == ((REST[2][0] + FIRST_BYTES, REST[2][1]),)


def test_a_wrong_digest_is_found_before_anything_appears(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A server that sends bytes of another version: they are requested again by one connection."""
    url = server.on('/x', odd_at(ranged(body=OTHER)))
    outcome = fetch(make_manager, url, tmp_path / 'x', checksum=f'sha256:{SHA}')
    assert ranges(server)[-1] is None
    assert kinds(outcome)[-4:] == ['Reassemble', 'Wait', 'Exchange', 'Publish']


def test_the_size_limit_applies_to_the_complete_file(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """It is known from the first response; no other request is sent."""
    url = server.on('/x', GOOD)
    with pytest.raises(DownloadError, match='allowed') as raised:
        make_manager().fetch(url, str(tmp_path / 'x'), segments=2, max_bytes=len(BODY) - 1)
    assert raised.value.fault.code == 'body_too_large'
    assert len(server.asked) == 1


# --- ends of processes ------------------------------------------------------------------


def _half(asked: Asked, wire: Wire) -> None:
    # Half of each segment; then nothing, for longer than the test waits.
    first, last = range_of(asked, len(BODY)) or (0, len(BODY) - 1)
    if first == 0:
        GOOD(asked, wire)
        return
    fields = (
        ('ETag', '"v1"'),
        ('Content-Range', f'bytes {first}-{last}/{len(BODY)}'),
        ('Content-Length', str(last - first + 1)),
    )
    wire.head(206, fields, 'Partial Content')
    wire.send(BODY[first : first + MIB // 2])
    for at in range(100):  # A byte now and then, so that the bytes before it are written.
        wire.pause(0.3)
        wire.send(BODY[first + MIB // 2 + at : first + MIB // 2 + at + 1])


def _start(url: str, path: Path, backend: str) -> subprocess.Popen[str]:
    words = ['get', url, '-o', str(path), '--segments', '2', '--backend', backend]
    return subprocess.Popen(
        [sys.executable, '-m', 'dlmachine', *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _note_in(folder: Path) -> PartNote | None:
    parts = list((folder / '.dlmachine').glob('*.part'))
    return read_note(parts[0]) if parts else None


def _wait_for(is_so: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    for _ in range(2_000):
        if is_so():
            return
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    pytest.fail('it did not happen within 20 seconds')


def _has_two_halves(folder: Path) -> bool:
    note = _note_in(folder)
    return note is not None and count_bytes(note.written) >= FIRST_BYTES + MIB - (1 << 17)


@pytest.mark.skipif(sys.platform == 'win32', reason='signals are those of POSIX')
@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGINT], ids=['kill -9', 'Ctrl-C'])
def test_a_later_run_resumes_each_segment(
    make_manager: MakeManager, server: Server, tmp_path: Path, backend: str, number: int
) -> None:
    """The bytes that the note of the first run records are not requested again."""
    url = server.on('/x', _half)
    running = _start(url, tmp_path / 'x', backend)
    try:
        _wait_for(lambda: _has_two_halves(tmp_path), running)
        running.send_signal(number)
        _, err = running.communicate(timeout=20)
    finally:
        running.kill()
        running.communicate()
    note = _note_in(tmp_path)
    assert note is not None, err
    assert running.returncode == (-9 if number == signal.SIGKILL else 130)
    held = note.written if number == signal.SIGKILL else note.synced
    assert note.is_left == (number == signal.SIGINT)
    assert len(held) == 2
    assert not (tmp_path / 'x').exists()
    before = len(server.asked)
    server.on('/x', GOOD)
    outcome = fetch(make_manager, url, tmp_path / 'x')

    asked = tuple(range_of(one, len(BODY)) or (0, 0) for one in server.asked[before:])
    assert count_bytes(asked) == len(BODY) - count_bytes(held)
    assert server.asked[before].get('If-Range') == '"v1"'
    assert outcome.tries == 1
