"""Batches with an executor: workers fetch, the caller keeps locks and registry."""

import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, sleep
from typing import Any, BinaryIO

import pytest

import dlmachine as dm
from dlmachine.batch.remote import perform_remotely
from dlmachine.core.cache.entries import Status
from dlmachine.core.faults import CacheUnusable, Cancelled, HttpStatus, InvalidInput, WorkerLost
from dlmachine.core.protocol.effects import (
    AcquireLock,
    Exchange,
    Publish,
    Reassemble,
    Record,
    ReleaseLock,
)
from dlmachine.core.protocol.events import NameTaken
from dlmachine.core.protocol.outcome import Origin
from dlmachine.manager import DownloadManager
from dlmachine_adapters.cachedir.store import CachedirStore
from tests.fixtures import MakeManager
from tests.servers.behaviours import in_turn, raw, resource, respond, silent
from tests.servers.http import Asked, Server, Wire

BODY = b'protein\tscore\n' * 5_000


@pytest.fixture(params=['threads', 'processes'])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Each executor of the standard library; processes are started by spawning."""
    made: Executor = (
        ThreadPoolExecutor(3)
        if request.param == 'threads'
        else ProcessPoolExecutor(2, mp_context=get_context('spawn'))
    )
    with made:
        yield made


@pytest.fixture
def processes() -> Iterator[ProcessPoolExecutor]:
    """Two worker processes."""
    with ProcessPoolExecutor(2, mp_context=get_context('spawn')) as made:
        yield made


@pytest.fixture
def cached(tmp_path: Path) -> Iterator[DownloadManager]:
    """A manager with a cache."""
    with DownloadManager(tmp_path / 'cache', progress=False, retry_wait=0.01) as made:
        yield made


def only(items: Iterator[dm.BatchItem[Any]]) -> dm.BatchItem[Any]:
    """The item of a batch of one."""
    (item,) = items
    return item


def statuses(manager: DownloadManager) -> list[int]:
    """The status of each entry in cachedir."""
    cache = manager.cache
    assert cache is not None
    return [item.status for item in cache.search()]


def held(tmp_path: Path) -> list[str]:
    """The existing locks and parts."""
    ours = tmp_path / 'cache' / '.dlmachine'
    return [path.name for path in ours.rglob('*') if path.suffix in {'.lock', '.part'}]


# --- results --------------------------------------------------------------------------


def test_bodies_go_into_the_cache(
    executor: Executor, cached: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """Recorded by the caller alone; the next time they are hits, without a request."""
    urls = [server.on(f'/{number}.tsv', resource(BODY + b'%d' % number)) for number in range(6)]
    items = list(cached.download_many(urls, executor=executor))
    again = list(cached.download_many(urls, executor=executor))

    assert [item.fault for item in items] == [None] * 6
    assert all(Path(item.path or '').read_bytes() == BODY + b'%d' % item.index for item in items)
    assert {item.unwrap().origin for item in again} == {Origin.CACHE}
    assert len(server.asked) == 6
    assert statuses(cached) == [Status.READY] * 6
    assert held(tmp_path) == []
    record = items[0].unwrap().record
    assert record is not None
    assert record.size_bytes == len(BODY) + 1


def test_the_story_is_that_of_a_local_run(
    executor: Executor, cached: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """The same effects, in the same order, as planned."""
    url = server.on('/t.tsv', resource(BODY))
    planned = cached.plan(url)
    outcome = only(cached.download_many([url], executor=executor)).unwrap()

    assert [type(effect) for effect, _ in outcome.story] == [type(one) for one in planned.effects]
    assert tuple(effect for effect, _ in outcome.story) == planned.effects


def test_memory_comes_back(executor: Executor, cached: DownloadManager, server: Server) -> None:
    """As a buffer, at its beginning."""
    item = only(cached.download_many([server.on('/x', resource(BODY))], False, executor=executor))
    buffer = item.unwrap().buffer

    assert buffer is not None
    assert buffer.read() == BODY


def test_folders_are_meant_as_the_caller_sees_them(
    executor: Executor, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the destination and of the cache; a worker may have another current folder."""
    executor.submit(os.getpid).result(20)  # All workers have started now.
    monkeypatch.chdir(tmp_path)
    url = server.on('/x', in_turn(resource(BODY, etag='"v1"'), resource(BODY, etag='"v1"')))
    with DownloadManager('here', progress=False) as manager:
        item = only(manager.download_many([url], 'out', executor=executor))
        stored = only(manager.download_many([url], executor=executor))
        checked = only(manager.download_many([url], executor=executor, check_freshness=True))

    assert item.path == str(tmp_path / 'out' / 'x')
    assert stored.path is not None
    assert Path(stored.path).parent == tmp_path / 'here'
    assert checked.unwrap().is_validated
    assert Path(stored.path).read_bytes() == BODY


