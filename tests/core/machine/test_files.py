"""Runs at a path: used, adopted, repaired, kept, replaced, and recorded."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.file_note import format_file_note, parse_file_note, read_file_row
from dlmachine.core.cache.updates import FileRecord
from dlmachine.core.decision.existing import occupied
from dlmachine.core.decision.names import free_name
from dlmachine.core.decision.part_location import may_need_part
from dlmachine.core.faults import Bug, CacheUnusable, InvalidInput, StorageFailed
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.machine.files import lock_of
from dlmachine.core.machine.machine import advance, begin
from dlmachine.core.plan.plan import Plan, plan
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import (
    AcquireLock,
    CheckCopy,
    Discard,
    Exchange,
    FillCache,
    KeepChanged,
    Observe,
    OpenPart,
    Publish,
    Record,
)
from dlmachine.core.protocol.events import (
    CacheFilled,
    ChangedKept,
    CopyConfirmed,
    CopyMissing,
    EffectFailed,
    Interrupted,
    LockAcquired,
    LockUnavailable,
    NameTaken,
    Observed,
    PartOpened,
    Published,
    Recorded,
    Waited,
)
from dlmachine.core.protocol.outcome import Origin
from dlmachine.core.spec.destination import AtPath, Auto, PathKind, PathSeen, ToPath
from dlmachine.core.spec.policy_checks import find_policy_fault
from dlmachine.core.spec.reuse import FileTime, Freshness, IfExists, Link
from dlmachine.core.transfer.provenance import ADOPTED
from dlmachine.core.transfer.read_response import decide_body
from tests.builders import (
    DATA,
    DIGEST,
    NOW,
    OTHER_DIGEST,
    Run,
    a_cache,
    a_descriptor,
    a_file,
    a_head,
    a_path,
    a_policy,
    a_record,
    a_recorded,
    a_snapshot,
    an_entry,
    an_unrecorded,
    answered,
    interrupted,
)

PATH = '/data/x.csv'
KEY = 'ab' * 32
AT_PATH = ToPath(PATH)
OPENED = PartOpened(at=NOW, size_bytes=0)
PUBLISHED = Published(at=NOW, path=PATH, mtime_ns=5)
CONFIRMED = CopyConfirmed(at=NOW)
STORED = Freshness.STORED
FULL = StorageFailed(path='/data', operation='move', problem='no space left on device')


def a_run(file: Any, dest: ToPath = AT_PATH, **options: Any) -> Run:
    """A run to the path, with a file that was seen."""
    kind = PathKind.FOLDER if dest.path == '/data' else PathKind.FILE
    policy = a_policy(dest=dest, **options)
    return Run(None, policy, a_snapshot(destination=a_path(kind), file=file))


def rows(run: Run) -> list[FileRecord]:
    """The rows that it wrote."""
    return [update for update in run.updates if isinstance(update, FileRecord)]


def test_a_known_file_costs_one_look() -> None:
    """No lock, no request, no write."""
    run = a_run(a_file(a_recorded()), freshness=STORED)
    assert run.effects == [CheckCopy(path=PATH, size_bytes=len(DATA), mtime_ns=7)]
    run.feed(CONFIRMED)
    assert (run.outcome.path, run.outcome.origin) == (PATH, Origin.CACHE)
    assert (run.outcome.version, run.updates) == (None, [])


@pytest.mark.parametrize('checksum', [None, Checksum('sha256', DIGEST)])
@pytest.mark.parametrize('entry', [a_recorded(file_mtime_ns=8), a_recorded(is_certain=False)])
def test_a_touched_file_is_read_and_recorded_again(entry: Any, checksum: Checksum | None) -> None:
    """With the recorded digest, expected or not, it is used, and the row gets its present time."""
    run = a_run(a_file(entry), freshness=STORED, checksum=checksum)
    [look] = run.effects
    assert isinstance(look, CheckCopy)
    assert look.checksum == Checksum('sha256', DIGEST)
    run.feed(replace(CONFIRMED, sha256=DIGEST))
    assert run.step.effect == Record(key=run.snapshot.key, version=1, reason='unchanged')
    assert run.outcome.path == PATH
    assert rows(run)[0].record.mtime_ns == entry.file_mtime_ns


def test_a_changed_file_goes_to_quarantine() -> None:
    """It is downloaded again; what the user wrote is moved away first."""
    run = a_run(a_file(a_recorded(file_mtime_ns=8)), freshness=STORED)
    run.feed(CopyMissing(at=NOW), OPENED, answered())
    kept = run.step.effect
    assert isinstance(kept, KeepChanged)
    assert kept.copy.checksum == Checksum('sha256', DIGEST)
    run.feed(ChangedKept(at=NOW, path='/data/q'))
    assert isinstance(run.step.effect, Publish)
    assert run.step.effect.replace
    assert run.feed(PUBLISHED).outcome.origin is Origin.NETWORK
    assert rows(run)[0].version == 2


def test_a_refresh_protects_what_is_changed_meanwhile() -> None:
    """Before a recorded file is replaced, it is compared once more with its row."""
    run = a_run(a_file(a_recorded()), force_download=True).feed(OPENED, answered())
    copy = CheckCopy(path=PATH, size_bytes=len(DATA), mtime_ns=7)
    assert run.step.effect == KeepChanged(copy=copy)
    run.feed(EffectFailed(at=NOW, fault=FULL))
    assert run.fault.code == 'storage_failed'
    assert rows(run) == []


def test_a_lost_file_needs_no_protection() -> None:
    """Nothing is there to be moved."""
    gone = a_recorded(file_bytes=None, file_mtime_ns=None)
    run = a_run(a_file(gone), freshness=STORED).feed(OPENED, answered())
    assert isinstance(run.step.effect, Publish)


def test_a_file_that_fits_is_adopted() -> None:
    """Its bytes have the checksum: it is recorded without a request."""
    fits = Checksum('md5', 'ab' * 16)
    run = a_run(a_file(other=an_unrecorded()), checksum=fits, if_exists=IfExists.REFUSE)
    run.feed(replace(CONFIRMED, sha256=DIGEST), Recorded(at=NOW))
    record = rows(run)[0].record
    assert run.outcome.record == record
    assert (record.sha256, record.size_bytes, record.mtime_ns) == (DIGEST, len(DATA), 9)
    assert (record.digests, record.verified_by) == (
        (('md5', 'ab' * 16),),
        (('md5', 'caller'),),
    )
    assert (record.notes, record.tries, record.http_code) == ((ADOPTED,), 0, 0)


def test_an_adopted_file_has_one_sha256() -> None:
    """A SHA-256 of the caller is not recorded twice."""
    run = a_run(a_file(other=an_unrecorded()), checksum=Checksum('sha256', DIGEST))
    run.feed(replace(CONFIRMED, sha256=DIGEST))
    assert rows(run)[0].record.digests == ()


def test_a_file_that_does_not_fit_is_replaced_or_stays() -> None:
    """`if_exists` decides once its bytes are known to be others."""
    wrong = Checksum('md5', 'ab' * 16)
    run = a_run(a_file(other=an_unrecorded()), checksum=wrong).feed(CopyMissing(at=NOW))
    assert isinstance(run.step.effect, AcquireLock)
    run = a_run(a_file(other=an_unrecorded()), checksum=wrong, if_exists=IfExists.REFUSE)
    assert run.feed(CopyMissing(at=NOW)).fault.code == 'destination_unusable'


def test_a_kept_file_is_not_recorded() -> None:
    """It is used as it is; nothing is known about it."""
    run = a_run(a_file(other=an_unrecorded()), if_exists=IfExists.KEEP).feed(CONFIRMED)
    assert (run.outcome.path, run.outcome.record, run.updates) == (PATH, None, [])


def in_folder(**options: Any) -> Run:
    """A run into a folder."""
    return a_run(a_file(path='/data/'), ToPath('/data'), **options)


def to_folder(**options: Any) -> Run:
    """A run into a folder that has just received a body."""
    run = in_folder(**options).feed(OPENED, answered())
    assert isinstance(run.step.effect, Publish)
    return run


def test_a_name_of_the_server_replaces_nothing() -> None:
    """A taken name is an error that names the file."""
    run = to_folder()
    assert isinstance(run.step.effect, Publish)
    assert not run.step.effect.replace
    fault = run.feed(NameTaken(at=NOW)).fault
    assert (fault.code, getattr(fault, 'path', '')) == ('destination_unusable', '/data/t.csv')
    assert fault.tries == 1


def test_a_name_of_the_server_replaces_if_asked() -> None:
    """With `if_exists='replace'` it does."""
    effect = to_folder(if_exists=IfExists.REPLACE).step.effect
    assert isinstance(effect, Publish)
    assert effect.replace


def test_a_file_with_the_name_of_the_server_is_kept() -> None:
    """With `if_exists='keep'` it is used unless it is empty."""
    run = to_folder(if_exists=IfExists.KEEP).feed(NameTaken(at=NOW))
    assert run.step.effect == CheckCopy(path='/data/t.csv', size_bytes=None, min_bytes=1)
    assert run.feed(CONFIRMED).outcome.path == '/data/t.csv'
    run = to_folder(if_exists=IfExists.KEEP).feed(NameTaken(at=NOW), CopyMissing(at=NOW))
    assert isinstance(run.step.effect, Publish)
    assert run.step.effect.replace
    run = to_folder(if_exists=IfExists.KEEP).feed(NameTaken(at=NOW))
    assert run.feed(EffectFailed(at=NOW, fault=FULL)).fault.code == 'storage_failed'


def test_a_file_of_unknown_bytes_is_not_kept_for_a_checksum() -> None:
    """The bytes of the file that has the name were not compared."""
    run = to_folder(if_exists=IfExists.KEEP, checksum=Checksum('sha256', DIGEST))
    assert run.feed(NameTaken(at=NOW)).fault.code == 'destination_unusable'


def refused(path: str = '/data/t.csv') -> Interrupted:
    """The response of an exchange whose part refused the name of the file."""
    return interrupted(occupied(path), a_head(200))


def test_a_taken_name_ends_the_run_at_the_head() -> None:
    """It is not requested again, and an incomplete part is kept until the name is free."""
    run = in_folder(retries=3).feed(OPENED, refused())
    assert run.step.effect == Discard(keep=True)
    assert (run.fault.code, run.fault.tries) == ('destination_unusable', 1)


def test_a_taken_name_tells_why_nothing_is_known_of_the_file() -> None:
    """The index of the folder cannot be read."""
    broken = CacheUnusable(path='/data/.dlmachine/index.sqlite', problem='file is not a database')
    run = a_run(a_file(path='/data/', fault=broken), ToPath('/data')).feed(OPENED, refused())
    assert 'is a file of which nothing is known (index /data/' in run.fault.what()


def test_a_file_with_the_name_in_the_head_is_kept() -> None:
    """With `if_exists='keep'` its body is not received; if the file vanishes, the run fails."""
    run = in_folder(if_exists=IfExists.KEEP).feed(OPENED, refused())
    assert run.step.effect == CheckCopy(path='/data/t.csv', size_bytes=None, min_bytes=1)
    outcome = run.feed(CONFIRMED).outcome
    assert (outcome.path, outcome.tries, outcome.record) == ('/data/t.csv', 1, None)
    gone = in_folder(if_exists=IfExists.KEEP).feed(OPENED, refused(), CopyMissing(at=NOW))
    assert (gone.fault.code, gone.fault.tries) == ('destination_unusable', 1)


@pytest.mark.parametrize(
    ('options', 'folder'),
    [
        ({}, '/data'),
        ({'if_exists': IfExists.KEEP}, '/data'),
        ({'if_exists': IfExists.KEEP, 'force_download': True}, ''),
        ({'if_exists': IfExists.REPLACE}, ''),
    ],
)
def test_the_name_of_a_response_must_be_free(options: dict[str, Any], folder: str) -> None:
    """Unless the file that has it may be replaced."""
    exchange = in_folder(**options).feed(OPENED).step.effect
    assert isinstance(exchange, Exchange)
    assert exchange.expect.new_in == folder
    head = a_head(200, {'Content-Disposition': 'attachment; filename="r.csv"'})
    for one, name in ((head, 'r.csv'), (a_head(200), 't.csv')):
        decision = decide_body(exchange, one)
        assert isinstance(decision, StoreBody)
        assert decision.new_path == (f'/data/{name}' if folder else '')


def test_the_name_of_a_path_is_not_that_of_the_response() -> None:
    """It was known before the request."""
    exchange = a_run(a_file()).feed(OPENED).step.effect
    assert isinstance(exchange, Exchange)
    assert exchange.expect.new_in == ''


def test_a_file_that_appears_meanwhile_is_not_replaced() -> None:
    """Nothing was there when it was decided; with `refuse` the new file stays."""
    run = a_run(a_file(), if_exists=IfExists.REFUSE).feed(OPENED, answered())
    assert isinstance(run.step.effect, Publish)
    assert not run.step.effect.replace
    assert run.feed(NameTaken(at=NOW)).fault.code == 'destination_unusable'


def test_a_name_that_is_not_text_has_a_lock_of_its_own() -> None:
    """POSIX allows any byte in a name."""
    names = ('a.csv', 'a\udcff.csv', 'a\udcfe.csv')
    locks = {lock_of('k', AtPath(f'/data/{name}'), timedelta(0)) for name in names}
    assert len(locks) == 3


def test_a_new_name_of_a_recorded_file_replaces_nothing() -> None:
    """The server gave the file another name before; what has the new name is not this download's."""
    known = a_file(a_recorded('/data/old.csv'), path='/data/')
    run = a_run(known, ToPath('/data'), force_download=True).go_well(until=Publish)
    assert isinstance(run.step.effect, Publish)
    assert run.step.effect.place == AtPath('/data/t.csv')
    assert not run.step.effect.replace


