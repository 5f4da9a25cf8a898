"""Locks: which bytes a manifest has, and downloads that take only these."""

import os
import re
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.faults import (
    InvalidInput,
    LockMismatch,
    LockOutdated,
    OfflineMiss,
    StorageFailed,
)
from dlmachine.errors import DownloadError, error_for
from tests.fixtures import MakeManager
from tests.servers.behaviours import in_turn, resource, respond
from tests.servers.http import Server

BODY, OTHER = b'id\tscore\nP1\t1\n', b'id\tscore\nP2\t2\n'


class Case:
    """A manifest of two files, with a lockfile beside it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.path = folder / 'data.toml'
        self.lock = folder / 'data.toml.lock'
        self.folder = folder / 'data'
        server.on('/t.tsv', resource(BODY, etag='"v1"'))
        server.on('/u.tsv', resource(OTHER))
        self.write(first='url = "t.tsv"\npath = "a/first.tsv"', second='url = "u.tsv"')

    def write(self, **entries: str) -> None:
        """Write the manifest."""
        tables = ''.join(f'[{name}]\n{text}\n' for name, text in entries.items())
        self.path.write_text(f'base_url = "{self.server.url("/")}"\n{tables}', encoding='utf-8')

    @property
    def names(self) -> list[str]:
        """The names of the entries in the lockfile."""
        return re.findall('^name = "(.*)"', self.lock.read_text(), re.MULTILINE)


@pytest.fixture
def case(server: Server, tmp_path: Path) -> Case:
    """A manifest."""
    return Case(server, tmp_path)


def fault_of(report: Any) -> Any:
    """The fault of the only failed download."""
    (failed,) = report.results.failed
    return failed.fault


def test_a_lock_has_the_bytes_of_each_entry(make_manager: MakeManager, case: Case) -> None:
    """Sorted by name, without times; locking twice gives the same file, without a request."""
    manager = make_manager()
    report = manager.lock(case.path)
    text, asked = case.lock.read_text(), len(case.server.asked)
    again = manager.lock(case.path)

    assert report.is_written
    assert (report.path, report.difference.added) == (str(case.lock), ('first', 'second'))
    assert case.names == ['first', 'second']
    assert f'size = {len(BODY)}\nsha256 = "{sha256(BODY).hexdigest()}"\netag = "\\"v1\\""' in text
    assert asked == 2
    assert not again.is_written
    assert case.lock.read_text() == text
    assert len(case.server.asked) == asked
    assert not case.folder.exists()


def test_a_lock_is_the_same_wherever_it_is_made(
    make_manager: MakeManager, case: Case, tmp_path: Path
) -> None:
    """Made again from nothing, from a cache, or into a folder."""
    texts = set()
    for name, path, dest in (('a', None, None), ('b', tmp_path / 'c', None), ('c', None, 'data')):
        case.lock.unlink(missing_ok=True)
        make_manager(path).lock(case.path, None if dest is None else tmp_path / dest / name)
        texts.add(case.lock.read_text())

    assert len(texts) == 1


def test_a_lock_takes_digests_from_the_cache(
    make_manager: MakeManager, case: Case, tmp_path: Path
) -> None:
    """Only what it lacks is downloaded."""
    manager = make_manager(tmp_path / 'cache')
    manager.download(case.server.url('/t.tsv'))

    manager.lock(case.path)

    assert [asked.path for asked in case.server.asked] == ['/t.tsv', '/u.tsv']


def test_a_file_that_another_program_cached_is_read(
    make_manager: MakeManager, case: Case, tmp_path: Path
) -> None:
    """It has no record."""
    manager = make_manager(tmp_path / 'cache')
    cache = manager.cache
    assert cache is not None
    item = cache.create(case.server.url('/t.tsv'), status=3)
    Path(item.path).write_bytes(BODY)

    manager.lock(case.path)

    assert [asked.path for asked in case.server.asked] == ['/u.tsv']
    assert f'size = {len(BODY)}\nsha256 = "{sha256(BODY).hexdigest()}"\n' in case.lock.read_text()


def test_only_entries_that_have_changed_are_locked_anew(
    make_manager: MakeManager, case: Case
) -> None:
    """Others keep their row, and rows of entries that are gone are dropped."""
    manager = make_manager()
    manager.lock(case.path)
    case.server.on('/t.tsv', resource(OTHER))
    case.write(first='url = "t.tsv"\npath = "elsewhere.tsv"', third='url = "u.tsv"')

    report = manager.lock(case.path)

    assert (report.difference.added, report.difference.changed) == (('third',), ())
    assert report.difference.removed == ('second',)
    assert case.names == ['first', 'third']
    assert sha256(BODY).hexdigest() in case.lock.read_text()

    case.write(first='url = "t.tsv?new"', third='url = "u.tsv"')
    assert manager.lock(case.path).difference.changed == ('first',)


def test_settings_of_one_user_do_not_change_an_entry(make_manager: MakeManager, case: Case) -> None:
    """Another one, with other header fields and defaults, agrees with the lockfile."""
    mine = make_manager(headers={'Accept-Language': 'hu'}, checksum=None, retries=3)
    mine.lock(case.path)

    report = make_manager(secret_names=['pin']).lock(case.path, check=True)

    assert report.difference.is_empty
    assert case.server.asked[0].get('Accept-Language') == 'hu'


def test_an_upgrade_asks_whatever_the_options_say(make_manager: MakeManager, case: Case) -> None:
    """Also an entry for which stored copies are good enough."""
    case.write(first='url = "t.tsv"\nfreshness = "stored"')
    manager = make_manager(case.folder)
    manager.lock(case.path)

    assert not manager.lock(case.path, upgrade=True).results.failed
    assert len(case.server.asked) == 2


def test_what_is_downloaded_for_a_lock_is_not_kept(
    make_manager: MakeManager, case: Case, tmp_path: Path
) -> None:
    """Beside the manifest, one file after the other; the file of an entry with a `dest` stays."""
    case.write(first='url = "t.tsv"', second='url = "u.tsv"\ndest = "own.tsv"')

    make_manager().lock(case.path)

    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != '.') == [
        'data.toml',
        'data.toml.lock',
        'own.tsv',
    ]


def test_a_lock_needs_a_folder_that_can_be_written_to(
    make_manager: MakeManager, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it could not be written, either."""

    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(tempfile, 'mkdtemp', fail)
    with pytest.raises(dm.LocalError, match='no permission|cannot create'):
        make_manager().lock(case.path)


