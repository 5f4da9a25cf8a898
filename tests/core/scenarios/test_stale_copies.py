"""stale_if_error: an existing copy is used if the download fails."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.faults import Bug, HttpStatus, InvalidInput, LockBusyTooLong, StorageFailed
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.effects import CheckCopy, Discard, Exchange, ReleaseLock
from dlmachine.core.protocol.events import (
    CopyConfirmed,
    CopyMissing,
    Discarded,
    EffectFailed,
    LockReleased,
    LockUnavailable,
    PartOpened,
    VersionsRemoved,
)
from dlmachine.core.protocol.outcome import Origin
from dlmachine.core.spec.destination import PathKind, ToMemory, ToPath
from dlmachine.core.spec.reuse import Window
from tests.builders import (
    BEFORE,
    DATA,
    NOW,
    OTHER_DIGEST,
    Run,
    a_cache,
    a_file,
    a_head,
    a_path,
    a_policy,
    a_snapshot,
    an_entry,
    an_unrecorded,
    answered,
    interrupted,
)

PLACE = '/cache/item-1.csv'
CONFIRM = CheckCopy(path=PLACE, size_bytes=len(DATA))
FULL = StorageFailed(path='/cache', operation='create', problem='no space left on device')


def a_refresh(*entries: Any, **policy: Any) -> Run:
    """A refresh that has sent its first request."""
    options = {'stale_if_error': True, 'force_download': True, 'retries': 0, **policy}
    run = Run(None, a_policy(**options), a_snapshot(cache=a_cache(*(entries or (an_entry(),)))))
    return run.go_well(until=Exchange)


def test_the_stored_copy_is_used() -> None:
    """It is checked again, used, and reported as stale with the reason."""
    run = a_refresh().feed(answered(503))
    assert run.step.effect == CONFIRM
    run.feed(CopyConfirmed(at=NOW), Discarded(at=NOW), LockReleased(at=NOW))
    outcome = run.outcome
    assert outcome.origin is Origin.STALE
    assert (outcome.path, outcome.version, outcome.tries) == (PLACE, 1, 1)
    assert outcome.fault == HttpStatus(
        url='https://example.org/t.csv', status=503, reason='', tries=1
    )
    assert outcome.reason.startswith('the download failed: https://example.org/t.csv')


def test_failure_is_reported_without_stale_if_error() -> None:
    """By default the download fails."""
    run = a_refresh(stale_if_error=False).feed(answered(503))
    assert run.step.effect == Discard(keep=False)
    assert run.feed(Discarded(at=NOW), LockReleased(at=NOW)).fault.code == 'http_status'


def test_a_copy_that_is_gone_is_not_used() -> None:
    """The run fails with the original fault."""
    run = a_refresh().feed(answered(503), CopyMissing(at=NOW), Discarded(at=NOW))
    assert run.step.effect == ReleaseLock(key=run.snapshot.key)
    assert run.feed(LockReleased(at=NOW)).fault.code == 'http_status'


def test_the_part_is_still_kept() -> None:
    """A later refresh can resume it."""
    strong = a_head(200, {'ETag': '"v1"'})
    run = a_refresh().feed(interrupted(head=strong, part_bytes=4), CopyConfirmed(at=NOW))
    assert run.step.effect == Discard(keep=True)


def test_a_copy_that_is_too_old_is_used() -> None:
    """newer_than is ignored for the copy; older_than and the checksum are not."""
    newer = Window(newer_than=BEFORE + timedelta(days=1))
    assert a_refresh(window=newer).feed(answered(503)).step.effect == CONFIRM
    wrong = Checksum('sha256', OTHER_DIGEST)
    assert a_refresh(checksum=wrong).feed(answered(503)).step.effect == Discard(keep=False)


def test_the_newest_copy_is_used() -> None:
    """The newest of several usable copies is used."""
    old, new = an_entry(), an_entry(version=2, stored_at=BEFORE + timedelta(days=1))
    run = a_refresh(old, new).feed(answered(503))
    assert isinstance(run.step.effect, CheckCopy)
    assert run.step.effect.path == new.path


def test_it_is_used_for_failures_of_this_computer_too() -> None:
    """After a busy lock or a full disk the copy is used too."""
    policy = a_policy(stale_if_error=True, force_download=True)
    snapshot = a_snapshot(cache=a_cache(an_entry()))
    busy = LockBusyTooLong(key='k', waited=timedelta(seconds=1))
    run = Run(None, policy, snapshot).feed(LockUnavailable(at=NOW, fault=busy))
    assert run.step.effect == CONFIRM
    assert run.feed(CopyConfirmed(at=NOW)).outcome.fault == busy
    full = a_refresh()
    full.feed(EffectFailed(at=NOW, fault=FULL))
    assert full.step.effect == CONFIRM


def test_a_file_at_the_path_is_used_as_a_stale_copy() -> None:
    """The existing file at the destination is used."""
    policy = a_policy(stale_if_error=True, dest=ToPath('/data/t.csv'), retries=0)
    file = a_file(path='/data/t.csv', other=an_unrecorded('/data/t.csv'))
    run = Run(None, policy, a_snapshot(destination=a_path(PathKind.FILE), file=file))
    run.feed(PartOpened(at=NOW, size_bytes=0), answered(404))
    assert run.step.effect == CheckCopy(path='/data/t.csv', size_bytes=None, min_bytes=1)
    run.feed(CopyConfirmed(at=NOW), Discarded(at=NOW))
    assert (run.outcome.origin, run.outcome.path) == (Origin.STALE, '/data/t.csv')
    assert run.outcome.record is None


@pytest.mark.parametrize('limits', [{'min_bytes': 999}, {'max_bytes': 1}])
def test_a_file_of_a_wrong_size_is_not_used_as_a_stale_copy(limits: dict[str, int]) -> None:
    """A file that nobody recorded must have the size that is asked for, as a copy must."""
    policy = a_policy(stale_if_error=True, dest=ToPath('/data/t.csv'), retries=0, **limits)
    file = a_file(path='/data/t.csv', other=an_unrecorded('/data/t.csv'))
    run = Run(None, policy, a_snapshot(destination=a_path(PathKind.FILE), file=file))
    run.feed(PartOpened(at=NOW, size_bytes=0), answered(404), Discarded(at=NOW))
    assert run.fault.code == 'http_status'


@pytest.mark.parametrize(
    ('destination', 'seen'),
    [(ToMemory(), None), (ToPath('/data/t.csv'), a_path()), (ToPath('/data'), a_path(PathKind.FOLDER))],
)  # fmt: skip
def test_without_a_file_there_is_no_stale_copy(destination: Any, seen: Any) -> None:
    """There is no copy for memory, for a new file, or for a folder without a file name."""
    policy = a_policy(stale_if_error=True, dest=destination, retries=0)
    run = Run(None, policy, a_snapshot(destination=seen))
    run.feed(PartOpened(at=NOW, size_bytes=0), answered(404), Discarded(at=NOW))
    assert run.fault.code == 'http_status'


def test_fault_of_the_caller_is_reported() -> None:
    """A fault that the caller must fix is always reported."""
    policy = a_policy(stale_if_error=True, offline=True)
    assert Run(None, policy, a_snapshot(cache=a_cache())).fault.code == 'offline_miss'
    wrong = a_refresh().feed(
        EffectFailed(at=NOW, fault=InvalidInput(where='url', problem='too long'))
    )
    assert wrong.step.effect == Discard(keep=False)


def test_stale_copy_is_not_used_after_a_bug() -> None:
    """A `Bug` is always reported."""
    run = a_refresh().feed(answered(503), VersionsRemoved(at=NOW), Discarded(at=NOW))
    assert run.feed(LockReleased(at=NOW)).fault == Bug(state='FallingBack', event='VersionsRemoved')