def test_a_recorded_file_is_replaced_even_if_others_are_refused() -> None:
    """It is this download's own."""
    run = a_run(a_file(a_recorded()), if_exists=IfExists.REFUSE, force_download=True)
    run.feed(OPENED, answered(), ChangedKept(at=NOW))
    assert isinstance(run.step.effect, Publish)
    assert run.step.effect.replace


def test_an_index_that_cannot_be_written_loses_no_file() -> None:
    """The file is right; only its row is missing."""
    run = a_run(a_file()).feed(OPENED, answered(), PUBLISHED)
    broken = CacheUnusable(path='/data/.dlmachine/index.sqlite', problem='disk I/O error')
    run.feed(EffectFailed(at=NOW, fault=broken))
    assert run.outcome.path == PATH
    assert run.outcome.notes == (f'the file is not recorded: {broken.what()}',)


def test_the_note_describes_the_future_row() -> None:
    """A run that is killed between name and row leaves all that the row would have."""
    run = a_run(a_file()).feed(OPENED, answered())
    assert isinstance(run.step.effect, Publish)
    noted = parse_file_note(run.step.effect.note, '/data')
    run.feed(PUBLISHED)
    [row] = rows(run)
    record = replace(row.record, mtime_ns=None)
    assert (row.is_new, noted) == (True, replace(row, record=record, is_new=False))


