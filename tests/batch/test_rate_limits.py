"""Rate limits end to end: requests at once, requests per second, bytes per second."""

import threading
from pathlib import Path
from time import monotonic, sleep

import pytest

from dlmachine.core.faults import TimedOut
from dlmachine.core.spec.rate_limit import Rate
from tests.fixtures import MakeManager
from tests.servers.behaviours import redirect, resource
from tests.servers.http import Asked, Server, Wire


class _JobState:
    """A handler that takes a moment, and counts simultaneous requests and their times."""

    def __init__(self, seconds: float = 0.03) -> None:
        self.most = 0
        self.instants: list[float] = []
        self._now = 0
        self._seconds = seconds
        self._mutex = threading.Lock()

    def __call__(self, asked: Asked, wire: Wire) -> None:
        with self._mutex:
            self.instants.append(monotonic())
            self._now += 1
            self.most = max(self.most, self._now)
        wire.pause(self._seconds)
        with self._mutex:
            self._now -= 1
        wire.respond(200, (), b'abc')


@pytest.mark.parametrize(
    ('given', 'most'), [({}, 8), ({'max_per_host': 2}, 2), ({'max_per_host': 'none'}, 12)]
)
def test_a_host_is_not_overrun(
    make_manager: MakeManager, server: Server, given: dict[str, object], most: int
) -> None:
    """With any number of workers, from any caller."""
    busy, manager = _JobState(0.1), make_manager(**given)
    urls = [server.on(f'/{number}', busy) for number in range(18)]
    items = list(manager.download_many(urls, dest=False, workers=12))

    assert all(item.ok for item in items)
    assert busy.most == most


def test_two_batches_share_the_limit_per_host(make_manager: MakeManager, server: Server) -> None:
    """The limit applies to the manager."""
    busy, manager = _JobState(), make_manager(max_per_host=3)
    urls = [server.on(f'/{number}', busy) for number in range(12)]
    batches = [
        threading.Thread(target=lambda part: list(manager.download_many(part)), args=(part,))
        for part in (urls[:6], urls[6:])
    ]
    for batch in batches:
        batch.start()
    for batch in batches:
        batch.join(10)

    assert len(busy.instants) == 12
    assert busy.most == 3


def test_a_rate_is_kept_by_each_request(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A redirect counts, too; managers of one process share the rate, with or without a cache."""
    busy = _JobState(0)

    def to(target: str) -> str:
        follow = redirect(server.on(target, busy))

        def handle(asked: Asked, wire: Wire) -> None:
            busy.instants.append(monotonic())
            follow(asked, wire)

        return server.on(f'/to{target}', handle)

    one, other = make_manager(rate='20/s'), make_manager(tmp_path / 'cache', rate=20)
    urls = [to(f'/{number}') for number in range(8)]
    threads = [
        threading.Thread(target=lambda m, part: list(m.download_many(part)), args=pair)
        for pair in ((one, urls[:4]), (other, urls[4:]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    at = sorted(busy.instants)

    assert len(at) == 16
    # Fifteen intervals of 0.05 s; uncounted redirects, or a rate for each manager, halve them.
    assert at[-1] - at[0] > 0.5
    assert (tmp_path / 'cache' / '.dlmachine' / 'rates').is_dir()


def test_a_slow_connection_does_not_crowd_the_next(
    make_manager: MakeManager, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time at the server counts, not the beginning of the exchange."""
    from dlmachine_adapters.http.deadlines import Deadlines

    busy, began = _JobState(0), list[float]()
    connected = Deadlines.connected

    def slow(self: Deadlines) -> None:
        if not began:
            began.append(monotonic())
            sleep(0.2)
        connected(self)

    monkeypatch.setattr(Deadlines, 'connected', slow)
    urls = [server.on(f'/{number}', busy) for number in range(8)]
    list(make_manager(rate='20/s').download_many(urls))
    at = sorted(busy.instants)

    assert min(fourth - first for first, fourth in zip(at, at[3:], strict=False)) > 0.05


def test_the_wait_counts_in_the_time_of_the_download(
    make_manager: MakeManager, server: Server
) -> None:
    """It is reported like any other timeout."""
    manager = make_manager(rate='1/m', timeout=5)
    url = server.on('/x', resource(b'abc'))
    items = sorted(manager.download_many([url, url]), key=lambda item: item.ok)

    assert [item.ok for item in items] == [False, True]
    assert isinstance(items[0].fault, TimedOut)
    assert len(server.asked) == 1


def test_rate_limits_are_in_the_plan(make_manager: MakeManager) -> None:
    """As data, for every request that the plan knows."""
    manager = make_manager(rate='3/s', max_per_host=2, limit_rate='1M')
    planned = manager.plan('http://127.0.0.1:9/x')
    (rate_limits,) = [
        effect.rate_limits for effect in planned.effects if hasattr(effect, 'rate_limits')
    ]

    assert (rate_limits.rate, rate_limits.max_per_host) == (Rate(3), 2)
    assert rate_limits.bytes_per_second == 1 << 20
    assert type(planned).from_json(planned.to_json()).unwrap() == planned


def test_bytes_are_limited_over_a_whole_manager(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Into the cache, into memory and to a path, together."""
    manager = make_manager(tmp_path / 'cache', limit_rate='1M')
    body = b'x' * (1 << 19)
    urls = [server.on(f'/{number}', resource(body)) for number in range(3)]
    places: list[str | bool | None] = [None, False, str(tmp_path / 'x')]
    threads = [
        threading.Thread(target=manager.fetch, args=pair) for pair in zip(urls, places, strict=True)
    ]
    began = monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert 1.3 < monotonic() - began < 1.9


def test_a_throttled_download_can_be_cancelled(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Within a moment, and its part is kept."""
    manager = make_manager(limit_rate='100k')
    url = server.on('/x', resource(b'x' * (4 << 20), etag='"v1"'))
    items: list[bool] = []
    thread = threading.Thread(
        target=lambda: items.extend(i.ok for i in manager.download_many([url], dest=tmp_path))
    )
    thread.start()
    sleep(0.5)
    began = monotonic()
    manager.close()
    thread.join(5)

    assert items == [False]
    assert monotonic() - began < 1
    assert len(list((tmp_path / '.dlmachine').glob('*.part'))) == 1