@pytest.mark.parametrize('upgrade', [True, ['first'], 'first'])
@pytest.mark.parametrize('has_cache', [True, False])
def test_an_upgrade_asks_the_server_again(
    make_manager: MakeManager, case: Case, tmp_path: Path, upgrade: Any, has_cache: bool
) -> None:
    """For all entries, or for those that are named."""
    manager = make_manager(tmp_path / 'cache' if has_cache else None)
    manager.lock(case.path)
    case.server.on('/t.tsv', resource(OTHER, etag='"v2"'))
    asked = len(case.server.asked)

    report = manager.lock(case.path, upgrade=upgrade)

    assert report.is_written
    (change,) = report.changes
    assert (change.old.sha256, change.old.size) == (sha256(BODY).hexdigest(), len(BODY))
    assert (change.new.sha256, change.new.name) == (sha256(OTHER).hexdigest(), 'first')
    assert str(change).startswith(f'first: {len(BODY)} bytes, sha256 ')
    assert 'etag = "\\"v2\\""' in case.lock.read_text()
    assert len(case.server.asked) - asked == (2 if upgrade is True else 1)


def test_an_unknown_entry_to_upgrade_is_an_error(make_manager: MakeManager, case: Case) -> None:
    """With the nearest name."""
    with pytest.raises(dm.RequestError, match="has no entry 'frist'. Did you mean 'first'?"):
        make_manager().lock(case.path, upgrade=['frist'])


def test_a_check_sends_nothing_and_writes_nothing(make_manager: MakeManager, case: Case) -> None:
    """It says what differs."""
    manager = make_manager()
    with pytest.raises(dm.RequestError, match='data.toml.lock: it does not exist'):
        manager.lock(case.path, check=True)
    manager.lock(case.path)
    text, asked = f'# mine\n{case.lock.read_text()}', len(case.server.asked)
    case.lock.write_text(text)

    assert not manager.lock(case.path, check=True).is_written
    case.write(first='url = "t.tsv?x"', third='url = "u.tsv"')
    with pytest.raises(dm.RequestError) as raised:
        manager.lock(case.path, check=True)

    assert isinstance(raised.value.fault, LockOutdated)
    difference = '1 added (third), 1 changed (first), 1 removed (second)'
    assert (
        raised.value.fault.problem == f'{case.path} has changed since it was locked: {difference}'
    )
    assert case.lock.read_text() == text
    assert len(case.server.asked) == asked


def test_a_lock_stays_if_a_download_fails(make_manager: MakeManager, case: Case) -> None:
    """None of its entries is lost."""
    manager = make_manager(retries=0)
    manager.lock(case.path)
    text = case.lock.read_text()
    case.server.on('/t.tsv', resource(OTHER))
    case.server.on('/u.tsv', respond(404))

    report = manager.lock(case.path, upgrade=True)

    assert not report.is_written
    assert case.lock.read_text() == text
    with pytest.raises(ExceptionGroup, match='1 of 2 downloads failed'):
        report.raise_for_failures()