@pytest.mark.parametrize(
    'text', ['', '{', '[]', '{}', '{"v": 2}', '[' * 100_000, '{"v": 1, "key": 5}']
)
def test_other_notes_are_none(text: str) -> None:
    """Others may write any text there."""
    assert parse_file_note(text, '/data') is None


@pytest.mark.parametrize('name', ['', '.', '..', '../x', '/x', 'a/x', 'x/', 'x\0', None, 5])
def test_a_name_stays_in_its_folder(name: object) -> None:
    """An index may come from another person, with the files."""
    assert read_file_row('/data', KEY, name, 1, a_record().to_json()) is None
    assert read_file_row('/data', KEY, '..x', 1, a_record().to_json()) is not None


@pytest.mark.parametrize('version', [0, -1, 1 << 31, True, 1.0, '1', None])
def test_other_versions_are_none(version: object) -> None:
    """A version is a positive number."""
    record = a_record().to_json()
    assert read_file_row('/data', KEY, 'x', version, record) is None
    assert read_file_row('/data', KEY, 'x', 1, record) is not None
    assert read_file_row('/data', KEY, 'x', 1, '{}') is None
    assert (
        parse_file_note(
            format_file_note(
                FileRecord(key=KEY, folder='/data', name='x', version=1, record=a_record())
            ),
            '/data',
        )
        is not None
    )


