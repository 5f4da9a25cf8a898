"""Retries: different waits, resets of the retry budget, and the maximum length of a run."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.faults import StorageFailed, TimedOut
from dlmachine.core.integrity.checksum import ChecksumList
from dlmachine.core.machine import attempts, machine
from dlmachine.core.machine.machine import max_effects
from dlmachine.core.protocol.attempts import MAX_CONFLICTS, MAX_MISSING
from dlmachine.core.protocol.effects import Discard, Wait
from dlmachine.core.protocol.events import (
    ChecksumsRead,
    CopyMissing,
    Discarded,
    EffectFailed,
    LockAcquired,
    NameTaken,
    Observed,
    PartOpened,
    Published,
    Validated,
    Waited,
)
from dlmachine.core.protocol.states import Exchanging, Waiting
from dlmachine.core.sources.address import Repositories
from tests.builders import (
    DIGEST,
    MIRROR,
    NOW,
    Run,
    a_cache,
    a_descriptor,
    a_head,
    a_part,
    a_policy,
    a_received,
    a_snapshot,
    an_entry,
    answered,
    interrupted,
)

STRONG = a_head(200, {'ETag': '"v1"'})
OPENED = PartOpened(at=NOW, size_bytes=0)
WAITED = Waited(at=NOW)
MINUTE = timedelta(minutes=1)
FULL = StorageFailed(path='/x', operation='write', problem='no space left on device')


def waits(run: Run) -> list[timedelta]:
    """The durations of all waits."""
    return [effect.duration for effect in run.effects if isinstance(effect, Wait)]


def a_run(chance: float = 0.5, **policy: Any) -> Run:
    """A run that requests its only URL, with waits of up to a minute."""
    options = {'retry_wait': MINUTE, 'retry_max_wait': MINUTE, **policy}
    return Run(None, a_policy(**options), a_snapshot(chance=chance)).feed(OPENED)


# --- waits ------------------------------------------------------------------------


def test_no_two_waits_of_a_run_are_drawn_alike() -> None:
    """The waits of all rounds differ, also after resets of the retry budget."""
    run = a_run(retries=3)
    run.feed(interrupted(), WAITED, interrupted(), WAITED)
    for held in (1, 2, 3):
        run.feed(interrupted(head=STRONG, part_bytes=held), WAITED)
    found = waits(run)
    assert len(found) == len(set(found)) == 5
    assert all(timedelta(0) < wait < MINUTE for wait in found)


def test_two_runs_wait_differently() -> None:
    """Downloads that failed together are not retried together."""
    ours, theirs = (a_run(chance).feed(interrupted(), WAITED) for chance in (0.25, 0.75))
    for run in (ours, theirs):
        run.feed(interrupted(head=STRONG, part_bytes=1))
    assert len({*waits(ours), *waits(theirs)}) == 4


def test_the_span_of_a_round_is_that_of_its_number() -> None:
    """After a reset, the waits begin with the span of the first round again."""
    second = timedelta(seconds=1)
    run = a_run(retries=9, retry_wait=second, retry_max_wait=timedelta(hours=1))
    for _ in range(6):
        run.feed(interrupted(), WAITED)
    run.feed(interrupted(head=STRONG, part_bytes=1), WAITED, interrupted(part_bytes=1))
    found = waits(run)
    assert all(wait <= second * 2**number for number, wait in enumerate(found[:6]))
    assert max(found[:6]) > second * 2
    assert all(wait <= second for wait in found[6:])


def test_no_retry_begins_after_its_time() -> None:
    """The failure itself ends the run, at once; before that time nothing changes."""
    run = a_run(retries=9, retry_delay=MINUTE, retry_max_time=2 * MINUTE).feed(interrupted())
    assert waits(run) == [MINUTE]
    run.feed(WAITED, interrupted(at=NOW + MINUTE))
    assert waits(run) == [MINUTE]
    assert run.step.effect == Discard(keep=False)


def test_progress_is_not_retried_after_that_time() -> None:
    """The part is kept for a later run."""
    run = a_run(retries=9, retry_delay=MINUTE, retry_max_time=MINUTE)
    run.feed(interrupted(head=STRONG, part_bytes=4))
    assert waits(run) == []
    assert run.step.effect == Discard(keep=True)


def test_the_shorter_limit_counts() -> None:
    """Of the time for retries and the time for the download."""
    for limits in ((MINUTE, 9 * MINUTE), (9 * MINUTE, MINUTE)):
        names: dict[str, Any] = dict(zip(('timeout', 'retry_max_time'), limits, strict=True))
        assert waits(a_run(retry_delay=MINUTE, **names).feed(interrupted())) == []
        assert waits(a_run(retry_delay=MINUTE / 2, **names).feed(interrupted())) == [MINUTE / 2]


def test_a_lasting_error_is_retried_on_request() -> None:
    """As often as any other."""
    run = a_run(retries=1, retry_all_errors=True).feed(answered(404), WAITED, answered(404))
    assert len(run.exchanges) == 2
    assert len(a_run(retries=1).feed(answered(404)).exchanges) == 1


def test_a_slow_server_is_left_for_the_next() -> None:
    """Its bytes are kept, but they neither reset the budget nor are they a reason to stay."""
    target = a_descriptor(mirrors=[MIRROR])
    run = Run(target, a_policy(retries=1), a_snapshot(target)).feed(OPENED)
    slow = TimedOut(url='', phase='slow', limit=MINUTE, bytes_per_second=9)
    run.feed(interrupted(slow, head=STRONG, part_bytes=4), interrupted(), WAITED)
    run.feed(interrupted(slow, head=STRONG, part_bytes=8), interrupted())
    assert [one.request.url for one in run.exchanges] == [target.url, MIRROR] * 2
    assert run.step.effect == Discard(keep=True)


# --- budgets ----------------------------------------------------------------------


def test_progress_resets_the_complete_budget() -> None:
    """After progress, as many failures are retried as at the beginning."""
    run = a_run(retries=1).feed(interrupted(), WAITED)
    run.feed(interrupted(head=STRONG, part_bytes=4), WAITED, interrupted(part_bytes=4))
    assert isinstance(run.state, Waiting)
    run.feed(WAITED, interrupted(part_bytes=4))
    assert run.step.effect == Discard(keep=True)


def test_bytes_that_were_there_before_give_nothing_back() -> None:
    """A server that sends the same four bytes again makes no progress."""
    run = a_run(retries=1).feed(interrupted(head=STRONG, part_bytes=4), WAITED)
    weak = a_head(200, {'ETag': 'W/"v1"'})
    run.feed(interrupted(head=weak), WAITED, interrupted(head=STRONG, part_bytes=4))
    assert run.step.effect == Discard(keep=True)


def test_budget_is_not_reset_without_retries() -> None:
    """With retries=0 there is one attempt, also after progress."""
    run = a_run(retries=0).feed(interrupted(head=STRONG, part_bytes=4))
    assert run.step.effect == Discard(keep=True)


def test_excluded_url_is_not_requested_for_the_rest() -> None:
    """A URL that failed permanently is not requested again, even if it had sent bytes."""
    target = a_descriptor(mirrors=[MIRROR])
    run = Run(target, a_policy(), a_snapshot(target)).feed(OPENED)
    run.feed(interrupted(head=STRONG, part_bytes=4), WAITED, answered(404), interrupted(), WAITED)
    assert [one.request.url for one in run.exchanges][2:] == [MIRROR, MIRROR]
    assert run.exchanges[-1].expect.offset == 0


def test_a_full_disk_leaves_no_part() -> None:
    """After a full disk the part is removed, because it takes the space that is needed."""
    run = Run(snapshot=a_snapshot(part=a_part())).feed(PartOpened(at=NOW, size_bytes=5))
    run.feed(EffectFailed(at=NOW, fault=FULL))
    assert run.step.effect == Discard(keep=False)


# --- the longest run --------------------------------------------------------------


@pytest.mark.parametrize(('retries', 'redirects'), [(1, 0), (2, 1), (3, 4)])
def test_no_run_is_longer_than_its_bound_and_one_comes_near(
    monkeypatch: pytest.MonkeyPatch, retries: int, redirects: int
) -> None:
    """Each attempt: all redirects, 416, all redirects again, a broken body; the last one gains bytes.

    The bound leaves room in each round for segments, `Reassemble` and `Validate`, for the effects
    before and after, and for an adopted part: its first broken body is progress, which costs one
    budget.
    """
    for module in (machine, attempts):
        monkeypatch.setattr(module, 'MAX_BUDGET_RESETS', 20)
    policy = a_policy(retries=retries, max_redirects=redirects)
    run = Run(None, policy, a_snapshot(part=a_part())).feed(PartOpened(at=NOW, size_bytes=2))
    hop, held = 0, 1
    while run.step.effect is not None:
        match run.state:
            case Exchanging(attempts=so_far) if len(so_far.redirects) <= redirects:
                hop += 1
                run.feed(answered(302, {'Location': f'/{hop}'}))
            case Exchanging(attempts=so_far) if so_far.part.front_bytes:
                run.feed(answered(416))
            case Exchanging(attempts=so_far):
                held += so_far.round == retries
                run.feed(interrupted(head=STRONG, part_bytes=held))
            case Waiting():
                run.feed(WAITED)
            case _:
                run.feed(Discarded(at=NOW))
    looks, around = 3 * (len(waits(run)) + 1), 62
    budget = (retries + 1) * (2 * (1 + redirects) + 4)
    left = max_effects(run.descriptor, policy) - len(run.effects) - looks
    assert 0 <= left <= around + budget


def test_the_bound_grows_with_the_addresses() -> None:
    """Each URL may be requested in each round, so the bound grows by the same number for each."""
    mirrors = [MIRROR, f'{MIRROR}?2', f'{MIRROR}?3']
    targets = [a_descriptor(mirrors=mirrors[:count]) for count in range(4)]
    bounds = [max_effects(target, a_policy()) for target in targets]
    assert bounds[3] - bounds[2] == bounds[2] - bounds[1] == bounds[1] - bounds[0] > 0


@pytest.mark.parametrize('url', ['doi:10.5281/zenodo.42/a.csv', 'https://own.org/records/42'])
def test_the_bound_counts_the_questions_to_a_repository(url: str) -> None:
    """Whether the repository is a known one or the caller's."""
    policy = a_policy(repositories=Repositories(zenodo='https://own.org'))
    assert max_effects(a_descriptor(url), policy) > max_effects(a_descriptor(), policy)