def test_failures_come_back(
    executor: Executor, cached: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """With their attempts; the worker handles mirrors and retries."""
    bad, url = server.on('/bad', respond(503)), server.on('/x', resource(BODY))
    targets: list[Any] = [bad, dm.Descriptor(bad, query={'a': 1}, mirrors=[url])]
    items = sorted(
        cached.download_many(targets, executor=executor, retries=1), key=lambda item: item.index
    )

    assert items[0].fault is not None
    assert (items[0].fault.code, items[0].fault.tries) == ('http_status', 2)
    assert items[1].ok
    assert held(tmp_path) == []


def test_a_stored_copy_is_revalidated_by_a_worker(
    executor: Executor, cached: DownloadManager, server: Server
) -> None:
    """The caller writes the response into the registry."""
    url = server.on('/x', resource(BODY, etag='"v1"'))
    list(cached.download_many([url], executor=executor))
    outcome = only(cached.download_many([url], executor=executor, check_freshness=True)).unwrap()

    assert outcome.is_validated
    assert [asked.get('If-None-Match') for asked in server.asked] == [None, '"v1"']
    assert [type(effect).__name__ for effect, _ in outcome.story][-3:] == [
        'Record',
        'Discard',
        'ReleaseLock',
    ]


def test_a_stale_copy_is_used_if_a_worker_fails(
    executor: Executor, cached: DownloadManager, server: Server
) -> None:
    """As without an executor."""
    url = server.on('/x', in_turn(resource(BODY), respond(500)))
    list(cached.download_many([url], executor=executor))
    outcome = only(
        cached.download_many(
            [url], executor=executor, force_download=True, stale_if_error=True, retries=0
        )
    ).unwrap()

    assert outcome.origin is Origin.STALE


def test_segments_are_a_workers_affair(
    executor: Executor, cached: DownloadManager, server: Server
) -> None:
    """Including reassembling them."""
    body = os.urandom(5 << 20)
    url = server.on('/x', resource(body, etag='"v1"'))
    outcome = only(cached.download_many([url], executor=executor, segments=2)).unwrap()

    assert Path(outcome.path or '').read_bytes() == body
    assert any(isinstance(effect, Reassemble) for effect, _ in outcome.story)


def test_the_same_target_twice_is_fetched_once(
    executor: Executor, cached: DownloadManager, server: Server
) -> None:
    """The caller holds the lock as long as the worker works."""
    url = server.on('/x', resource(BODY))
    items = list(cached.download_many([url] * 4, executor=executor))

    assert all(item.ok for item in items)
    assert len(server.asked) == 1


def test_secrets_reach_the_worker_and_no_further(
    processes: ProcessPoolExecutor, cached: DownloadManager, server: Server
) -> None:
    """They are sent to the server, and stored or shown nowhere."""
    url = server.on('/x', resource(BODY))
    target = dm.Descriptor(url, headers={'Authorization': 'Bearer s3cret'})
    outcome = only(cached.download_many([target], executor=processes)).unwrap()

    assert server.asked[0].get('Authorization') == 'Bearer s3cret'
    assert 's3cret' not in repr(outcome) + repr(outcome.record)


# --- the registry ---------------------------------------------------------------------


def test_workers_know_no_registry(
    processes: ProcessPoolExecutor, cached: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """There is none while they work; the caller's first record creates it."""
    seen: list[bool] = []
    registry = tmp_path / 'cache' / 'cache.sqlite'

    def look(asked: Asked, wire: Wire) -> None:
        seen.append(registry.exists())
        wire.respond(200, (), BODY)

    assert only(cached.download_many([server.on('/x', look)], executor=processes)).ok
    assert seen == [False]
    assert registry.exists()


@pytest.mark.parametrize('what', ['taken', 'broken'])
def test_a_file_that_cannot_be_recorded_is_removed(
    executor: Executor,
    cached: DownloadManager,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    """The file that the worker published is removed again."""
    from dlmachine.core.protocol.events import EffectFailed

    fault = CacheUnusable(path='x', problem='is broken')

    def record(self: CachedirStore, effect: Record, update: object) -> NameTaken | EffectFailed:
        at = self._clock.now()
        return NameTaken(at=at) if what == 'taken' else EffectFailed(at=at, fault=fault)

    monkeypatch.setattr(CachedirStore, 'record', record)
    item = only(cached.download_many([server.on('/x', resource(BODY))], executor=executor))

    assert isinstance(item.fault, CacheUnusable)
    assert [path.name for path in (tmp_path / 'cache').glob('*') if path.is_file()] == []
    assert held(tmp_path) == []


# --- what may happen to workers ---------------------------------------------------------


def _die(file: BinaryIO) -> bool:
    os.kill(os.getpid(), signal.SIGKILL)
    return True


def _is_long(file: BinaryIO) -> bool:
    return len(file.read()) == len(BODY)


def test_a_worker_that_dies_is_that_items_fault(
    processes: ProcessPoolExecutor, cached: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """The lock is released, and the next manager resumes the part."""
    url = server.on('/x', resource(BODY))
    item = only(cached.download_many([url], executor=processes, validate=_die))
    again = only(cached.download_many([url], executor=processes))

    assert isinstance(item.fault, WorkerLost)
    assert 'BrokenProcessPool' in item.fault.problem
    # A broken pool stays broken, which is reported in the same way.
    assert isinstance(again.fault, WorkerLost)
    assert [name for name in held(tmp_path) if name.endswith('.lock')] == []
    assert Path(cached.fetch(url).path or '').read_bytes() == BODY


def test_validate_is_sent_by_its_name(
    executor: Executor, cached: DownloadManager, server: Server
) -> None:
    """A function of a module can be imported by the worker."""
    url = server.on('/x', resource(BODY))

    assert only(cached.download_many([url], executor=executor, validate=_is_long)).ok


def test_a_validate_that_cannot_be_sent_is_a_clear_fault(
    processes: ProcessPoolExecutor, cached: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """It names the option, and says what to do; other items are not affected."""
    url = server.on('/x', resource(BODY))
    item = only(cached.download_many([url], executor=processes, validate=lambda file: True))

    assert isinstance(item.fault, InvalidInput)
    assert item.fault.where == 'validate'
    assert 'module' in str(item.fault)
    assert held(tmp_path) == []
    assert only(cached.download_many([url], executor=processes)).ok


def test_threads_need_nothing_sent(cached: DownloadManager, server: Server) -> None:
    """Any function works there."""
    url = server.on('/x', resource(BODY))
    with ThreadPoolExecutor(1) as pool:
        assert only(cached.download_many([url], executor=pool, validate=lambda file: True)).ok


class Odd(Executor):
    """An executor with the given behaviour."""

    def __init__(self, submit: Callable[..., Future[Any]]) -> None:
        self._submit = submit

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Behave as specified."""
        return self._submit(fn, *args, **kwargs)


def test_any_exception_of_an_executor_is_a_fault(cached: DownloadManager, server: Server) -> None:
    """Of that item, with the exception's name."""

    def cancelled(*_: object) -> Future[Any]:
        future: Future[Any] = Future()
        future.cancel()
        return future

    def refuse(*_: object) -> Future[Any]:
        raise RuntimeError

    def late(*_: object) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(TimeoutError('of its own'))
        return future

    url = server.on('/x', resource(BODY))
    problems = [
        getattr(only(cached.download_many([url], executor=Odd(submit))).fault, 'problem', '')
        for submit in (cancelled, refuse, late)
    ]

    assert problems == ['CancelledError', 'RuntimeError', 'TimeoutError: of its own']


def test_what_is_sent_is_data(cached: DownloadManager, server: Server) -> None:
    """It survives pickling in both directions, and names the work."""
    sent: list[bytes] = []

    def submit(fn: Callable[..., Any], remote: Any) -> Future[Any]:
        sent.append(pickle.dumps((fn, remote)))
        future: Future[Any] = Future()
        future.set_result(
            pickle.loads(pickle.dumps(perform_remotely(pickle.loads(pickle.dumps(remote)))))
        )
        return future

    url = server.on('/x', resource(BODY))
    outcome = only(cached.download_many([url], executor=Odd(submit))).unwrap()

    assert len(sent[0]) < 10_000
    assert [type(e) for e, _ in outcome.story if isinstance(e, (Exchange, Publish))] == [
        Exchange,
        Publish,
    ]


# --- cancellation ---------------------------------------------------------------------


def test_what_waits_for_a_worker_is_cancelled(
    cached: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """It has not begun, so nothing is left."""
    with ThreadPoolExecutor(1) as pool:
        go_on = threading.Event()
        pool.submit(go_on.wait, 20)
        running: list[Any] = []
        url = server.on('/x', resource(BODY))
        thread = threading.Thread(
            target=lambda: running.extend(cached.download_many([url], executor=pool))
        )
        thread.start()
        while not held(tmp_path):
            pass
        began = monotonic()
        cached.close()
        thread.join(5)
        took = monotonic() - began
        go_on.set()

    assert took < 1
    assert [item.fault for item in running] == [Cancelled()]
    assert server.asked == []


def test_threads_of_the_same_process_stop_with_their_caller(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """They use its world: its connections, its limits, its cancel token."""
    asked = threading.Event()

    def mute(request: Asked, wire: Wire) -> None:
        asked.set()
        silent(request, wire)

    manager = make_manager(tmp_path / 'cache')
    running: list[Any] = []
    with ThreadPoolExecutor(1) as pool:
        thread = threading.Thread(
            target=lambda: running.extend(
                manager.download_many([server.on('/x', mute)], executor=pool)
            )
        )
        thread.start()
        assert asked.wait(5)
        began = monotonic()
        manager.close()
        thread.join(5)
        took = monotonic() - began

    assert took < 1
    assert [item.fault for item in running] == [Cancelled(tries=1)]


def test_processes_stop_with_their_caller(
    processes: ProcessPoolExecutor, cached: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """They look for a file in the folder; their parts can be resumed."""
    body, there = BODY * 60, threading.Event()

    def stalling(request: Asked, wire: Wire) -> None:
        wire.head(200, (('ETag', '"v1"'), ('Content-Length', str(len(body)))), 'OK')
        wire.send(body[:-1000])
        there.set()
        wire.pause(60)

    url = server.on('/x', in_turn(stalling, resource(body, etag='"v1"')))
    items: Any = cached.download_many([server.on('/y', resource(BODY)), url], executor=processes)
    assert next(items).ok
    assert there.wait(10)
    sleep(0.2)
    began = monotonic()
    items.close()
    took = monotonic() - began
    outcome = cached.fetch(url)

    assert took < 1.5
    assert Path(outcome.path or '').read_bytes() == body
    assert server.asked[-1].get('Range') is not None
    assert held(tmp_path) == []
    assert list((tmp_path / 'cache').rglob('*.stop')) == []


def test_limits_of_time_count_where_the_work_is(
    executor: Executor, cached: DownloadManager, server: Server
) -> None:
    """A download that takes too long ends in the worker."""
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
    url = server.on('/x', raw(head, b'abc', 20.0))
    fault = only(cached.download_many([url], executor=executor, timeout=0.5)).fault

    assert fault is not None
    assert fault.code == 'timed_out'


def test_clocks_of_machines_may_differ(cached: DownloadManager, server: Server) -> None:
    """The worker measures the time with its own clock."""

    def submit(fn: Callable[..., Any], remote: Any) -> Future[Any]:
        state = remote.step.state
        began = state.job.began_at - timedelta(hours=1)
        state = replace(state, job=replace(state.job, began_at=began))
        future: Future[Any] = Future()
        future.set_result(perform_remotely(replace(remote, step=replace(remote.step, state=state))))
        return future

    url = server.on('/x', in_turn(respond(503), resource(BODY)))
    assert only(cached.download_many([url], executor=Odd(submit), timeout=20)).ok


def test_what_came_before_the_worker_counts_against_the_limit(
    cached: DownloadManager, server: Server
) -> None:
    """For example the wait for the lock: a worker gets the rest of the time."""
    url = server.on('/x', in_turn(respond(503, (('Retry-After', '5'),)), resource(BODY)))
    key, reported, there = cached.plan(url).snapshot.key, [], threading.Event()

    def hold() -> None:
        with DownloadManager(cached.config.path, progress=False).adapters() as world:
            world.locks.acquire(AcquireLock(key=key, patience=timedelta(0)))
            there.set()
            sleep(0.3)
            world.locks.release(ReleaseLock(key=key))

    def submit(fn: Callable[..., Any], remote: Any) -> Future[Any]:
        reported.append(remote.elapsed)
        future: Future[Any] = Future()
        future.set_result(perform_remotely(replace(remote, elapsed=timedelta(seconds=8))))
        return future

    holder = threading.Thread(target=hold)
    holder.start()
    assert there.wait(10)
    began = monotonic()
    fault = only(cached.download_many([url], executor=Odd(submit), timeout=10)).fault
    holder.join()

    # With the complete time, it could wait and send another request.
    assert isinstance(fault, HttpStatus)
    assert monotonic() - began < 4
    assert timedelta(seconds=0.2) < reported[0] < timedelta(seconds=3)


def test_the_wait_for_a_worker_counts_against_the_limit(
    cached: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """The caller does not wait for a worker that is busy all the time."""
    url = server.on('/x', resource(BODY))
    with ThreadPoolExecutor(1) as busy:
        there = threading.Event()
        busy.submit(there.wait, 20)
        began = monotonic()
        fault = only(cached.download_many([url], executor=busy, timeout=1)).fault
        took = monotonic() - began
        there.set()

    assert fault is not None
    assert (fault.code, 1 < took < 3) == ('timed_out', True)
    assert held(tmp_path) == []
    assert cached.fetch(url).path is not None


# --- dask -----------------------------------------------------------------------------


@pytest.mark.filterwarnings('default')
def test_a_cluster_of_dask(
    cached: DownloadManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of a real LocalCluster, each a process, through `Client.get_executor()`."""
    distributed = pytest.importorskip('distributed')
    monkeypatch.chdir(tmp_path)
    urls = [server.on(f'/{number}', resource(BODY + b'%d' % number)) for number in range(12)]
    bad = server.on('/bad', respond(404))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None,
            host='127.0.0.1', local_directory=str(tmp_path / 'dask'), silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        executor = client.get_executor()
        items = list(
            cached.download_many(
                [*urls, bad], executor=executor, validate=lambda f: f.read(7) == b'protein'
            )
        )
        pids = set(client.run(os.getpid).values())

    done = [item for item in items if item.ok]
    assert len(pids - {os.getpid()}) == 2
    assert sorted(item.index for item in done) == list(range(12))
    assert all(Path(item.path or '').read_bytes() == BODY + b'%d' % item.index for item in done)
    assert [item.fault.code for item in items if item.fault] == ['http_status']
    assert statuses(cached) == [Status.READY] * 12
    assert held(tmp_path) == []