def test_a_path_without_locks_is_observed_again() -> None:
    """Where locks do not work, the run goes on without one."""
    run = a_run(a_file()).feed(
        LockUnavailable(at=NOW, fault=None), Observed(at=NOW, snapshot=a_run(a_file()).snapshot)
    )
    run.feed(OPENED)
    assert isinstance(run.step.effect, Exchange)


def test_names_that_differ_in_case_share_a_lock() -> None:
    """Some file systems ignore case."""
    locks = [
        a_run(a_file(), ToPath(f'/data/{name}')).step.effect for name in ('X.csv', 'x.CSV', 'y')
    ]
    assert locks[0] == locks[1] != locks[2]
    in_folder = a_run(a_file(path='/data/'), ToPath('/data'))
    assert in_folder.step.effect == AcquireLock(
        key=in_folder.snapshot.key, patience=in_folder.policy.lock_timeout, folder='/data'
    )


# --- filled from the cache --------------------------------------------------------


FILLED = CacheFilled(at=NOW, path='/cache/item-1.csv', record=a_record(etag='"v2"'), tries=1)


def filling(file: Any = None, **options: Any) -> Run:
    """A run to the path that fills the cache first."""
    policy = a_policy(dest=AT_PATH, **{'via_cache': True, **options})
    seen = a_snapshot(destination=a_path(), file=file or a_file(), cache=a_cache())
    return Run(None, policy, seen).go_well(until=(FillCache, CheckCopy))


