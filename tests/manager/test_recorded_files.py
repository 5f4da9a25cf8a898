"""Files at paths that are remembered: requests counted at the server."""

import hashlib
import os
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.plan.audit_row import AuditStatus
from dlmachine.core.protocol.outcome import Origin
from dlmachine.errors import DownloadError, OfflineMissError, RequestError
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import raw, redirect, resource, respond
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'
EDITED = b'id\tscore\nP1\t9\n'


@pytest.fixture
def url(server: Server) -> str:
    """A table with a validator."""
    return server.on('/t.tsv', resource(BODY, etag='"v1"'))


def sizes(server: Server) -> tuple[int, int]:
    """Requests so far, and those that were conditional."""
    conditional = [one for one in server.asked if one.get('If-None-Match')]
    return len(server.asked), len(conditional)


def kept(folder: Path) -> list[bytes]:
    """The contents of the files in quarantine."""
    files = (folder / '.dlmachine' / 'quarantine').glob('*.tsv')
    return [file.read_bytes() for file in files]


def test_the_shape_of_a_data_folder(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Many files under their own names: first, again, forced; then the server is gone."""
    names = [f'{n}.tsv' for n in range(30)]
    urls = {name: server.on(f'/{name}', resource(name.encode(), etag='"v"')) for name in names}

    def get_all(**options: Any) -> tuple[int, int]:
        before = sizes(server)
        manager = make_manager(config={'freshness': 'stored'}, **options)
        for name, url in urls.items():
            path = tmp_path / 'data' / 'sub' / name
            assert manager.download(url, dest=path) == str(path)
            assert path.read_bytes() == name.encode()
        after = sizes(server)
        return after[0] - before[0], after[1] - before[1]

    assert get_all() == (30, 0)
    assert get_all() == (0, 0)
    assert get_all(force_download=True) == (30, 0)
    assert get_all(freshness='always') == (30, 30)
    server.close()
    assert get_all() == (0, 0)
    assert get_all(freshness='always', offline=True) == (0, 0)
    assert get_all(freshness='always', stale_if_error=True, retries=0) == (0, 0)


def test_the_downloads_of_a_data_package(server: Server, tmp_path: Path) -> None:
    """86 files, of which five are redirected: 91 requests, then none, then 91.

    By default the second time has 91 conditional requests. Without the server all files are there.
    """
    urls = {}
    for n in range(86):
        urls[f'{n}.tsv'] = server.on(f'/{n}', resource(b'%d' % n, etag=f'"{n}"'))
        if n % 20 == 0:
            urls[f'{n}.tsv'] = server.on(f'/old/{n}', redirect(f'/{n}'))
    stored: dict[str, Any] = {'backend': 'requests', 'freshness': 'stored'}

    def get_all(config: dict[str, Any], **options: Any) -> tuple[int, int, int]:
        before = len(server.asked)
        with DownloadManager(path=tmp_path / 'cache', config=config, progress=False) as manager:
            for name, url in urls.items():
                path = str(tmp_path / 'data' / 'kegg' / name)
                query = {'format': 'tsv'} if url.endswith('7') else None
                assert manager.download(url, dest=path, query=query, **options) == path
                assert Path(path).read_text() == name.removesuffix('.tsv')
        asked = server.asked[before:]
        conditional = [one for one in asked if one.get('If-None-Match')]
        return len(asked), len(conditional), sum('/old/' in one.target for one in asked)

    assert get_all(stored) == (91, 0, 5)
    assert get_all(stored) == (0, 0, 0)
    assert get_all(stored, force_download=True) == (91, 0, 5)
    assert get_all({'backend': 'requests'}) == (91, 91, 5)
    server.close()
    assert get_all(stored) == (0, 0, 0)
    assert get_all({'backend': 'requests', 'offline': True}) == (0, 0, 0)


def test_eight_threads_with_a_manager_each(
    make_manager: MakeManager, server: Server, url: str, tmp_path: Path
) -> None:
    """One of them downloads."""
    managers = [make_manager(freshness='stored') for _ in range(8)]
    found: list[str] = []

    def get(manager: DownloadManager) -> None:
        found.append(str(manager.download(url, dest=tmp_path / 'x.tsv')))

    threads = [threading.Thread(target=get, args=(manager,)) for manager in managers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [str(tmp_path / 'x.tsv')] * 8
    assert len(server.asked) == 1


def test_a_known_file_is_asked_about(
    manager: DownloadManager, server: Server, url: str, tmp_path: Path
) -> None:
    """By default a path holds the current file: one conditional request, no transfer."""
    path = tmp_path / 'x.tsv'
    manager.download(url, path)
    outcome = manager.fetch(url, path)
    assert (outcome.origin, outcome.is_validated) == (Origin.CACHE, True)
    assert sizes(server) == (2, 1)
    server.on('/t.tsv', resource(EDITED, etag='"v2"'))
    assert manager.fetch(url, path).origin is Origin.NETWORK
    assert path.read_bytes() == EDITED
    assert kept(tmp_path) == []


def test_an_edited_file_is_never_lost(manager: DownloadManager, url: str, tmp_path: Path) -> None:
    """It is downloaded again; what the user wrote is in quarantine."""
    path = tmp_path / 'x.tsv'
    variants: list[dict[str, Any]] = [{}, {'freshness': 'stored'}, {'force_download': True}]
    for number, options in enumerate(variants):
        manager.download(url, path, **options)
        path.write_bytes(EDITED + b'%d' % number)
        manager.download(url, path, **options)
        assert path.read_bytes() == BODY
    assert sorted(kept(tmp_path)) == [EDITED + b'%d' % number for number in range(3)]


def test_a_file_edited_to_the_same_size_is_noticed(
    manager: DownloadManager, url: str, tmp_path: Path
) -> None:
    """Right after its download too, when its time may be the same."""
    path = tmp_path / 'x.tsv'
    manager.download(url, path)
    mtime = path.stat().st_mtime_ns
    with path.open('r+b') as file:
        file.write(EDITED)
    os.utime(path, ns=(mtime, mtime))
    manager.download(url, path, freshness='stored')
    assert path.read_bytes() == BODY
    assert kept(tmp_path) == [EDITED]


@pytest.mark.parametrize('checksum', [None, f'sha256:{hashlib.sha256(BODY).hexdigest()}'])
def test_a_touched_or_copied_file_is_read_once(
    manager: DownloadManager, server: Server, url: str, tmp_path: Path, checksum: str | None
) -> None:
    """It has the recorded digest, so it is recorded again, also if that is the expected one."""
    path = tmp_path / 'x.tsv'
    manager.download(url, path)
    copy = tmp_path / 'copy'
    copy.write_bytes(BODY)
    os.utime(copy, ns=(1, 1_000_000_123))
    copy.replace(path)
    for reason in ('the stored file has changed', 'the file is recorded'):
        again = manager.fetch(url, path, freshness='stored', checksum=checksum)
        assert again.reason.startswith(reason)
    assert len(server.asked) == 1


def test_a_file_that_came_another_way_is_adopted(
    manager: DownloadManager, server: Server, url: str, tmp_path: Path
) -> None:
    """With the right checksum it costs no request, offline neither, and is recorded."""
    path, md5 = tmp_path / 'x.tsv', f'md5:{hashlib.md5(BODY).hexdigest()}'
    path.write_bytes(BODY)
    adopted = manager.fetch(url, path, checksum=md5, offline=True)
    assert 'adopted' in adopted.notes[0]
    assert manager.fetch(url, path, freshness='stored').reason.startswith('the file is recorded')
    assert server.asked == []


def test_if_exists(manager: DownloadManager, server: Server, url: str, tmp_path: Path) -> None:
    """An unknown file is replaced, kept or left, as asked."""
    path = tmp_path / 'notes.tsv'
    path.write_bytes(b'my precious notes')
    with pytest.raises(RequestError, match=r'notes\.tsv: is a file that dlmachine did not rec'):
        manager.download(url, path, if_exists='refuse')
    assert manager.fetch(url, path, if_exists='keep').record is None
    assert path.read_bytes() == b'my precious notes'
    assert server.asked == []
    manager.download(url, path)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize(('dest', 'shown'), [('./', 't.tsv'), ('d/', 'd/t.tsv')])
def test_a_path_is_shown_alike_each_time(
    manager: DownloadManager,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dest: str,
    shown: str,
) -> None:
    """Downloaded, asked about and used without a request."""
    monkeypatch.chdir(tmp_path)
    outcomes = [
        manager.download(url, dest, freshness=how) for how in ('stored', 'always', 'stored')
    ]
    assert outcomes == [shown] * 3


def test_a_name_of_the_url_takes_nothing_of_others(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """In a folder, single or in a batch: unknown files and those of other downloads stay."""
    urls = [server.on(f'/{name}/t.tsv', resource(name.encode())) for name in 'ab']
    (tmp_path / 'u.tsv').write_bytes(b'mine')
    unknown = server.on('/u.tsv', resource(BODY))
    manager.download(urls[0], f'{tmp_path}/')
    for refused in (urls[1], unknown):
        with pytest.raises(RequestError):
            manager.download(refused, f'{tmp_path}/')
    done = {item.index: item for item in manager.download_many([*urls, unknown], dest=tmp_path)}
    names = [Path(str(done[n].path)).name for n in range(2)]
    assert (names, done[2].ok) == (['t.tsv', 't-2.tsv'], False)
    assert (tmp_path / 'u.tsv').read_bytes() == b'mine'


@pytest.mark.parametrize('options', [{}, {'if_exists': 'keep'}, {'segments': 4}])
def test_a_taken_name_is_refused_at_the_head(
    manager: DownloadManager, server: Server, tmp_path: Path, options: dict[str, Any]
) -> None:
    """The response names the file: no body is transferred for a file that cannot be published."""
    head = (
        b'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n'
        b'Content-Disposition: attachment; filename="notes.tsv"\r\n\r\n'
    )
    url = server.on('/get', raw(head, b'a', 60.0))
    mine = tmp_path / 'notes.tsv'
    mine.write_bytes(b'mine')
    if options.get('if_exists') == 'keep':
        assert manager.download(url, f'{tmp_path}/', timeout=20, **options) == str(mine)
    else:
        with pytest.raises(RequestError, match=r'notes\.tsv: is a file that dlmachine did not'):
            manager.download(url, f'{tmp_path}/', timeout=20, **options)
    assert (mine.read_bytes(), len(server.asked)) == (b'mine', 1)
    assert sorted(one.name for one in tmp_path.iterdir()) == ['notes.tsv']


def test_a_batch_its_half_and_its_retry_give_the_same_names(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A name belongs to a download."""
    urls = [server.on(f'/{n}/t.tsv', resource(b'%d' % n, etag='"v"')) for n in range(6)]
    broken = server.on('/2/t.tsv', respond(404))
    assert broken == urls[2]

    def get(targets: list[str]) -> dict[str, str]:
        items = make_manager().download_many(targets, dest=tmp_path)
        return {item.input: Path(str(item.path)).name for item in items if item.ok}

    first = get(urls)
    server.on('/2/t.tsv', resource(b'2', etag='"v"'))
    before = len(server.asked)
    whole = get(urls)
    assert {name: whole[name] for name in first} == first
    assert get(list(reversed(urls[3:]))) == {name: whole[name] for name in urls[3:]}
    assert len(set(whole.values())) == 6
    transfers = [one for one in server.asked[before:] if not one.get('If-None-Match')]
    assert len(transfers) == 1


def test_offline_knows_only_what_is_recorded(
    manager: DownloadManager, url: str, tmp_path: Path
) -> None:
    """An unknown file is not the download; the error names the path."""
    path = tmp_path / 'x.tsv'
    path.write_bytes(BODY)
    with pytest.raises(OfflineMissError, match=r'no recorded and unchanged file at .*x\.tsv'):
        manager.download(url, path, offline=True)


def test_limits_and_dates_apply_to_a_recorded_file(
    manager: DownloadManager, server: Server, url: str, tmp_path: Path
) -> None:
    """As to an entry of the cache."""
    path = tmp_path / 'x.tsv'
    manager.download(url, path, freshness='stored')
    manager.download(url, path, freshness='stored', newer_than='2001-01-01')
    assert len(server.asked) == 1
    with pytest.raises(DownloadError):
        manager.download(url, path, freshness='stored', min_bytes=10_000, retries=0)
    assert path.read_bytes() == BODY
    with pytest.raises(DownloadError, match='older than'):
        manager.download(url, path, older_than='2001-01-01')


def test_contradictions_are_refused(manager: DownloadManager, url: str, tmp_path: Path) -> None:
    """`check_freshness` and `freshness='stored'` cannot both be meant."""
    with pytest.raises(DownloadError, match='cannot be combined with check_freshness'):
        manager.download(url, tmp_path / 'x', check_freshness=True, freshness='stored')
    checked = manager.with_options(check_freshness=True)
    assert checked.with_options(freshness='stored').policy.check_freshness is False
    assert manager.with_options(freshness='stored', offline=True).policy.freshness is not None


def test_a_lost_index_loses_no_file(
    manager: DownloadManager, server: Server, url: str, tmp_path: Path
) -> None:
    """Its files are unknown; the next download records them again."""
    path = tmp_path / 'x.tsv'
    manager.download(url, path)
    (tmp_path / '.dlmachine' / 'index.sqlite').write_bytes(b'damaged' * 1000)
    plan = manager.plan(url, path)
    assert 'count as not recorded' in str(plan)
    manager.download(url, path)
    assert manager.fetch(url, path, freshness='stored').origin is Origin.CACHE
    assert len(server.asked) == 2


def test_audits_speak_of_recorded_files(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """Hit, stale, changed, missing and unknown; only by looking."""
    names = ('hit', 'changed', 'missing', 'unknown')
    urls = {name: server.on(f'/{name}.tsv', resource(BODY, etag='"v"')) for name in names}
    for name in ('hit', 'changed', 'missing'):
        manager.download(urls[name], tmp_path / f'{name}.tsv')
    (tmp_path / 'changed.tsv').write_bytes(b'other')
    (tmp_path / 'missing.tsv').unlink()
    (tmp_path / 'unknown.tsv').write_bytes(b'mine')
    before = len(server.asked)

    def audited(**options: Any) -> dict[str, AuditStatus]:
        rows = manager.audit(urls.values(), tmp_path, if_exists='replace', **options)
        return {Path(str(row.path)).stem: row.status for row in rows}

    stored = audited(freshness='stored')
    assert stored == {
        'hit': AuditStatus.HIT,
        'changed': AuditStatus.CHANGED,
        'missing': AuditStatus.MISSING,
        'unknown': AuditStatus.UNKNOWN,
    }
    assert audited()['hit'] is AuditStatus.STALE
    assert len(server.asked) == before


def test_a_link_is_followed_for_reading_and_replaced_for_writing(
    manager: DownloadManager, server: Server, url: str, tmp_path: Path
) -> None:
    """As data managers leave them: the target is never written through."""
    path, target = tmp_path / 'data' / 'x.tsv', tmp_path / 'annex'
    manager.download(url, path)
    path.rename(target)
    path.symlink_to(target)
    target.chmod(0o444)
    assert manager.fetch(url, path, freshness='stored').origin is Origin.CACHE
    server.on('/t.tsv', resource(EDITED, etag='"v2"'))
    manager.download(url, path)
    assert (path.is_symlink(), path.read_bytes()) == (False, EDITED)
    assert target.read_bytes() == BODY


def test_a_row_of_another_folder_says_nothing(
    manager: DownloadManager, server: Server, url: str, tmp_path: Path
) -> None:
    """A folder that was copied whole keeps what it knows, after one look at the bytes."""
    manager.download(url, tmp_path / 'a' / 'x.tsv')
    shutil.copytree(tmp_path / 'a', tmp_path / 'b')
    (tmp_path / 'b' / 'x.tsv').touch()
    assert manager.fetch(url, tmp_path / 'b' / 'x.tsv', freshness='stored').origin is Origin.CACHE
    assert len(server.asked) == 1
    with sqlite3.connect(tmp_path / 'b' / '.dlmachine' / 'index.sqlite') as connection:
        assert connection.execute('SELECT count(*) FROM files').fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize('options', [{'via_cache': True}, {'link': 'hard'}, {'link': 'symbolic'}])
def test_a_path_is_filled_from_the_cache(
    make_manager: MakeManager,
    server: Server,
    url: str,
    tmp_path: Path,
    options: dict[str, Any],
) -> None:
    """One transfer for the cache and any number of paths; it works offline, too."""
    manager = make_manager(tmp_path / 'cache', freshness='stored', **options)
    paths = [tmp_path / 'data' / f'{n}.tsv' for n in range(3)]
    for path in paths:
        assert manager.download(url, path) == str(path)
        assert path.read_bytes() == BODY
    assert len(server.asked) == 1
    assert manager.fetch(url).path is not None
    offline = tmp_path / 'data' / 'offline.tsv'
    assert manager.fetch(url, offline, offline=True).origin is Origin.CACHE
    assert manager.fetch(url, paths[0], freshness='always').is_validated
    assert sizes(server) == (2, 1)
    server.on('/t.tsv', resource(EDITED, etag='"v2"'))
    assert manager.fetch(url, paths[0], freshness='always').origin is Origin.NETWORK
    assert (paths[0].read_bytes(), paths[1].read_bytes()) == (EDITED, BODY)


@pytest.mark.parametrize('options', [{'via_cache': True}, {'link': 'hard'}, {'link': 'symbolic'}])
def test_nothing_is_copied_from_the_cache_to_a_name_that_is_taken(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
) -> None:
    """Where the response names the file, it is refused before a byte is copied, or kept."""
    named = ('Content-Disposition', 'attachment; filename="t.tsv"')
    url = server.on('/get', resource(BODY, etag='"v"', fields=(named,)))
    manager = make_manager(tmp_path / 'cache', freshness='stored', **options)
    manager.download(url)
    folder = tmp_path / 'data'
    folder.mkdir()
    (folder / 't.tsv').write_bytes(EDITED)

    def copy(*_: object) -> None:
        pytest.fail('bytes were copied')

    for name in ('copies.copy_into_part', 'copies.LinkStorage'):
        monkeypatch.setattr(f'dlmachine_adapters.parts.{name}', copy)
    with pytest.raises(DownloadError, match='did not record'):
        manager.download(url, f'{folder}/')
    kept = manager.fetch(url, f'{folder}/', if_exists='keep')

    assert (kept.path, kept.origin) == (str(folder / 't.tsv'), Origin.CACHE)
    assert (folder / 't.tsv').read_bytes() == EDITED
    assert len(server.asked) == 1
    monkeypatch.undo()
    assert manager.download(url, f'{folder}/', if_exists='replace') == str(folder / 't.tsv')
    assert (folder / 't.tsv').read_bytes() == BODY


def test_the_time_of_the_server(manager: DownloadManager, server: Server, tmp_path: Path) -> None:
    """A file gets the time of Last-Modified, and is still known later."""
    at = 'Wed, 01 May 2024 12:00:00 GMT'
    url, path = server.on('/m.tsv', resource(BODY, last_modified=at)), tmp_path / 'x.tsv'
    manager.download(url, path, mtime='server')
    assert path.stat().st_mtime == 1_714_564_800
    assert manager.fetch(url, path, freshness='stored').origin is Origin.CACHE
