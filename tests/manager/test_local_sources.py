"""Local files and contents as sources: allowed by the caller alone, and recorded as all else is."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.protocol.outcome import Origin
from dlmachine.manifest import read_manifest
from dlmachine_adapters import local_backend
from tests.servers.behaviours import redirect, resource
from tests.servers.http import Server

MakeManager = Callable[..., Any]
BODY = b'gene,value\nTP53,7\n'
LONG_AGO = 1_700_000_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file that was changed long ago, with a name that a URL escapes."""
    return write(tmp_path / 'shared é' / 'genes#1.csv', BODY)


def write(path: Path, data: bytes, at: int = LONG_AGO) -> Path:
    """Write a file with a modification time."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (at, at))
    return path


def test_cache_place_and_memory(make_manager: MakeManager, source: Path, tmp_path: Path) -> None:
    """A file is copied to each, and recorded; the source stays as it is."""
    manager = make_manager(tmp_path / 'cache', allow_file=True)
    url = dm.Descriptor(source.as_uri()).url
    outcome: Any = manager.fetch(url)
    assert (outcome.origin, outcome.record.url, outcome.record.filename) == (
        Origin.NETWORK, url, source.name,
    )  # fmt: skip
    assert Path(outcome.path).read_bytes() == BODY
    assert manager.fetch(url).origin is Origin.CACHE
    assert manager.download(url, dest=False).read() == BODY
    placed: Any = manager.fetch(url, f'{tmp_path}/data/')
    assert Path(placed.path).name == source.name
    assert Path(placed.path).read_bytes() == BODY
    again = manager.fetch(url, f'{tmp_path}/data/')
    assert (again.origin, again.is_validated, again.tries) == (Origin.CACHE, True, 1)
    assert source.stat().st_mtime == LONG_AGO


@pytest.mark.parametrize('link', ['hard', 'symbolic'])
def test_a_link(make_manager: MakeManager, source: Path, tmp_path: Path, link: str) -> None:
    """A link leads into the cache, not to the source, which its owner may change."""
    manager = make_manager(tmp_path / 'cache', allow_file=True)
    path = manager.download(source.as_uri(), tmp_path / 'x.csv', link=link)
    entry = manager.download(source.as_uri())
    assert os.path.samefile(path, entry)
    assert not os.path.samefile(path, source)
    assert os.access(source, os.W_OK)


def test_freshness(make_manager: MakeManager, source: Path, tmp_path: Path) -> None:
    """Size and modification time say whether a copy is current."""
    manager = make_manager(tmp_path / 'cache', allow_file=True, freshness='always')
    url = source.as_uri()
    assert manager.fetch(url).version == 1
    assert manager.fetch(url).is_validated
    write(source, BODY[::-1], LONG_AGO + 1)
    changed: Any = manager.fetch(url)
    assert (changed.origin, changed.version) == (Origin.NETWORK, 2)
    assert Path(changed.path).read_bytes() == BODY[::-1]
    write(source, BODY, LONG_AGO + 1)
    by_digest = manager.fetch(url, check_method='hash')
    assert Path(str(by_digest.path)).read_bytes() == BODY


def test_a_file_that_changed_just_now_is_read_again(
    make_manager: MakeManager, source: Path, tmp_path: Path
) -> None:
    """It may have changed once more with the same size and time."""
    manager = make_manager(tmp_path / 'cache', allow_file=True, freshness='always')
    source.write_bytes(BODY)
    first: Any = manager.fetch(source.as_uri())
    before = source.stat()
    source.write_bytes(BODY[::-1])
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    second: Any = manager.fetch(source.as_uri())
    assert first.record.etag is None
    assert Path(second.path).read_bytes() == BODY[::-1]


@pytest.fixture
def changing(monkeypatch: pytest.MonkeyPatch, source: Path) -> list[bytes]:
    """The source gets the last of these contents while it is read."""
    contents: list[bytes] = []
    read = local_backend._pieces

    def pieces(*args: Any) -> Iterator[bytes]:
        yield from read(*args)
        if contents:
            write(source, contents.pop(), LONG_AGO + len(contents) + 1)

    monkeypatch.setattr(local_backend, '_pieces', pieces)
    return contents


def test_a_file_that_changes_while_it_is_read(
    make_manager: MakeManager, source: Path, tmp_path: Path, changing: list[bytes]
) -> None:
    """It is read again; if it changes each time, the destination stays as it was."""
    manager = make_manager(allow_file=True, retries=2)
    path = tmp_path / 'x.csv'
    changing.append(b'new')
    assert manager.fetch(source.as_uri(), path).tries == 2
    assert path.read_bytes() == b'new'
    changing += [b'1', b'2', b'3', b'4', b'5', b'6']
    with pytest.raises(dm.ServerError, match='changed while it was read') as caught:
        manager.download(source.as_uri(), path, force_download=True)
    assert caught.value.fault.code == 'file_unreadable'
    assert path.read_bytes() == b'new'


def test_a_part_is_resumed(
    make_manager: MakeManager, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the rest of an unchanged file is read; a changed one is read from its beginning."""
    manager = make_manager(allow_file=True, retries=0)
    path, big = tmp_path / 'x.bin', os.urandom(3 << 20)
    read, offsets = local_backend._pieces, []

    def broken(handle: int, found: Any) -> Iterator[bytes]:
        offsets.append(found.offset)
        pieces = read(handle, found)
        yield next(pieces)
        raise OSError(5, 'Input/output error')

    def noted(handle: int, found: Any) -> Iterator[bytes]:
        offsets.append(found.offset)
        yield from read(handle, found)

    for data in (big, big[::-1]):
        write(source, data, LONG_AGO + len(offsets))
        monkeypatch.setattr(local_backend, '_pieces', broken)
        with pytest.raises(dm.ServerError, match='input/output error'):
            manager.download(source.as_uri(), path)
        monkeypatch.setattr(local_backend, '_pieces', noted)
        manager.download(source.as_uri(), path)
        assert path.read_bytes() == data
    assert offsets == [0, (1 << 20) - 1] * 2