def test_a_path_is_filled_from_the_cache() -> None:
    """The entry is copied, published and recorded; its record is the file's."""
    run = filling()
    fill = run.step.effect
    assert isinstance(fill, FillCache)
    assert fill.policy == replace(
        run.policy, dest=Auto(), via_cache=False, freshness=Freshness.ALWAYS
    )
    run.feed(FILLED)
    opening = run.step.effect
    assert isinstance(opening, OpenPart)
    assert (opening.source, opening.sha256, opening.link) == ('/cache/item-1.csv', DIGEST, None)
    run.feed(PartOpened(at=NOW, size_bytes=len(DATA)), PUBLISHED)
    assert rows(run)[0].record == replace(FILLED.record, mtime_ns=5)
    assert (run.outcome.path, run.outcome.origin, run.outcome.tries) == (PATH, Origin.CACHE, 1)
    assert run.exchanges == []


@pytest.mark.parametrize(('seconds', 'is_new'), [(-1, False), (0, True), (5, True)])
@pytest.mark.parametrize('name', ['finished_at', 'validated_at'])
def test_a_copy_that_another_run_took_from_the_cache_is_not_new(
    name: str, seconds: int, is_new: bool
) -> None:
    """Only what was received or confirmed while this run waited answers it."""
    early = {'finished_at': NOW - timedelta(days=1), name: NOW + timedelta(seconds=seconds)}
    file = a_file(a_recorded(record=a_record(mtime_ns=7, **early)))
    policy = a_policy(dest=AT_PATH, via_cache=True, freshness=Freshness.ALWAYS)
    run = Run(None, policy, a_snapshot(destination=a_path(), file=a_file(), cache=a_cache()))
    run.go_well(until=(Observe,))
    seen = a_snapshot(destination=a_path(), file=file, cache=a_cache())
    run.feed(Observed(at=NOW, snapshot=seen))

    assert isinstance(run.step.effect, CheckCopy if is_new else FillCache)


@pytest.mark.parametrize(
    ('first', 'is_new'),
    [
        (a_file(), True),
        (a_file(other=an_unrecorded(file_bytes=3)), True),
        (a_file(other=an_unrecorded(file_bytes=len(DATA), file_mtime_ns=7)), False),
        (a_file(other=an_unrecorded(file_bytes=None, file_mtime_ns=None)), False),
        (a_file(a_recorded(file_bytes=None, file_mtime_ns=None)), False),
    ],
)
def test_a_file_that_was_not_seen_well_is_not_new(first: Any, is_new: bool) -> None:
    """A first look that failed does not make an old copy one that another run has just stored."""
    policy = a_policy(dest=AT_PATH, freshness=Freshness.ALWAYS, if_exists=IfExists.REPLACE)
    there = a_path(PathKind.FILE)
    run = Run(None, policy, a_snapshot(destination=there, file=first)).go_well(until=(Observe,))
    run.feed(Observed(at=NOW, snapshot=a_snapshot(destination=there, file=a_file(a_recorded()))))

    assert isinstance(run.step.effect, CheckCopy if is_new else OpenPart)


