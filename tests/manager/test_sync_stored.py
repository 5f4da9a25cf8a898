"""`sync` and `lock` with files that are there: no request, copies from a cache, and exact folders."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

import dlmachine as dm
from dlmachine.core.faults import LockMismatch, OfflineMiss
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource, respond
from tests.servers.http import Server

BODY, OTHER = b'id\tscore\nP1\t1\n', b'id\tscore\nP2\t2\n'
MANIFEST = """
base_url = "{url}"
[first]
url = "t.tsv"
path = "a/first.tsv"
[second]
url = "u.tsv"
"""


@pytest.fixture
def manifest(server: Server, tmp_path: Path) -> Path:
    """Two entries; the first has a nested path."""
    server.on('/t.tsv', resource(BODY, etag='"v1"'))
    server.on('/u.tsv', resource(OTHER, etag='"v1"'))
    path = tmp_path / 'data.toml'
    path.write_text(MANIFEST.format(url=server.url('/')), encoding='utf-8')
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    """The files below a folder, without dlmachine's own."""
    paths = (Path(above, name) for above, _, names in os.walk(folder) for name in names)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if '.dlmachine' not in str(path)
    }


BOTH = {'a/first.tsv': BODY, 'u.tsv': OTHER}


def test_known_files_cost_no_request(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """For `sync`, for `lock` from the folder, and for another manager; also if freshness is checked."""
    folder = tmp_path / 'data'
    make_manager().sync(manifest, folder)
    text, asked = manifest.with_name('data.toml.lock').read_text(), len(server.asked)
    server.on('/t.tsv', resource(b'new', etag='"v2"'))

    again = make_manager(check_freshness=True).sync(manifest, folder)
    frozen = make_manager(offline=True).sync(manifest, folder, frozen=True)
    manifest.with_name('data.toml.lock').unlink()
    anew = make_manager().lock(manifest, folder)

    assert [len(one.results.failed) for one in (again, frozen, anew)] == [0, 0, 0]
    assert manifest.with_name('data.toml.lock').read_text() == text
    assert len(server.asked) == asked == 2
    assert files_of(folder) == BOTH


def test_a_file_with_the_bytes_of_the_lockfile_is_taken_over(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """Other bytes stay, under the path of an entry as under a name that the URL chose."""
    make_manager().lock(manifest)
    server.asked.clear()
    folder = tmp_path / 'data'
    (folder / 'a').mkdir(parents=True)
    (folder / 'u.tsv').write_bytes(OTHER)
    (folder / 'a' / 'first.tsv').write_bytes(b'mine')

    refused = make_manager().sync(manifest, folder)
    assert [item.ok for item in refused.results] == [False, True]
    assert files_of(folder) == BOTH | {'a/first.tsv': b'mine'}
    assert server.asked == []

    replaced = make_manager(if_exists='replace').sync(manifest, folder)
    assert not replaced.results.failed
    assert [asked.path for asked in server.asked] == ['/t.tsv']
    assert files_of(folder) == BOTH


def test_files_are_copied_from_a_cache(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """Offline, from a cache that only has one of them; later online, only the rest is asked for."""
    make_manager(tmp_path / 'cache').download(server.url('/t.tsv'))
    make_manager().lock(manifest)
    server.asked.clear()
    folder = tmp_path / 'data'

    offline = make_manager(tmp_path / 'cache', offline=True).sync(manifest, folder, frozen=True)
    there = files_of(folder)
    online = make_manager(tmp_path / 'cache').sync(manifest, folder, frozen=True)

    assert [type(item.fault) for item in offline.results] == [type(None), OfflineMiss]
    assert there == {'a/first.tsv': BODY}
    assert [item.index for item in online.results] == [0, 1]
    assert not online.results.failed
    assert [asked.path for asked in server.asked] == ['/u.tsv']
    assert files_of(folder) == BOTH


def test_a_cached_copy_with_other_bytes_is_not_used(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """It is downloaded, and refused if the server has other bytes, too."""
    make_manager().lock(manifest)
    server.on('/t.tsv', resource(b'new'))
    cached = make_manager(tmp_path / 'cache', retries=0)
    cached.download(server.url('/t.tsv'))

    report = cached.sync(manifest, tmp_path / 'data')

    assert [type(item.fault) for item in report.results] == [LockMismatch, type(None)]
    assert files_of(tmp_path / 'data') == {'u.tsv': OTHER}


def test_a_copy_replaces_no_file(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """And no folder is made if it may not be."""
    make_manager(tmp_path / 'cache').lock(manifest)
    folder = tmp_path / 'data'
    folder.mkdir()
    (folder / 'u.tsv').write_bytes(b'mine')

    report = make_manager(tmp_path / 'cache', offline=True, create_dirs=False).sync(
        manifest, folder, frozen=True
    )

    assert len(report.results.failed) == 2
    assert files_of(folder) == {'u.tsv': b'mine'}


def test_exact_removes_what_dlmachine_recorded(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """Not the user's files, not recorded ones that were edited, and nothing outside the folder."""
    folder = tmp_path / 'data'
    manager = make_manager()
    for name in ('old.tsv', 'a/old.tsv', 'a/edited.tsv', 'linked.tsv', '../outside.tsv'):
        manager.download(server.on('/old.tsv', resource(OTHER)), folder / name)
    (folder / 'mine.tsv').write_bytes(OTHER)
    (folder / 'a' / 'mine.tsv').write_bytes(OTHER)
    edited = folder / 'a' / 'edited.tsv'
    seen = edited.stat()
    edited.write_bytes(OTHER.upper())
    os.utime(edited, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    (folder / 'linked.tsv').unlink()
    (folder / 'linked.tsv').symlink_to(folder / 'mine.tsv')

    kept = manager.sync(manifest, folder)
    report = manager.sync(manifest, folder, exact=True)
    again = manager.sync(manifest, folder, exact=True)

    assert kept.removed == again.removed == ()
    assert sorted(report.removed) == [str(folder / 'a' / 'old.tsv'), str(folder / 'old.tsv')]
    assert files_of(folder) == BOTH | {
        'mine.tsv': OTHER, 'a/mine.tsv': OTHER, 'a/edited.tsv': OTHER.upper(), 'linked.tsv': OTHER,
    }  # fmt: skip
    assert (tmp_path / 'outside.tsv').read_bytes() == OTHER


def test_exact_removes_the_files_of_an_entry_that_is_gone(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """And those of an entry with another path; but nothing if a download fails."""
    folder, manager = tmp_path / 'data', make_manager(retries=0)
    manager.sync(manifest, folder)
    text = manifest.read_text().replace('a/first.tsv', 'b/first.tsv')
    manifest.write_text(text.split('[second]')[0] + '[third]\nurl = "missing"\n')

    failed = manager.sync(manifest, folder, exact=True)
    server.on('/missing', resource(OTHER))
    report = manager.sync(manifest, folder, exact=True)

    assert (len(failed.results.failed), failed.removed) == (1, ())
    assert sorted(report.removed) == [str(folder / 'a' / 'first.tsv'), str(folder / 'u.tsv')]
    assert files_of(folder) == {'b/first.tsv': BODY, 'missing': OTHER}


def test_exact_needs_a_folder(make_manager: MakeManager, manifest: Path, tmp_path: Path) -> None:
    """One that is named: in the cache, and in the current folder, nothing is removed."""
    for dest in (True, None):
        with pytest.raises(dm.RequestError, match='exact needs a folder'):
            make_manager(tmp_path / 'cache').sync(manifest, dest, exact=True)


def test_a_locked_file_is_the_same_from_anywhere(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """A second folder is filled without the server from the first one's cache, and checked."""
    cache = tmp_path / 'cache'
    make_manager(cache).lock(manifest)
    server.on('/t.tsv', respond(503))
    server.on('/u.tsv', respond(503))

    report = make_manager(cache, retries=0).sync(manifest, tmp_path / 'elsewhere', locked=True)

    assert not report.results.failed
    assert {item.outcome.record.sha256 for item in report.results.ok} == {
        sha256(body).hexdigest() for body in (BODY, OTHER)
    }


def test_results_are_passed_on(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """As they come; the report keeps the failures, and the lockfile has what succeeded."""
    seen: list[str] = []
    report = make_manager().sync(
        manifest, tmp_path / 'data', on_result=lambda item: seen.append(item.input.name)
    )
    assert (sorted(seen), len(report.results), report.is_written) == (['first', 'second'], 0, True)
    server.on('/t.tsv', resource(OTHER, etag='"v2"'))
    (tmp_path / 'data' / 'a' / 'first.tsv').unlink()
    again = make_manager(retries=0).sync(
        manifest, tmp_path / 'data', on_result=lambda item: seen.append(item.input.name)
    )
    assert sorted(seen[2:]) == ['first', 'second']
    assert [item.input.name for item in again.results.failed] == ['first']
    assert isinstance(again.results.failed[0].fault, LockMismatch)


def test_results_of_a_lock_are_passed_on(make_manager: MakeManager, manifest: Path) -> None:
    """As they come; the report need not keep them."""
    seen: list[str] = []
    report = make_manager().lock(manifest, on_result=lambda item: seen.append(item.input.name))

    assert (sorted(seen), len(report.results), report.is_written) == (['first', 'second'], 0, True)


def test_an_entry_with_another_url_is_downloaded(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """It replaces the file that the lockfile describes, and no other one."""
    folder, lockfile = tmp_path / 'data', manifest.with_name('data.toml.lock')
    make_manager().sync(manifest, folder)
    server.on('/v2.tsv', resource(b'v2', etag='"v2"'))
    locked = lockfile.read_text()
    manifest.write_text(manifest.read_text().replace('"t.tsv"', '"v2.tsv"'), encoding='utf-8')

    report = make_manager().sync(manifest, folder)

    report.raise_for_failures()
    assert files_of(folder) == {**BOTH, 'a/first.tsv': b'v2'}
    assert [change.new.name for change in report.changes] == ['first']

    lockfile.write_text(locked, encoding='utf-8')
    (folder / 'a' / 'first.tsv').unlink()
    (folder / 'a' / '.dlmachine' / 'index.sqlite').unlink()
    (folder / 'a' / 'first.tsv').write_bytes(b'mine')
    failed = make_manager().sync(manifest, folder).results.failed
    assert [item.input.name for item in failed] == ['first']
    assert files_of(folder) == {**BOTH, 'a/first.tsv': b'mine'}


def test_locked_bytes_are_not_those_of_another_url(
    make_manager: MakeManager, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """A frozen sync uses them for the changed entry; a later one asks its server, and so does lock."""
    folder, lockfile = tmp_path / 'data', manifest.with_name('data.toml.lock')
    make_manager().sync(manifest, folder)
    server.on('/v2.tsv', resource(b'v2', etag='"v2"'))
    locked = lockfile.read_text()
    manifest.write_text(manifest.read_text().replace('"t.tsv"', '"v2.tsv"'), encoding='utf-8')
    make_manager().sync(manifest, folder, frozen=True).raise_for_failures()
    assert files_of(folder) == BOTH

    make_manager().lock(manifest, folder).raise_for_failures()
    assert sha256(b'v2').hexdigest() in lockfile.read_text()

    lockfile.write_text(locked, encoding='utf-8')
    make_manager().sync(manifest, folder).raise_for_failures()
    assert sha256(b'v2').hexdigest() in lockfile.read_text()
    assert files_of(folder) == {**BOTH, 'a/first.tsv': b'v2'}


def test_the_entries_of_a_sync_share_their_policy(
    make_manager: MakeManager, manifest: Path, tmp_path: Path
) -> None:
    """A large manifest takes little memory; each entry has the digest of its own file."""
    folder, inputs = tmp_path / 'data', []
    make_manager().sync(manifest, folder)
    make_manager().sync(manifest, folder, on_result=lambda item: inputs.append(item.input))

    assert len({id(item.policy) for item in inputs}) == 1
    assert {item.sha256 for item in inputs} == {sha256(one).hexdigest() for one in (BODY, OTHER)}
