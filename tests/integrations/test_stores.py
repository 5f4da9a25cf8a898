"""Stores that fsspec reads, with its file system in memory."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

import dlmachine as dm
from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.protocol.outcome import Origin
from dlmachine.manifest import read_manifest
from dlmachine_adapters.fsspec_backend import transport
from tests.servers.behaviours import redirect, resource
from tests.servers.http import Server

MakeManager = Callable[..., Any]
BODY = b'gene,value\nTP53,7\n'
URL = 'memory://Bucket/genes 1.csv'
LONG_AGO = datetime(2023, 11, 14, tzinfo=UTC)


def put(name: str, data: bytes, second: int = 0) -> None:
    """Write an object that was made long ago."""
    system = MemoryFileSystem(skip_instance_cache=True)
    system.pipe(name, data)
    system.store[name].created = LONG_AGO.replace(second=second)


@pytest.fixture
def backend() -> str:
    """The backend for servers, which stores do not need."""
    return 'requests'


@pytest.fixture(autouse=True)
def store() -> Iterator[None]:
    """One object, and nothing else."""
    MemoryFileSystem.store.clear()
    put('/Bucket/genes 1.csv', BODY)
    yield
    MemoryFileSystem.store.clear()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The ranges that are read of objects."""
    ranges: list[tuple[int, int]] = []
    read = MemoryFileSystem.cat_file

    def noted(self: Any, path: str, start: Any = None, end: Any = None, **words: Any) -> Any:
        ranges.append((start, end))
        return read(self, path, start=start, end=end, **words)

    monkeypatch.setattr(MemoryFileSystem, 'cat_file', noted)
    return ranges


def test_cache_place_and_memory(make_manager: MakeManager, tmp_path: Path) -> None:
    """An object is downloaded to each, recorded, and used again."""
    manager = make_manager(tmp_path / 'cache')
    outcome: Any = manager.fetch(URL)
    record = outcome.record
    assert (outcome.origin, record.filename, record.backend) == (
        Origin.NETWORK, 'genes 1.csv', 'fsspec',
    )  # fmt: skip
    assert record.url == 'memory://Bucket/genes%201.csv'
    assert record.backend_version
    assert Path(outcome.path).read_bytes() == BODY
    assert manager.fetch(URL).origin is Origin.CACHE
    assert manager.download(URL, dest=False).read() == BODY
    placed: Any = manager.fetch(URL, f'{tmp_path}/data/')
    assert Path(placed.path).name == 'genes 1.csv'
    again = manager.fetch(URL, f'{tmp_path}/data/')
    assert (again.origin, again.is_validated, again.tries) == (Origin.CACHE, True, 1)
    assert manager.fetch(URL, offline=True).origin is Origin.CACHE
    with pytest.raises(dm.DownloadError, match='offline is set'):
        manager.download('memory://Bucket/other', offline=True)


def test_the_words_in_a_url(make_manager: MakeManager) -> None:
    """Names are kept as they are, and `::` does not chain another file system."""
    for name in ('/Bucket/a/../b//c', '/Bucket/100%', '/Bucket/é'):
        put(name, name.encode())
        assert make_manager().download(f'memory:/{name}').read() == name.encode()
    with pytest.raises(dm.NotFoundError):
        make_manager().download('memory://Bucket/x::file:///etc/hostname')


def test_freshness(make_manager: MakeManager, tmp_path: Path) -> None:
    """Another time is another version, also of the same size."""
    manager = make_manager(tmp_path / 'cache', freshness='always')
    assert manager.fetch(URL).version == 1
    assert manager.fetch(URL).is_validated
    put('/Bucket/genes 1.csv', BODY[::-1], second=1)
    changed: Any = manager.fetch(URL)
    assert (changed.origin, changed.version) == (Origin.NETWORK, 2)
    assert Path(changed.path).read_bytes() == BODY[::-1]


def test_an_object_that_was_written_just_now(make_manager: MakeManager, tmp_path: Path) -> None:
    """It may be written again within the resolution of its time, so it has no validator."""
    MemoryFileSystem.store['/Bucket/genes 1.csv'].created = datetime.now(UTC)
    outcome: Any = make_manager(tmp_path / 'cache').fetch(URL)
    assert outcome.record.etag is None