def test_a_new_entry_comes_from_the_network() -> None:
    """The outcome tells that it was downloaded."""
    run = filling(freshness=STORED, link=Link.HARD).feed(replace(FILLED, is_new=True))
    assert isinstance(run.step.effect, OpenPart)
    assert run.step.effect.link is Link.HARD
    assert run.feed(OPENED, PUBLISHED).outcome.origin is Origin.NETWORK


def test_a_file_with_the_bytes_of_the_entry_stays() -> None:
    """Only its record is freshened."""
    run = filling(a_file(a_recorded())).feed(replace(FILLED, is_validated=True))
    assert run.step.effect == Record(key=run.snapshot.key, version=1, reason='validated')
    assert (run.outcome.path, run.outcome.is_validated) == (PATH, True)
    assert (rows(run)[0].record.etag, rows(run)[0].record.mtime_ns) == ('"v2"', 7)


@pytest.mark.parametrize('file', [None, a_file(a_recorded())])
def test_a_stale_entry_is_reported(file: Any) -> None:
    """The outcome has the fault of the download that failed, also if the file has its bytes."""
    run = filling(file).feed(replace(FILLED, stale_fault=FULL))
    if file is None:
        run.feed(OPENED, PUBLISHED)
    assert (run.outcome.origin, run.outcome.fault) == (Origin.STALE, FULL)


def test_the_record_of_a_file_gets_the_response_of_the_entry() -> None:
    """What it says of caching belongs to the time when it was confirmed."""
    known = a_record(response_headers=(('Cache-Control', 'no-store'),), validated_at=NOW)
    run = filling(a_file(a_recorded())).feed(replace(FILLED, record=known))
    assert rows(run)[0].record.response_headers == known.response_headers


@pytest.mark.parametrize(
    ('options', 'new_path', 'code'),
    [
        ({}, '/data/t.csv', 'destination_unusable'),
        ({'if_exists': IfExists.REPLACE}, '', ''),
    ],
)
def test_a_copy_into_a_folder_looks_at_its_name(
    options: dict[str, Any], new_path: str, code: str
) -> None:
    """Unless it may replace any file."""
    policy = a_policy(dest=ToPath('/data/'), via_cache=True, **options)
    seen = a_snapshot(destination=PathSeen(kind=PathKind.FOLDER), cache=a_cache())
    run = Run(None, policy, seen).go_well(until=(FillCache,))
    run.feed(replace(FILLED, record=a_record(filename='t.csv')))
    assert isinstance(run.step.effect, OpenPart)
    assert run.step.effect.new_path == new_path
    if code:
        run.feed(EffectFailed(at=NOW, fault=occupied(new_path)))
        assert (run.fault.code, run.fault.tries) == (code, 1)


def test_another_entry_replaces_the_recorded_file() -> None:
    """After a changed one was kept."""
    other = replace(FILLED, record=a_record(sha256=OTHER_DIGEST))
    run = filling(a_file(a_recorded())).feed(other, OPENED)
    assert isinstance(run.step.effect, KeepChanged)


def test_a_cache_that_cannot_be_filled_ends_the_run() -> None:
    """With the fault of the other run; the same for a part that cannot be opened."""
    for run in (filling(), filling().feed(FILLED)):
        assert run.feed(EffectFailed(at=NOW, fault=FULL)).fault.code == 'storage_failed'


def test_a_path_without_a_cache_cannot_be_filled() -> None:
    """The fault names the option that was passed."""
    for options, where in (({'via_cache': True}, 'via_cache'), ({'link': Link.HARD}, 'link')):
        run = Run(None, a_policy(dest=AT_PATH, **options), a_snapshot(destination=a_path()))
        assert isinstance(run.fault, InvalidInput)
        assert run.fault.where == where


def test_other_destinations_are_not_filled() -> None:
    """The option of a manager says nothing about its cache."""
    run = Run(None, a_policy(via_cache=True), a_snapshot(cache=a_cache()))
    run.go_well(until=(Exchange, FillCache))
    assert isinstance(run.step.effect, Exchange)


