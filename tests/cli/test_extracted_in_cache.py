"""What was extracted in a cache belongs to its archive: size, checks, repairs and removal."""

import io
import json
import os
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import dlmachine as dm
from dlmachine.core.keeping.stored import KeptReason, RemovalReason
from dlmachine.core.maintenance.findings import Finding, FindingKind, Repair
from dlmachine.core.plan.audit_row import AuditStatus
from dlmachine_adapters.cachedir import entry_files
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.maintenance import repair
from dlmachine_adapters.maintenance.repair import FindingRepairer
from dlmachine_adapters.runtime.clock import SystemClock
from tests.cli.cache_runs import RunCache
from tests.servers.behaviours import resource
from tests.servers.http import Server
from tests.use_logs import end_process


def packed(text: str) -> bytes:
    """A ZIP archive of two files, of 1,000 and 500 bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr('d/a', text * 1_000)
        archive.writestr('d/b', text * 500)
    return buffer.getvalue()


ARCHIVE = packed('1')


@pytest.fixture
def url(server: Server) -> str:
    """The URL of the archive."""
    return server.on('/data.zip', resource(ARCHIVE, etag='"1"'))


@pytest.fixture
def folder(run_cache: RunCache, url: str) -> Path:
    """The folder of its files in the cache, which no process uses."""
    del run_cache  # It has entered the folder of the test.
    with dm.DownloadManager('c', progress=False) as manager:
        found = Path(str(manager.download(url, extract=True)))
    end_process()
    return found


def archive_of(folder: Path) -> Path:
    """The archive that a folder is from."""
    return Path('c', folder.parent.name)


def names(within: str = 'c/extracted') -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in Path(within).iterdir()) if Path(within).exists() else []


def test_lists_add_the_size_of_both(run_cache: RunCache, folder: Path, url: str) -> None:
    """In lists, filters, sums and prunes; JSON has both sizes."""
    assert folder.is_dir()
    size = len(ARCHIVE) + 1_500
    listed = run_cache('ls')
    assert f'v1  {url}  (1.5 KiB extracted)' in listed.stdout
    (entry,) = json.loads(run_cache('ls', '--json').stdout)
    assert (entry['file_bytes'], entry['extracted_bytes']) == (len(ARCHIVE), 1_500)
    assert url in run_cache('ls', '--filter', f'size>{size - 1}').stdout
    assert url not in run_cache('ls', '--filter', f'size>{size}').stdout
    (usage,) = json.loads(run_cache('du', '--json').stdout)
    assert usage['size'] == size
    (row,) = json.loads(run_cache('prune', '--max-size', '1G', '--json').stdout)['kept']
    assert row['size'] == size


def test_without_a_readable_record_the_files_are_counted(run_cache: RunCache, folder: Path) -> None:
    """Also what a killed extraction has left, and what users have added."""
    (folder / '.dlmachine-extraction.jsonl').write_text('{"v": 9, "unpacked_bytes": 1}\n')
    left = folder.parent / '.dlmachine' / 'extracting' / 'x'
    left.mkdir(parents=True)
    (left / 'half').write_bytes(b'x' * 100)
    (folder / 'link').symlink_to('nowhere')

    (entry,) = json.loads(run_cache('ls', '--json').stdout)

    assert entry['extracted_bytes'] == 1_500 + 30 + 100 + len('nowhere')


def test_a_prune_counts_and_removes_both(run_cache: RunCache, folder: Path) -> None:
    """The archive alone would be within the limit; nothing of the folder is left."""
    limit = str(len(ARCHIVE) + 100)
    done = run_cache('prune', '--max-size', limit, '--grace', '0')

    assert '1 file removed' in done.stderr
    assert not folder.exists()
    assert names() == []
    run_cache('doctor')


def test_the_limit_of_a_manager_counts_both(folder: Path, url: str, server: Server) -> None:
    """The check after a download sees that the cache is too large."""
    other = server.on('/other', resource(b'x'))
    limit = len(ARCHIVE) + 100
    with dm.DownloadManager('c', max_size=limit, grace_period='0s', progress=False) as manager:
        manager.download(other)
        assert not folder.exists()
        assert [entry.url for entry in manager.cache_entries()] == [other] != [url]


def test_a_folder_in_use_stays(run_cache: RunCache, folder: Path, url: str) -> None:
    """A running process was given it."""
    with dm.DownloadManager('c', progress=False) as manager:
        assert Path(str(manager.download(url, extract=True))) == folder
        done = run_cache('prune', '--max-size', '0', '--grace', '0')

    assert KeptReason.IN_USE.value in done.stdout
    assert names(str(folder / 'd')) == ['a', 'b']


def test_files_without_their_archive_go(run_cache: RunCache, folder: Path, url: str) -> None:
    """By a prune, whatever its limit; what is not of an archive stays."""
    mine = Path('c/extracted/mine')
    mine.mkdir()
    archive_of(folder).unlink()
    assert '0 files removed' in run_cache('prune', '--max-size', '1G').stderr  # It is recent.
    with dm.DownloadManager('c', progress=False) as manager:
        report = manager.prune(max_size='1G', grace_period='0s')

    ((version, why),) = report.removed
    assert (version.size_bytes, why) == (1_500, RemovalReason.ARCHIVE)
    assert names() == ['mine']
    assert url not in run_cache('prune', '--max-size', '1G', '--grace', '0').stdout


def test_doctor_removes_files_without_their_archive(
    run_cache: RunCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once they are an hour old; also what a killed process was removing."""
    archive_of(folder).unlink()
    assert 'row without file' in run_cache('doctor', '--fix', code=1).stdout
    Path('c/extracted/.gone-x').mkdir()
    assert run_cache('doctor').stdout.count('a process may be about to use it') == 2
    monkeypatch.setattr(SystemClock, 'now', lambda _: datetime.now(UTC) + timedelta(hours=2))

    done = run_cache('doctor', '--fix', code=1)

    assert done.stdout.count('-> fixed: they are removed') == 2
    assert names() == []
    run_cache('doctor')