@pytest.mark.parametrize('is_changed', [False, True])
def test_a_part_is_resumed(
    make_manager: MakeManager,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reads: list[tuple[int, int]],
    is_changed: bool,
) -> None:
    """Only the rest of an unchanged object is read; of a changed one nothing is joined."""
    data, path = os.urandom(3 << 20), tmp_path / 'x'
    put('/Bucket/big', data)
    pieces = transport._pieces

    def broken(*words: Any) -> Iterator[bytes]:
        made = pieces(*words)
        yield from (next(made), next(made))
        raise OSError(5, 'Input/output error')

    with monkeypatch.context() as patched:
        patched.setattr(transport, '_pieces', broken)
        with pytest.raises(dm.NetworkError, match='Input/output error'):
            make_manager(retries=0).download('memory://Bucket/big', path)
    if is_changed:
        data = data[::-1]
        put('/Bucket/big', data, second=1)
    reads.clear()
    make_manager().download('memory://Bucket/big', path)
    assert path.read_bytes() == data
    read_bytes = sum(end - start for start, end in reads)
    assert (read_bytes == len(data)) is is_changed
    assert reads[0][0] == (0 if is_changed else (3 << 18) - 1)


def test_an_object_that_changes_while_it_is_read(
    make_manager: MakeManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read again; if it changes each time, the destination stays as it was."""
    data, contents, path = os.urandom(1 << 20), [b'new'], tmp_path / 'x'
    pieces = transport._pieces
    put('/Bucket/big', data)

    def changing(*words: Any) -> Iterator[bytes]:
        for piece in pieces(*words):
            yield piece
            if contents:
                put('/Bucket/big', contents.pop(), second=len(contents) + 1)

    monkeypatch.setattr(transport, '_pieces', changing)
    manager = make_manager(retries=2)
    assert manager.fetch('memory://Bucket/big', path).tries == 2
    assert path.read_bytes() == b'new'
    contents += [bytes([number]) * 9 for number in range(8)]
    with pytest.raises(dm.ServerError, match='changed while it was read'):
        manager.download('memory://Bucket/big', path, force_download=True)
    assert path.read_bytes() == b'new'


def test_an_object_that_changes_and_changes_back(
    make_manager: MakeManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part with bytes of both is never joined with the first content, which looks the same."""
    data, path, pieces = os.urandom(1 << 20), tmp_path / 'x', transport._pieces
    put('/Bucket/big', data)

    def changing(*words: Any) -> Iterator[bytes]:
        made = pieces(*words)
        yield next(made)
        put('/Bucket/big', data[::-1], second=1)
        yield next(made)
        put('/Bucket/big', data, second=2)
        raise OSError(5, 'Input/output error')

    with monkeypatch.context() as patched:
        patched.setattr(transport, '_pieces', changing)
        with pytest.raises(dm.NetworkError):
            make_manager(retries=0).download('memory://Bucket/big', path)
    make_manager().download('memory://Bucket/big', path)
    assert path.read_bytes() == data


def test_segments(make_manager: MakeManager, tmp_path: Path, reads: list[tuple[int, int]]) -> None:
    """Several connections read one large object."""
    data = os.urandom(24 << 20)
    put('/Bucket/big', data)
    path = make_manager(segments=3).download('memory://Bucket/big', tmp_path / 'x')
    assert Path(path).read_bytes() == data
    assert len([start for start, _ in reads if start and start % (1 << 18)]) >= 2


def test_batches_manifests_audits_and_probes(make_manager: MakeManager, tmp_path: Path) -> None:
    """Stores take part in everything that sources do."""
    manager = make_manager(tmp_path / 'cache')
    put('/Bucket/b', b'b')
    (tmp_path / 'm.toml').write_text(
        f'[[download]]\nurl = "{URL}"\n[[download]]\nurl = "memory://Bucket/b"\n'
        '[[download]]\nurl = "memory://Bucket/none"\n'
    )
    items = read_manifest(tmp_path / 'm.toml').unwrap()
    assert [row.status.value for row in manager.audit(items)] == ['missing'] * 3
    results = sorted(manager.download_many(items, tmp_path / 'data'), key=lambda one: one.index)
    assert [one.ok for one in results] == [True, True, False]
    assert (tmp_path / 'data' / 'b').read_bytes() == b'b'
    assert (manager.probe(URL).status.value, manager.probe(URL).size_bytes) == ('alive', len(BODY))
    assert manager.probe('memory://Bucket/none').status.value == 'gone'


def test_faults(make_manager: MakeManager, tmp_path: Path) -> None:
    """Each says what is wrong, and a missing object can be remembered."""
    manager = make_manager(tmp_path / 'cache', retries=0)
    with pytest.raises(dm.NotFoundError, match='answered 404. Check the bucket'):
        manager.download('memory://Bucket/none', remember_missing='1d')
    with pytest.raises(dm.NotFoundError, match='known to be missing'):
        manager.download('memory://Bucket/none', remember_missing='1d')
    put('/Bucket/folder/x', b'x')
    with pytest.raises(dm.ServerError, match='it is a folder'):
        manager.download('memory://Bucket/folder')
    with pytest.raises(dm.RequestError, match='pip install fsspec ossfs'):
        manager.download('oss://bucket/x')
    with pytest.raises(dm.RequestError, match='can only be read'):
        manager.download(URL, post=True)
    with pytest.raises(dm.RequestError, match='forbid_private'):
        manager.download(URL, forbid_private=True)
    with pytest.raises(dm.ServerError, match='more than the 3 bytes'):
        manager.download(URL, max_bytes=3)
    with pytest.raises(dm.IntegrityError):
        manager.download(URL, checksum='md5:' + 'ab' * 16)


def test_mirrors(make_manager: MakeManager, server: Server) -> None:
    """A store may be the mirror of a server, and a server that of a store."""
    gone, there = server.url('/gone'), server.on('/x', resource(b'there'))
    assert make_manager(retries=0).download(gone, mirrors=[URL]).read() == BODY
    assert make_manager(retries=0).download('memory://B/none', mirrors=[there]).read() == b'there'
    assert make_manager(retries=0).download('oss://b/x', mirrors=[URL]).read() == BODY


def test_no_redirect_leads_to_one(make_manager: MakeManager, server: Server) -> None:
    """A server does not choose what is read with the caller's credentials."""
    url = server.on('/x', redirect('memory://Bucket/b'))
    with pytest.raises(dm.ServerError, match='leads from http to memory'):
        make_manager().download(url)


@pytest.mark.parametrize('where', ['info', 'cat_file'])
@pytest.mark.parametrize('how', ['timeout', 'stall', 'cancel'])
def test_a_store_that_hangs(
    make_manager: MakeManager, monkeypatch: pytest.MonkeyPatch, where: str, how: str
) -> None:
    """Time limits and cancellation end the wait, whatever the package waits for."""
    ended = threading.Event()

    def hang(*_: Any, **__: Any) -> Any:
        ended.wait(60)
        raise OSError('ended')

    monkeypatch.setattr(MemoryFileSystem, where, hang)
    manager = make_manager(retries=0)
    began = time.monotonic()
    if how == 'cancel':
        threading.Timer(0.3, manager.close).start()
        error: Any = dm.CancelledError if hasattr(dm, 'CancelledError') else dm.DownloadError
    else:
        error = dm.NetworkError
    limits = {'timeout': {'timeout': 0.3}, 'stall': {'stall_timeout': 0.3}, 'cancel': {}}[how]
    with pytest.raises(error):
        manager.download(URL, **limits)
    ended.set()
    assert time.monotonic() - began < 30


def test_progress_and_limits(make_manager: MakeManager) -> None:
    """Events of progress, and a rate that is kept."""
    put('/Bucket/big', bytes(2 << 20))
    events: list[Any] = []
    manager = make_manager(on_event=events.append, limit_rate='8MB', speed_limit='1')
    began = time.monotonic()
    assert len(manager.download('memory://Bucket/big').getvalue()) == 2 << 20
    assert time.monotonic() - began > 0.1
    assert len(events) >= 2


def test_storage_options(make_manager: MakeManager, tmp_path: Path) -> None:
    """They come from calls, rules and the environment, and are part of the key."""
    manager = make_manager(tmp_path / 'cache')
    assert manager.fetch(URL).origin is Origin.NETWORK
    options: Any = {'asynchronous_': True}
    with pytest.raises(dm.RequestError, match='set by dlmachine itself'):
        manager.download(URL, storage_options={'target_protocol': 'file'})
    del options
    one = manager.fetch(URL, storage_options={'region': 'a'})
    two = manager.fetch(URL, storage_options={'region': 'b'}, key_without=['storage_options'])
    assert (one.origin, two.origin) == (Origin.NETWORK, Origin.CACHE)
    ruled = make_manager(
        tmp_path / 'cache',
        rules=[{'match': 'memory://Bucket/**', 'storage_options': {'region': 'a'}}],
    )
    assert ruled.fetch(URL).origin is Origin.CACHE
    with pytest.raises(dm.RequestError, match='would send a secret to every host'):
        make_manager(storage_options={'secret': 'planted'})


def test_the_environment(make_manager: MakeManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable has them as JSON."""
    monkeypatch.setenv('DLMACHINE_STORAGE_OPTIONS', '{"region": "a"}')
    assert 'options region' in str(make_manager().plan(URL))


def test_secrets_stay_secret(make_manager: MakeManager, tmp_path: Path) -> None:
    """Nothing that is shown or stored has them, and a fault does not quote them."""
    manager = make_manager(tmp_path / 'cache', retries=0)
    secret: Any = {'secret': 'planted', 'client_kwargs': {'token': 'planted'}}
    outcome: Any = manager.fetch(URL, storage_options=secret)
    plan = manager.plan(URL, storage_options=secret, freshness='always')
    shown = f'{outcome!r} {plan} {plan!r} {plan.to_json()} {plan.redacted()!r} {manager!r}'
    assert 'planted' not in shown
    for path in (tmp_path / 'cache').rglob('*'):
        assert path.is_dir() or b'planted' not in path.read_bytes(), path
    put('/Bucket/list', b'planted')
    read = MemoryFileSystem.info

    def fail(self: Any, path: str, **_: Any) -> Any:
        raise OSError('the key planted is unknown')

    try:
        MemoryFileSystem.info = fail
        with pytest.raises(dm.DownloadError, match=r'the key \*\*\* is unknown') as caught:
            manager.download('memory://Bucket/list', storage_options=secret)
    finally:
        MemoryFileSystem.info = read
    assert 'planted' not in f'{caught.value} {caught.value!r}'


def test_a_manifest_of_another_person(tmp_path: Path) -> None:
    """It may name objects, but does not say where your credentials go."""
    path = tmp_path / 'm.toml'
    path.write_text(
        f'[[download]]\nurl = "{URL}"\nstorage_options = {{ endpoint_url = "https://evil" }}\n'
    )
    (item,) = read_manifest(path).unwrap()
    assert "another person's" in str(item.fault)
    (item,) = read_manifest(path, allow_outside=True).unwrap()
    assert item.fault is None


def test_many_threads(make_manager: MakeManager, tmp_path: Path) -> None:
    """One of them downloads, and the others use its copy."""
    manager = make_manager(tmp_path / 'cache')
    origins: list[Origin] = []
    threads = [
        threading.Thread(target=lambda: origins.append(manager.fetch(URL).origin)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert origins.count(Origin.NETWORK) == 1
    assert len(origins) == 8


def test_a_plugin_comes_first(make_manager: MakeManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that somebody installed for the scheme reads it instead."""
    from dlmachine_adapters import backends

    seen = BackendSeen(name='own', schemes=('memory',))
    own = {**backends._loaders(), 'own': lambda: lambda _: SimpleNamespace(seen=seen, close=int)}
    monkeypatch.setattr(backends, '_loaders', lambda: own)
    assert 'GET memory://Bucket/genes%201.csv with own' in str(make_manager().plan(URL))