@pytest.mark.parametrize('file', [None, a_file(a_recorded())], ids=['new', 'recorded'])
@pytest.mark.parametrize('entries', [(), (an_entry(),)], ids=['empty', 'stored'])
def test_plans_of_filled_paths(file: Any, entries: Any) -> None:
    """A dry run ends well, whatever the cache has."""
    policy = a_policy(dest=AT_PATH, via_cache=True)
    seen = a_snapshot(destination=a_path(), file=file or a_file(), cache=a_cache(*entries))
    planned = plan(a_descriptor(), policy, seen).unwrap()
    assert 'of the cache, downloading it if necessary' in str(planned)
    assert not any(isinstance(effect, Exchange) for effect in planned.effects)
    assert Plan.from_json(planned.to_json()).unwrap() == planned.redacted()


@pytest.mark.parametrize(
    ('modified', 'expected'),
    [
        ('Wed, 01 May 2024 12:00:00 GMT', 1_714_564_800_000_000_000),
        (None, None),
        ('nonsense', None),
    ],
)
def test_the_time_of_the_server(modified: str | None, expected: int | None) -> None:
    """With `mtime='server'` the file gets the time of Last-Modified, if there is one."""
    for option, time in ((FileTime.SERVER, expected), (None, None)):
        run = a_run(a_file(), mtime=option)
        fields = {} if modified is None else {'Last-Modified': modified}
        run.feed(OPENED, answered(200, fields))
        assert isinstance(run.step.effect, Publish)
        assert run.step.effect.mtime_ns == time


@pytest.mark.parametrize(
    ('name', 'run'),
    [
        ('FillingCache', filling),
        ('Opening', lambda: filling().feed(FILLED)),
        ('KeepingChanged', lambda: a_run(a_file(a_recorded()), force_download=True).feed(OPENED, answered())),
        ('KeepingExisting', lambda: to_folder(if_exists=IfExists.KEEP).feed(NameTaken(at=NOW))),
    ],
)  # fmt: skip
def test_unexpected_events_are_bugs(name: str, run: Any) -> None:
    """The run ends with `Bug`, which names state and event, and releases everything."""
    made = run()
    assert type(made.state).__name__ == name
    fault = made.feed(Waited(at=NOW)).fault
    assert isinstance(fault, Bug)
    assert (fault.state, fault.event) == (name, 'Waited')


def test_a_dry_run_over_a_changed_file() -> None:
    """Its plan says that a changed file is kept."""
    policy = a_policy(dest=AT_PATH, force_download=True)
    seen = a_snapshot(destination=a_path(PathKind.FILE), file=a_file(a_recorded()))
    planned = plan(a_descriptor(), policy, seen).unwrap()
    assert f'keep {PATH} in quarantine if it was changed' in str(planned)


@pytest.mark.parametrize(
    ('file', 'options', 'may'),
    [
        (None, {}, True),
        (a_file(), {'freshness': STORED}, True),
        (a_file(a_recorded()), {'freshness': STORED}, False),
        (a_file(a_recorded()), {}, True),
        (a_file(a_recorded(file_bytes=1)), {'freshness': STORED}, True),
    ],
)
def test_parts_are_looked_for_if_a_file_is_not_used_at_once(
    file: Any, options: dict[str, Any], may: bool
) -> None:
    """A recorded file that is used unasked needs no part."""
    assert may_need_part(a_policy(dest=AT_PATH, **options), None, file, NOW) is may


def test_names_that_are_taken_are_numbered() -> None:
    """The first free one."""
    assert free_name('t.csv', lambda name: False) == 't.csv'
    assert free_name('t.csv', {'t.csv', 't-2.csv'}.__contains__) == 't-3.csv'


def test_two_words_for_one_option_may_not_contradict() -> None:
    """A policy that is made by hand is checked, too."""
    fault = find_policy_fault(a_policy(check_freshness=True, freshness=STORED))
    assert fault is not None
    assert getattr(fault, 'where', '') == 'freshness'


def test_a_file_whose_index_could_not_be_read_at_first_is_not_a_new_one() -> None:
    """It was there before, so it is checked, as the policy says."""
    policy = a_policy(dest=AT_PATH, freshness=Freshness.ALWAYS)
    blind = a_snapshot(destination=a_path(), file=replace(a_file(), fault=FULL))
    seen = a_snapshot(destination=a_path(), file=a_file(a_recorded()))
    step = begin(a_descriptor(), policy, blind)
    assert isinstance(step.effect, AcquireLock)
    step = advance(step.state, LockAcquired(at=NOW))
    step = advance(step.state, Observed(at=NOW, snapshot=seen))
    assert isinstance(step.effect, OpenPart)