def test_sync_makes_the_lock_and_takes_its_bytes(make_manager: MakeManager, case: Case) -> None:
    """Each file is at its path; other bytes are refused, and nothing is stored."""
    manager = make_manager()
    report = manager.sync(case.path, case.folder)
    assert report.is_written
    assert not report.results.failed
    assert (case.folder / 'a/first.tsv').read_bytes() == BODY
    assert (case.folder / 'u.tsv').read_bytes() == OTHER
    text = case.lock.read_text()
    case.server.on('/t.tsv', resource(b'new'))

    other = make_manager(retries=0).sync(case.path, case.folder.with_name('other'))

    fault = fault_of(other)
    assert isinstance(fault, LockMismatch)
    assert (fault.entry, fault.lock) == ('first', str(case.lock))
    assert (fault.expected, fault.actual) == tuple(
        sha256(body).hexdigest() for body in (BODY, b'new')
    )
    assert not (case.folder.with_name('other') / 'a' / 'first.tsv').exists()
    assert case.lock.read_text() == text
    assert isinstance(error_for(fault), dm.IntegrityError)


def test_the_same_bytes_come_from_a_mirror(make_manager: MakeManager, case: Case) -> None:
    """A mirror is not a change."""
    make_manager().lock(case.path)
    mirror = case.server.on('/mirror', resource(BODY))
    case.server.on('/t.tsv', respond(404))
    case.write(
        first=f'url = "t.tsv"\npath = "a/first.tsv"\nmirrors = ["{mirror}"]', second='url = "u.tsv"'
    )

    report = make_manager(retries=0).sync(case.path, case.folder, locked=True)

    assert not report.results.failed
    assert (case.folder / 'a/first.tsv').read_bytes() == BODY


def test_a_retry_of_the_failed_ones_is_checked_as_well(
    make_manager: MakeManager, case: Case
) -> None:
    """With the bytes of the lockfile."""
    make_manager().lock(case.path)
    case.server.on('/t.tsv', in_turn(respond(404), resource(b'new'), resource(BODY)))
    report = make_manager(retries=0).sync(case.path, case.folder)

    again = report.results.retry()

    assert isinstance(again.failed[0].fault, LockMismatch)
    assert not again.retry().failed


def test_sync_adds_new_entries_to_the_lock(make_manager: MakeManager, case: Case) -> None:
    """Unless one of them fails; rows of entries that are gone are dropped."""
    manager = make_manager(retries=0)
    manager.lock(case.path)
    case.write(first='url = "t.tsv"\npath = "a/first.tsv"', third='url = "missing.tsv"')

    failed = manager.sync(case.path, case.folder)
    assert (failed.is_written, case.names) == (False, ['first', 'second'])

    case.server.on('/missing.tsv', resource(OTHER))
    report = manager.sync(case.path, case.folder)

    assert report.is_written
    assert case.names == ['first', 'third']


def test_locked_refuses_a_lock_that_differs(make_manager: MakeManager, case: Case) -> None:
    """Before any request; also one that does not exist."""
    manager = make_manager()
    with pytest.raises(dm.RequestError, match='it does not exist'):
        manager.sync(case.path, case.folder, locked=True)
    manager.lock(case.path)
    asked = len(case.server.asked)
    case.write(first='url = "t.tsv"')

    with pytest.raises(dm.RequestError, match=r'1 removed \(second\)'):
        manager.sync(case.path, case.folder, locked=True)

    assert len(case.server.asked) == asked
    assert not case.folder.exists()