@pytest.mark.parametrize('kind', ['folder', 'pipe', 'device', 'missing'])
def test_what_is_not_a_file(make_manager: MakeManager, tmp_path: Path, kind: str) -> None:
    """It is an error at once, also for what has no end or waits for a writer."""
    path = tmp_path / 'x'
    if kind == 'folder':
        path.mkdir()
    elif kind == 'pipe':
        os.mkfifo(path)
    elif kind == 'device':
        path = Path('/dev/zero')
    with pytest.raises(dm.ServerError, match='cannot be read') as caught:
        make_manager(allow_file=True, timeout=20).download(path)
    assert caught.value.fault.code == 'file_unreadable'


def test_mirrors(make_manager: MakeManager, server: Server, source: Path, tmp_path: Path) -> None:
    """A local mirror is read if the caller allows it, and a local file may have mirrors."""
    manager = make_manager(retries=0)
    gone, there = server.url('/gone'), server.on('/x', resource(BODY))
    with pytest.raises(dm.ServerError, match='404'):
        manager.download(gone, mirrors=[source.as_uri()])
    assert manager.download(gone, mirrors=[source.as_uri()], allow_file=True).read() == BODY
    missing = (tmp_path / 'gone').as_uri()
    assert manager.download(missing, mirrors=[there], allow_file=True).read() == BODY
    assert (
        manager.download(missing, mirrors=['data:,x'], allow_file=True, offline=True).read() == b'x'
    )


