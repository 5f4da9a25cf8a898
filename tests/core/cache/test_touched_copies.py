"""A stored copy whose modification time has changed is read before it is used."""

from dataclasses import replace

import pytest

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.freshness import must_read
from dlmachine.core.cache.updates import SameVersion
from dlmachine.core.faults import CacheUnusable
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.effects import CheckCopy, Exchange, Publish, Record, RemoveVersions
from dlmachine.core.protocol.events import (
    CopyConfirmed,
    CopyMissing,
    EffectFailed,
    Published,
    Recorded,
)
from dlmachine.core.protocol.outcome import Origin
from tests.builders import (
    DATA,
    DIGEST,
    NOW,
    OTHER_DIGEST,
    Run,
    a_cache,
    a_policy,
    a_record,
    a_snapshot,
    an_entry,
    answered,
)

MD5 = Checksum('md5', 'ab' * 16)
SHA256 = Checksum('sha256', DIGEST)
TOUCHED = an_entry(file_mtime_ns=2, record=a_record(mtime_ns=1))
OLD = an_entry(file_mtime_ns=2, record=a_record())
SAME = an_entry(file_mtime_ns=1, record=a_record(mtime_ns=1))
THEIRS = an_entry(file_mtime_ns=2, is_own=False)
READ = CheckCopy(path=TOUCHED.path, size_bytes=len(DATA), mtime_ns=2, checksum=SHA256)


@pytest.mark.parametrize(
    ('entry', 'checksum', 'read'),
    [
        (SAME, None, None),
        (SAME, SHA256, None),
        (SAME, MD5, MD5),
        (TOUCHED, None, SHA256),
        (TOUCHED, SHA256, SHA256),
        (TOUCHED, MD5, MD5),
        (OLD, None, SHA256),
        (THEIRS, None, None),
        (an_entry(record=None, file_mtime_ns=2), None, None),
    ],
)
def test_which_copies_must_be_read(
    entry: CacheEntry, checksum: Checksum | None, read: Checksum | None
) -> None:
    """A copy with the recorded size and time is not read; a requested digest comes first."""
    assert must_read(entry, checksum) == read


@pytest.mark.parametrize(
    ('entry', 'has_changed', 'is_as_recorded'),
    [(SAME, False, True), (TOUCHED, True, False), (OLD, False, False), (THEIRS, False, True), (an_entry(file_bytes=None), False, True),
     (an_entry(file_bytes=3), True, True), (an_entry(file_bytes=3, is_own=False), False, True)],
)  # fmt: skip
def test_which_copies_have_changed(
    entry: CacheEntry, has_changed: bool, is_as_recorded: bool
) -> None:
    """A copy has changed if its size or time differs; a record without a time is just old."""
    assert (entry.has_changed, entry.is_as_recorded) == (has_changed, is_as_recorded)


@pytest.mark.parametrize('entry', [TOUCHED, OLD])
def test_a_touched_copy_is_read_once(entry: CacheEntry) -> None:
    """With the recorded digest the copy is used, and its new time is recorded."""
    run = Run(snapshot=a_snapshot(cache=a_cache(entry)))
    assert run.step.effect == READ
    run.feed(CopyConfirmed(at=NOW, sha256=SHA256.hex))
    assert isinstance(run.step.effect, Record)
    (update,) = run.updates
    assert isinstance(update, SameVersion)
    repaired = a_record(mtime_ns=2)
    assert (update.version, update.record) == (1, repaired)
    outcome = run.feed(Recorded(at=NOW)).outcome
    assert (outcome.origin, outcome.path, outcome.record) == (Origin.CACHE, entry.path, repaired)


def test_an_unwritable_record_update_does_not_fail_the_hit() -> None:
    """In a read-only folder the copy is used although its new time cannot be recorded."""
    fault = CacheUnusable(path='/cache', problem='attempt to write a readonly database')
    run = Run(snapshot=a_snapshot(cache=a_cache(TOUCHED))).feed(
        CopyConfirmed(at=NOW, sha256=SHA256.hex)
    )
    assert run.feed(EffectFailed(at=NOW, fault=fault)).outcome.path == TOUCHED.path


def test_a_copy_with_another_digest_is_not_used() -> None:
    """A new copy gets the next version; the changed file is kept."""
    run = Run(
        policy=a_policy(keep_old=False),
        snapshot=a_snapshot(cache=a_cache(SAME, replace(TOUCHED, version=2))),
    )
    assert isinstance(run.step.effect, CheckCopy)
    run.feed(CopyMissing(at=NOW))
    assert run.step.effect == CheckCopy(path=SAME.path, size_bytes=len(DATA), mtime_ns=1)

    run = Run(policy=a_policy(keep_old=False), snapshot=a_snapshot(cache=a_cache(TOUCHED)))
    run.feed(CopyMissing(at=NOW)).go_well(until=Exchange)
    assert [type(effect) for effect in run.effects].count(CheckCopy) == 1
    assert run.exchanges[0].request.headers.get('If-None-Match') is None
    while run.step.effect is not None:
        run.go_well(until=(Record, type(None)))
        if run.step.effect is not None:
            run.feed(Recorded(at=NOW))
    assert not any(isinstance(effect, RemoveVersions) for effect in run.effects)
    assert run.outcome.version == 2


def test_a_touched_copy_is_read_before_any_request() -> None:
    """A 304 does not confirm changed bytes; the new time is recorded with the response."""
    run = Run(policy=a_policy(check_freshness=True), snapshot=a_snapshot(cache=a_cache(TOUCHED)))
    run.go_well(until=CheckCopy)
    assert run.step.effect == READ
    run.feed(CopyConfirmed(at=NOW, sha256=SHA256.hex)).go_well(until=Exchange)
    run.feed(answered(304)).go_well(until=Record)
    (update,) = run.updates
    assert update.record.mtime_ns == 2


def test_a_changed_copy_is_not_revalidated() -> None:
    """A changed copy is not an entry, so there is nothing to revalidate."""
    run = Run(policy=a_policy(check_freshness=True), snapshot=a_snapshot(cache=a_cache(TOUCHED)))
    run.go_well(until=CheckCopy).feed(CopyMissing(at=NOW)).go_well(until=Exchange)
    assert run.exchanges[0].request.headers.get('If-None-Match') is None


def test_a_touched_copy_is_a_stale_fallback_only_if_unchanged() -> None:
    """It is read before it is returned in place of a new copy."""
    policy = a_policy(stale_if_error=True, force_download=True, retries=0)
    run = Run(policy=policy, snapshot=a_snapshot(cache=a_cache(TOUCHED))).go_well(until=Exchange)
    run.feed(answered(503))
    assert run.step.effect == READ


def test_a_requested_digest_does_not_update_the_record() -> None:
    """The record lacks that digest, so the recorded one is not confirmed."""
    run = Run(policy=a_policy(checksum=MD5), snapshot=a_snapshot(cache=a_cache(TOUCHED)))
    assert run.step.effect == replace(READ, checksum=MD5)
    assert run.feed(CopyConfirmed(at=NOW)).outcome.record == a_record(mtime_ns=1)


def test_the_time_of_a_published_file_is_recorded() -> None:
    """Only in the cache; other destinations have no record."""
    run = Run(
        snapshot=a_snapshot(
            cache=a_cache(an_entry(record=a_record(sha256=OTHER_DIGEST), file_bytes=None))
        )
    )
    run.go_well(until=Publish).feed(Published(at=NOW, path='/cache/item-2.csv', mtime_ns=7))
    assert run.updates[-1].record.mtime_ns == 7
