"""`freshness='http'` with fields that contradict each other, or have no sense."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dlmachine_adapters.runtime.clock import SystemClock
from tests.fixtures import MakeManager
from tests.servers.behaviours import respond
from tests.servers.http import Server

BODY = b'id\n1\n'
Fields = tuple[tuple[str, str], ...]
LONG = '1' + 30 * '0'

#: Fields, and the number of requests of two downloads.
CASES: list[tuple[Fields, int]] = [
    ((('Cache-Control', 'max-age=60'), ('Age', LONG)), 2),
    ((('Cache-Control', f'max-age={LONG}'), ('Age', '60')), 1),
    ((('Cache-Control', 'max-age=60'), ('Age', f'-{LONG}')), 1),
    ((('Cache-Control', 'no-store'), ('Cache-Control', 'max-age=60, public')), 2),
    ((('Cache-Control', 'max-age=60, max-age=0'),), 1),
    ((('Cache-Control', 'max-age=0, max-age=60'),), 2),
    ((('Cache-Control', 'max-age="60, no-cache'),), 2),
    ((('Cache-Control', 'max-age=60' + 2_000 * ', x="no-store"'),), 1),
    ((('Cache-Control', 'max-age=60'), ('Date', 'Sat, 01 Jan 0001 00:00:00 GMT')), 2),
    ((('Cache-Control', 'max-age=60'), ('Date', 'Fri, 31 Dec 9999 23:59:59 GMT')), 1),
    ((('Cache-Control', 'max-age=60'), ('Date', 'Thu, 99 Foo 2024 99:99:99 GMT')), 1),
    ((('Expires', 'Fri, 31 Dec 9999 23:59:59 GMT'), ('Date', 'never')), 1),
    ((('Expires', '-1'), ('Last-Modified', 'Sat, 01 Jan 0001 00:00:00 GMT')), 2),
    ((('Last-Modified', 'Fri, 31 Dec 9999 23:59:59 GMT'),), 2),
    ((('Cache-Control', 'max-age=60'), ('Vary', ', *, Accept')), 2),
    ((('Cache-Control', 'max-age=60'), ('Vary', ', '.join(f'X-{n}' for n in range(500)))), 1),
]


@pytest.mark.parametrize(('fields', 'requests'), CASES)
def test_what_has_no_sense_makes_a_copy_stale(
    make_manager: MakeManager, server: Server, tmp_path: Path, fields: Fields, requests: int
) -> None:
    """Or is ignored; each download succeeds."""
    manager = make_manager(tmp_path / 'cache', freshness='http')
    url = server.on('/t.tsv', respond(200, fields, BODY))
    for _ in range(2):
        assert Path(str(manager.download(url))).read_bytes() == BODY
    assert len(server.asked) == requests


def test_a_clock_that_was_set_back_by_a_year(
    make_manager: MakeManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is checked once, and the new one is used from then on."""
    now, ahead = SystemClock.now, timedelta(days=365)

    def shifted(clock: SystemClock) -> datetime:
        return now(clock) + ahead

    manager = make_manager(tmp_path / 'cache', freshness='1d')
    url = server.on('/t.tsv', respond(200, (), b'old'))
    with monkeypatch.context() as patched:
        patched.setattr(SystemClock, 'now', shifted)
        manager.download(url)
    server.on('/t.tsv', respond(200, (), BODY))
    found = [Path(str(manager.download(url))).read_bytes() for _ in range(3)]
    assert found == [BODY] * 3
    assert len(server.asked) == 2
