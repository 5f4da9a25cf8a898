"""`audit(deep=True)`: the bytes of stored files are read."""

import hashlib
import os
from pathlib import Path

from click.testing import CliRunner

from dlmachine.cli import group
from dlmachine.core.plan.audit_row import AuditStatus
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'
EDITED = b'id\tscore\nP1\t9\n'


def edit(path: Path) -> None:
    """Other bytes with the same size and modification time."""
    seen = path.stat()
    path.chmod(0o644)
    path.write_bytes(EDITED)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def test_bytes_that_changed_in_silence(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """In the cache and at a path; without `deep` the entry of the cache looks right."""
    manager = make_manager(tmp_path / 'cache', freshness='stored')
    url = server.on('/t.tsv', resource(BODY, etag='"v1"'))
    cached = Path(str(manager.download(url)))
    path = tmp_path / 'data' / 't.tsv'
    manager.download(url, dest=path)
    for dest in (None, f'{path.parent}/'):
        (row,) = manager.audit([url], dest, deep=True)
        assert row.status is AuditStatus.HIT
    edit(cached)
    edit(path)
    assert [row.status for row in manager.audit([url])] == [AuditStatus.HIT]
    for dest in (None, f'{path.parent}/'):
        (row,) = manager.audit([url], dest, deep=True)
        assert row.status is AuditStatus.CHANGED
        assert row.reason == 'the file was read, and does not have the expected digest'
    assert len(server.asked) == 2
    listed = tmp_path / 'list.txt'
    listed.write_text(f'{url}\n')
    words = ['audit', str(listed), '--cache', str(tmp_path / 'cache')]
    assert CliRunner().invoke(group, words).exit_code == 0
    done = CliRunner().invoke(group, [*words, '--deep'])
    assert (done.exit_code, done.stdout[:7]) == (10, 'changed')


def test_a_touched_file_is_a_hit(make_manager: MakeManager, server: Server, tmp_path: Path) -> None:
    """With `deep` it is known that it has not changed."""
    manager = make_manager(freshness='stored')
    url = server.on('/t.tsv', resource(BODY, etag='"v1"'))
    path = tmp_path / 't.tsv'
    manager.download(url, dest=path)
    os.utime(path, ns=(1, 1))
    assert [row.status for row in manager.audit([url], f'{path.parent}/')] == [AuditStatus.CHANGED]
    (row,) = manager.audit([url], f'{path.parent}/', deep=True)
    assert row.status is AuditStatus.HIT
    assert row.reason == 'the stored file was touched, and has the recorded digest'
    stale = manager.audit([url], f'{path.parent}/', deep=True, freshness='always')
    assert [row.status for row in stale] == [AuditStatus.STALE]


def test_a_file_that_is_not_recorded(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """The expected checksum decides; a file to be downloaded cannot be read."""
    manager = make_manager()
    url, path = server.on('/t.tsv', resource(BODY)), tmp_path / 't.tsv'
    checksum = f'sha256:{hashlib.sha256(BODY).hexdigest()}'
    assert [row.status for row in manager.audit([url], f'{path.parent}/', deep=True)] == [
        AuditStatus.MISSING
    ]
    path.write_bytes(BODY)
    (row,) = manager.audit([url], f'{path.parent}/', deep=True, checksum=checksum)
    assert row.status is AuditStatus.HIT
    (row,) = manager.audit([url], f'{path.parent}/', deep=True, if_exists='keep')
    assert row.status is AuditStatus.HIT
    path.write_bytes(EDITED)
    (row,) = manager.audit([url], f'{path.parent}/', deep=True, checksum=checksum)
    assert row.status is AuditStatus.UNKNOWN
    assert server.asked == []