def test_paths(
    make_manager: MakeManager, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is relative to the current folder, and has the key of its URL."""
    manager = make_manager(tmp_path / 'cache', allow_file=True)
    stored = manager.download(source.as_uri())
    monkeypatch.chdir(source.parent)
    monkeypatch.setenv('HOME', str(source.parent))
    for path in (
        source,
        str(source),
        Path(source.name),
        source.name,
        f'./{source.name}',
        f'~/{source.name}',
    ):
        outcome = manager.fetch(path)
        assert (outcome.path, outcome.origin) == (stored, Origin.CACHE), path
    monkeypatch.chdir(tmp_path)
    write(tmp_path / source.name, b'other')
    assert Path(manager.download(source.name)).read_bytes() == b'other'
    odd = write(tmp_path / os.fsdecode(b'\xff\n:x'), b'odd')
    assert manager.download(odd, dest=False).read() == b'odd'


@pytest.mark.parametrize('how', ['url', 'path', 'text'])
def test_it_must_be_allowed(make_manager: MakeManager, source: Path, how: str) -> None:
    """In a call, by the manager, or in the environment; the error says how."""
    target: Any = {'url': source.as_uri(), 'path': source, 'text': str(source)}[how]
    with pytest.raises(dm.RequestError, match='allow_file=True'):
        make_manager().download(target)
    with pytest.raises(dm.RequestError, match='allow_file=True'):
        make_manager().plan(target)
    (row,) = make_manager().audit([target])
    assert 'allow_file=True' in row.reason
    assert make_manager().download(target, allow_file=True).read() == BODY
    assert make_manager(config={'allow_file': True}).download(target).read() == BODY
    assert 'local files  allowed' in str(make_manager(allow_file=True).plan(target))
    with pytest.raises(dm.RequestError, match='forbid_private'):
        make_manager(allow_file=True).download(target, forbid_private=True)


def test_the_environment(
    make_manager: MakeManager, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable allows local files, as it sets every option."""
    monkeypatch.setenv('DLMACHINE_ALLOW_FILE', '1')
    assert make_manager().download(source).read() == BODY


@pytest.mark.parametrize('target', ['file', 'data:,x'])
def test_no_redirect_leads_to_it(
    make_manager: MakeManager, server: Server, source: Path, target: str
) -> None:
    """Even if local files are allowed: a server does not choose them."""
    url = server.on('/x', redirect(source.as_uri() if target == 'file' else target))
    with pytest.raises(dm.ServerError, match='leads from http to'):
        make_manager(allow_file=True).download(url)


def test_no_checksum_list_is_one(make_manager: MakeManager, server: Server, source: Path) -> None:
    """A list has a path; its URL would be that of a server."""
    url = server.on('/x', resource(BODY))
    with pytest.raises(dm.RequestError, match='a path is expected'):
        make_manager(allow_file=True).download(url, checksum_file=source.as_uri())


def test_a_manifest_of_another_person(
    make_manager: MakeManager, source: Path, tmp_path: Path
) -> None:
    """It may name files, which only the caller allows; paths are relative to its folder."""
    (tmp_path / 'm.toml').write_text(
        f'[[download]]\nurl = "./{source.parent.name}/{source.name}"\nname = "relative"\n'
        f'[[download]]\nurl = "{source.as_uri()}"\nallow_file = true\nname = "allowed"\n'
        f'[[download]]\nurl = "{source.as_uri()}"\nallow_file = false\nname = "forbidden"\n'
    )
    items = read_manifest(tmp_path / 'm.toml').unwrap()
    manager = make_manager()
    for row in manager.audit(items):
        assert 'allow_file' in row.reason
    reasons = {row.name: row.reason for row in manager.audit(items)}
    assert "another person's" in reasons['allowed']
    results = {one.input.name: one for one in manager.download_many(items, False, allow_file=True)}
    assert results['relative'].ok
    assert not results['allowed'].ok


def test_batches_and_probes(make_manager: MakeManager, source: Path, tmp_path: Path) -> None:
    """Local sources take part in everything that sources do."""
    manager = make_manager(tmp_path / 'cache', allow_file=True)
    targets = [source, source.as_uri(), 'data:text/csv,a%2Cb', tmp_path / 'missing']
    results = sorted(manager.download_many(targets, tmp_path / 'data'), key=lambda one: one.index)
    assert [one.ok for one in results] == [True, True, True, False]
    assert sorted(path.name for path in (tmp_path / 'data').glob('[!.]*')) == [
        'data.csv',
        source.name,
    ]
    assert manager.probe(source).size_bytes == len(BODY)
    assert manager.probe('data:,abc').size_bytes == 3
    assert manager.probe(tmp_path / 'missing').fault is not None


def test_contents(make_manager: MakeManager, tmp_path: Path) -> None:
    """The content of a data: URL is stored, and shown nowhere."""
    manager = make_manager(tmp_path / 'cache')
    url = 'data:text/csv;base64,cGxhbnRlZA=='
    outcome: Any = manager.fetch(url)
    assert Path(outcome.path).read_bytes() == b'planted'
    assert Path(outcome.path).suffix == '.csv'
    assert manager.fetch(url, freshness='always').is_validated
    assert manager.fetch(url, f'{tmp_path}/data/').path == str(tmp_path / 'data' / 'data.csv')
    for text in (
        repr(outcome),
        str(manager.plan(url, dest=False)),
        str(list(manager.audit([url]))),
    ):
        assert 'cGxh' not in text
        assert 'planted' not in text
    with pytest.raises(dm.RequestError, match='only be read'):
        manager.download(url, post=True)
    with pytest.raises(dm.RequestError, match='no query'):
        manager.download(url, query={'a': 1})
    with pytest.raises(dm.ServerError, match='more than the 3 bytes'):
        manager.download(url, dest=False, max_bytes=3)


def test_many_threads_read_one_file(
    make_manager: MakeManager, source: Path, tmp_path: Path
) -> None:
    """One of them copies it, and the others use the copy."""
    manager = make_manager(tmp_path / 'cache', allow_file=True)
    origins: list[Origin] = []
    threads = [
        threading.Thread(target=lambda: origins.append(manager.fetch(source).origin))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert origins.count(Origin.NETWORK) == 1
    assert len(origins) == 8


@pytest.mark.skipif(not Path('/proc/self/status').exists(), reason='there is no /proc')
def test_a_file_that_does_not_say_its_size_is_not_stored_as_an_empty_one(tmp_path: Path) -> None:
    """Those of the system say that they have no bytes."""
    with (
        dm.DownloadManager(allow_file=True, retries=0) as manager,
        pytest.raises(dm.DownloadError, match='its size is not known'),
    ):
        manager.download('/proc/self/status', tmp_path / 'status')
    assert not (tmp_path / 'status').exists()