def test_the_longest_way_around_the_requests_stays_within_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run reads checksums, finds copies missing and names taken; then the registry fails."""
    for module in (machine, attempts):
        monkeypatch.setattr(module, 'MAX_BUDGET_RESETS', 0)
    entries = tuple(an_entry(version) for version in range(1, 30))
    seen = a_snapshot(cache=a_cache(*entries))
    options = {
        'checksum_file': ChecksumList('SHA256SUMS'),
        'validate': bool,
        'stale_if_error': True,
    }
    policy = a_policy(retries=0, max_redirects=0, **options)
    run = Run(None, policy, seen).feed(ChecksumsRead(at=NOW, text=DIGEST))
    missing, taken, full = CopyMissing(at=NOW), NameTaken(at=NOW), EffectFailed(at=NOW, fault=FULL)
    place = Published(at=NOW, path='/cache/item-30.csv')
    run.feed(*[missing] * MAX_MISSING, LockAcquired(at=NOW), Observed(at=NOW, snapshot=seen))
    new = replace(answered(), received=a_received(sha256=DIGEST))
    run.feed(missing, OPENED, new, Validated(at=NOW))
    for _ in range(MAX_CONFLICTS):
        run.feed(place, taken)
    run.feed(place, full, full, full)
    assert run.fault.code == 'storage_failed'
    assert 48 < len(run.effects) <= max_effects(run.descriptor, policy)