@pytest.mark.parametrize('by', ['argument', 'environment'])
def test_frozen_takes_only_the_bytes_of_the_lock(
    make_manager: MakeManager, case: Case, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """A changed entry must have them too, a new one fails, and the lockfile stays."""
    manager = make_manager(retries=0)
    with pytest.raises(dm.RequestError, match='it does not exist'):
        manager.sync(case.path, case.folder, frozen=True)
    manager.lock(case.path)
    text = case.lock.read_text()
    case.write(first='url = "u.tsv"', second='url = "u.tsv?1"', third='url = "t.tsv"')
    if by == 'environment':
        monkeypatch.setenv('DLMACHINE_FROZEN', '1')

    report = manager.sync(case.path, case.folder, frozen=True if by == 'argument' else None)

    faults = [item.fault for item in report.results]
    assert [type(fault) for fault in faults] == [LockMismatch, type(None), LockOutdated]
    assert "it has no entry 'third'" in str(faults[2])
    assert case.lock.read_text() == text
    assert not report.is_written


def test_the_environment_freezes_lock_as_well(
    make_manager: MakeManager, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It only checks; a wrong value is an error."""
    monkeypatch.setenv('DLMACHINE_FROZEN', 'yes')
    manager = make_manager()
    with pytest.raises(dm.RequestError, match='it does not exist'):
        manager.lock(case.path)
    with pytest.raises(dm.RequestError, match='upgrade cannot be combined with DLMACHINE_FROZEN'):
        manager.lock(case.path, upgrade=True)
    with pytest.raises(dm.RequestError, match='upgrade cannot be combined with check'):
        manager.lock(case.path, upgrade=True, check=True)
    monkeypatch.setenv('DLMACHINE_FROZEN', 'perhaps')
    with pytest.raises(dm.RequestError, match='DLMACHINE_FROZEN must be true or false'):
        manager.sync(case.path, case.folder)


def test_a_lock_has_no_secret(make_manager: MakeManager, case: Case) -> None:
    """Neither of the URL nor of a header field, also if a validator repeats it."""
    case.server.on('/s.tsv', resource(BODY, etag='"s3cret-1"'))
    case.write(
        a='url = "s.tsv?token=s3cret-1"\nheaders = {Authorization = "Bearer s3cret-2"}',
        b='url = "u.tsv"\nquery = {code = "s3cret-3"}\nsecret_names = ["code"]',
    )

    make_manager().lock(case.path)

    assert case.names == ['a', 'b']
    assert 's3cret' not in case.lock.read_text()


@pytest.mark.parametrize(
    ('entries', 'problem'),
    [
        ({'a': 'url = "t.tsv"\npath = "../t"'}, "'../t' leads outside the folder"),
        (
            {'a': 'url = "t.tsv"\npath = "t"', 'b': 'url = "u.tsv"\npath = "T"'},
            "data.toml) has the path 'T', which is that of entry 'a'",
        ),
        ({'a': 'url = "t.tsv"', 'b': 'url = "u.tsv"\nname = "a"'}, "has two entries named 'a'"),
    ],
)
@pytest.mark.parametrize('act', ['lock', 'sync'])
def test_a_bad_manifest_is_refused_before_any_request(
    make_manager: MakeManager, case: Case, entries: dict[str, str], problem: str, act: str
) -> None:
    """The error names the entry."""
    case.write(**entries)

    with pytest.raises(dm.RequestError) as raised:
        getattr(make_manager(), act)(case.path)

    assert problem in str(raised.value)
    assert not case.server.asked
    assert not case.lock.exists()


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='a system without pipes that have names')
def test_a_lock_that_is_a_pipe_is_refused(make_manager: MakeManager, case: Case) -> None:
    """Nothing waits for somebody to write to it."""
    os.mkfifo(case.lock)

    for call in (make_manager().lock, make_manager().sync):
        with pytest.raises(dm.RequestError, match=r'data\.toml\.lock is not a regular file'):
            call(case.path)


def test_a_damaged_lock_is_refused(make_manager: MakeManager, case: Case) -> None:
    """The error names the entry, and nothing is overwritten."""
    make_manager().lock(case.path)
    damaged = case.lock.read_text().replace(sha256(BODY).hexdigest(), 'beef')
    case.lock.write_text(damaged)

    for act in (make_manager().lock, make_manager().sync):
        with pytest.raises(dm.RequestError) as raised:
            act(case.path)
        assert isinstance(raised.value.fault, InvalidInput)
        assert raised.value.fault.where == f"{case.lock}, entry 'first'"

    assert case.lock.read_text() == damaged


def test_a_lock_is_written_as_a_whole(
    make_manager: MakeManager, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If that fails, the former one stays; a link and permissions stay, too."""
    real = case.lock.with_name('real.lock')
    real.write_text('')
    real.chmod(0o640)
    case.lock.symlink_to(real)
    case.lock.write_text('version = 1')
    manager = make_manager()

    def fail(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patched:
        patched.setattr(Path, 'replace', fail)
        with pytest.raises(DownloadError) as raised:
            manager.lock(case.path)
    assert isinstance(raised.value.fault, StorageFailed)
    assert real.read_text() == 'version = 1'
    manager.lock(case.path)

    assert case.lock.is_symlink()
    assert case.names == ['first', 'second']
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in case.path.parent.glob('*data.toml*')) == [
        'data.toml',
        'data.toml.lock',
    ]


def test_sync_offline_says_what_is_missing(make_manager: MakeManager, case: Case) -> None:
    """The exit code of the command is that of the fault."""
    make_manager().lock(case.path)

    report = make_manager(offline=True).sync(case.path, case.folder)

    assert {type(item.fault) for item in report.results} == {OfflineMiss}


def test_a_checksum_of_another_kind_fails_as_always(make_manager: MakeManager, case: Case) -> None:
    """It is not the lockfile that differs."""
    case.write(first=f'url = "t.tsv"\nchecksum = "{32 * "0"}"')

    assert fault_of(make_manager(retries=0).sync(case.path, case.folder)).code == 'digest_mismatch'
