"""Decisions by the age of a copy: freshness as a duration, and windows with ages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.verdict import Reason, Verdict
from dlmachine.core.machine.machine import begin
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.states import CheckingCopy
from dlmachine.core.spec.policy_checks import find_policy_fault
from dlmachine.core.spec.reuse import Freshness, Window
from tests.builders import (
    NOW,
    a_cache,
    a_descriptor,
    a_policy,
    a_record,
    a_snapshot,
    an_entry,
)

WEEK = timedelta(days=7)


def stored(age: timedelta, confirmed: timedelta | None = None) -> Any:
    """A snapshot with a copy of this age, which the server confirmed so long ago."""
    at = None if confirmed is None else NOW - confirmed
    entry = an_entry(stored_at=NOW - age, record=a_record(validated_at=at))
    return a_snapshot(cache=a_cache(entry))


@pytest.mark.parametrize(
    ('age', 'confirmed', 'arithmetic'),
    [
        (timedelta(days=2, hours=21), None, 'fresh for 4 d 3 h more (freshness 7 d, age 2 d 21 h)'),
        (timedelta(days=30), timedelta(days=1), 'fresh for 6 d more (freshness 7 d, age 1 d)'),
        (timedelta(days=7), None, 'stale for 0 s (freshness 7 d, age 7 d)'),
        (timedelta(days=30), timedelta(days=8), 'stale for 1 d (freshness 7 d, age 8 d)'),
        (timedelta(days=-30), timedelta(days=1), 'fresh for 6 d more (freshness 7 d, age 1 d)'),
        (timedelta(seconds=-30), None, 'fresh for 7 d more (freshness 7 d, age 0 s)'),
        (timedelta(days=-365), None, 'stale (freshness 7 d, age unknown: it was stored later than now)'),
    ],
)  # fmt: skip
def test_the_age_counts_from_the_last_confirmation(
    age: timedelta, confirmed: timedelta | None, arithmetic: str
) -> None:
    """A copy from after now has no known age: the clock was set back."""
    decision = decide(a_descriptor(), a_policy(freshness=WEEK), stored(age, confirmed)).unwrap()

    assert decision.arithmetic == arithmetic
    is_fresh = arithmetic.startswith('fresh')
    assert decision.verdict is (Verdict.USE_CACHED if is_fresh else Verdict.REVALIDATE)
    assert decision.reason is (Reason.FRESH if is_fresh else Reason.STALE)


def test_a_plan_and_an_outcome_tell_the_arithmetic() -> None:
    """In words."""
    snapshot, policy = stored(timedelta(days=3)), a_policy(freshness=WEEK)
    sentence = 'fresh for 4 d more (freshness 7 d, age 3 d)'

    assert f'  freshness    {sentence}\n' in str(plan(a_descriptor(), policy, snapshot).unwrap())
    state = begin(a_descriptor(), policy, snapshot).state
    assert isinstance(state, CheckingCopy)
    assert state.job.decision.arithmetic == sentence


def test_a_stale_copy_that_no_new_one_can_replace_is_used() -> None:
    """As without a duration."""
    window = Window(older_than=NOW - timedelta(days=8))
    policy = a_policy(freshness=WEEK, window=window)

    decision = decide(a_descriptor(), policy, stored(timedelta(days=9))).unwrap()

    assert decision.verdict is Verdict.USE_CACHED
    assert decision.arithmetic.startswith('stale')


@pytest.mark.parametrize(
    ('window', 'verdict'),
    [
        (Window(newer_than=timedelta(days=4)), Verdict.USE_CACHED),
        (Window(newer_than=timedelta(days=2)), Verdict.FETCH),
        (Window(newer_than=timedelta.max), Verdict.USE_CACHED),
        (Window(older_than=timedelta(days=2)), Verdict.USE_CACHED),
    ],
)
def test_an_end_of_the_window_may_be_an_age(window: Window, verdict: Verdict) -> None:
    """Seen from when the download begins; the plan has the time."""
    made = plan(a_descriptor(), a_policy(window=window), stored(timedelta(days=3))).unwrap()

    assert made.verdict is verdict
    assert made.policy.window == window.at(NOW)
    again = plan(a_descriptor(), made.policy, made.snapshot).unwrap()
    assert again == made


def test_an_age_that_no_new_version_has_is_refused() -> None:
    """As an earlier date is."""
    window = Window(older_than=timedelta(days=4))
    fault = plan(a_descriptor(), a_policy(window=window), stored(timedelta(days=3))).failure()

    assert fault.code == 'window_unsatisfiable'
    assert f'older than {(NOW - timedelta(days=4)).isoformat()}' in str(fault)


def test_a_window_shows_ages_and_times() -> None:
    """In words."""
    window = Window(newer_than=timedelta(days=7), older_than=datetime(2024, 5, 1, tzinfo=UTC))
    assert str(window) == 'newer than 7 d and older than 2024-05-01T00:00:00+00:00'


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        ({'freshness': timedelta(-1)}, 'must be 0 or more, not -86,400 s'),
        ({'freshness': WEEK, 'check_freshness': True}, 'cannot be combined with check_freshness=True, which means freshness=always'),
        ({'freshness': Freshness.STORED, 'check_freshness': True}, 'cannot be combined with check_freshness=True, which means freshness=always'),
        ({'window': Window(newer_than=timedelta(-1))}, 'must have datetimes with a time zone or ages, not datetime.timedelta(days=-1)'),
    ],
)  # fmt: skip
def test_a_senseless_duration_is_refused(options: dict[str, Any], problem: str) -> None:
    """Before anything is decided."""
    assert getattr(find_policy_fault(a_policy(**options)), 'problem', '') == problem