def test_doctor_leaves_what_is_in_use_or_stored_again(
    run_cache: RunCache, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repair looks again."""
    with dm.DownloadManager('c', progress=False) as manager:
        manager.download(url)
        archive_of(folder).unlink()
        monkeypatch.setattr(SystemClock, 'now', lambda _: datetime.now(UTC) + timedelta(hours=2))
        run_cache('doctor', '--fix', code=1)
        assert (
            'not fixed: a running process uses them' in run_cache('doctor', '--fix', code=1).stdout
        )
    end_process()
    finding = Finding(
        kind=FindingKind.EXTRACTED,
        place=str(folder.parent),
        text='',
        repair=Repair.REMOVE_EXTRACTED,
    )
    registry, clock = Registry(str(Path('c').absolute())), SystemClock()
    repairer = FindingRepairer(registry, FolderLocks(registry.folder, clock), clock)
    monkeypatch.setattr(repair, 'is_named', lambda *_: True)
    done = repairer.repair(finding)
    assert done is not None
    assert done.text == 'it is no longer so'
    assert (folder / 'd/a').exists()
    registry.close()


def test_verify_reads_extracted_files(run_cache: RunCache, folder: Path) -> None:
    """A changed, a missing and an unreadable one; extracting again repairs them."""
    (folder / 'd/a').write_text('edited')
    (folder / 'd/b').unlink()

    done = run_cache('verify', code=9)
    fixed = run_cache('verify', '--fix', '--json', code=9)

    assert done.stderr == '1 whole, 1 wrong, 1 missing, 0 unreadable, 0 unknown\n'
    assert f'wrong  {folder}/d/a' in done.stdout
    rows = {Path(row['path']).name: row for row in json.loads(fixed.stdout)}
    assert rows['a']['mended'] == rows['b']['mended'] == {
        'done': True, 'text': 'it is extracted again', 'moved_to': None,
    }  # fmt: skip
    assert run_cache('verify').stderr == '3 whole, 0 wrong, 0 missing, 0 unreadable, 0 unknown\n'
    (kept,) = folder.parent.glob('.dlmachine/quarantine/*-a')
    assert kept.read_text() == 'edited'


def test_verify_says_what_it_cannot_repair(run_cache: RunCache, folder: Path) -> None:
    """The archive is damaged, too."""
    (folder / 'd/b').unlink()
    archive = archive_of(folder)
    archive.write_bytes(b'PK\x03\x04' + b'x' * (len(ARCHIVE) - 4))

    done = run_cache('verify', '--fix', code=9)

    assert f'missing  {folder}/d/b' in done.stdout
    assert 'not fixed' in done.stdout


def test_an_audit_looks_into_the_folder(folder: Path, url: str) -> None:
    """It says what would be extracted again, which needs no request."""
    with dm.DownloadManager('c', extract=True, progress=False) as manager:

        def row(*, deep: bool = False) -> tuple[AuditStatus, str]:
            (found,) = manager.audit([url], deep=deep)
            return found.status, found.reason.partition('; ')[2] or found.reason

        usable = 'the cache has a usable version'
        assert row() == row(deep=True) == (AuditStatus.HIT, usable)
        seen = (folder / 'd/a').stat()
        (folder / 'd/a').write_text('2' * 1_000)
        os.utime(folder / 'd/a', ns=(seen.st_atime_ns, seen.st_mtime_ns))
        assert row() == (AuditStatus.HIT, usable)
        changed = (AuditStatus.HIT, '1 extracted file is missing or has changed')
        assert row(deep=True) == changed
        (folder / 'd/a').unlink()
        assert row() == changed
        shutil.rmtree(folder)
        assert row() == (AuditStatus.HIT, 'not extracted yet')
        folder.write_text('mine')
        status, reason = row()
        assert status is AuditStatus.WOULD_FAIL
        assert 'it is not a folder' in reason


def test_a_folder_loses_its_name_before_its_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed leaves nothing half there under the name."""

    def fails(path: str) -> None:
        raise (OSError if Path(path).exists() else FileNotFoundError)(path)

    monkeypatch.setattr(shutil, 'rmtree', fails)
    cache = str(folder.parent.parent.parent)
    with pytest.raises(OSError, match='gone'):
        entry_files.remove_extracted(cache, folder.parent.name)
    assert names() == [f'.gone-{folder.parent.name}']
    monkeypatch.undo()
    entry_files.remove_extracted(cache, names(f'{cache}/extracted')[0])
    assert not Path(cache, 'extracted').exists()
