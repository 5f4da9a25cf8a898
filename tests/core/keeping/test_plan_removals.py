"""Which versions a cache no longer keeps: each limit, and each reason to stay."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.faults import InvalidInput
from dlmachine.core.keeping.limits import GRACE, Keeping, find_keeping_fault
from dlmachine.core.keeping.plan_removals import plan_removals
from dlmachine.core.keeping.stored import KeptReason, Protected, RemovalReason, StoredVersion
from dlmachine.core.spec.option_parsers import read_age, read_age_or_none
from dlmachine.core.spec.options import parse_keeping

NOW = 1_700_000_000.0
DAY = 86_400.0


def stored(
    row: int, *, age: float = 30 * DAY, item: int | None = None, **more: Any
) -> StoredVersion:
    """A version of 10 bytes, stored a month ago."""
    item_id = f'{row if item is None else item:032x}'
    version = StoredVersion(row, item_id, row, f'{item_id}-{row}', 10, NOW - age)
    return version._replace(**more)


def names(rows: tuple[tuple[StoredVersion, Any], ...]) -> list[tuple[int, Any]]:
    """Row ids with reasons."""
    return [(version.row_id, why) for version, why in rows]


def test_the_least_recently_used_go_first() -> None:
    """A use counts as well as the download, and removal ends at the limit."""
    used = stored(1, age=90 * DAY, used_at=NOW - DAY)
    versions = [used, stored(2, age=20 * DAY), stored(3, age=40 * DAY)]

    plan = plan_removals(versions, Keeping(max_size=15), NOW, Protected())

    assert names(plan.removed) == [(3, RemovalReason.SIZE), (2, RemovalReason.SIZE)]
    assert names(plan.kept) == [(1, KeptReason.WITHIN)]
    assert (plan.removed_bytes, plan.kept_bytes, plan.is_over) == (20, 10, False)


def test_empty_files_free_nothing() -> None:
    """So they stay, however old they are."""
    versions = [stored(1, size_bytes=0), stored(2, age=DAY), stored(3, age=DAY)]

    plan = plan_removals(versions, Keeping(max_size=10), NOW, Protected())

    assert names(plan.removed) == [(2, RemovalReason.SIZE)]


def test_extracted_files_go_with_their_archive() -> None:
    """Whatever the limits, unless something protects them; they are no version of their own."""
    lone = stored(-1, item=7, has_file=False)
    versions = [lone, stored(1, item=7), stored(2, item=7)]
    protected = Protected(in_use=frozenset({lone.version_id}))

    plan = plan_removals(versions, Keeping(keep_versions=2), NOW, Protected())
    kept = plan_removals(versions, Keeping(keep_versions=2), NOW, protected)

    assert names(plan.removed) == [(-1, RemovalReason.ARCHIVE)]
    assert plan.removed_bytes == 10
    assert (-1, KeptReason.IN_USE) in names(kept.kept)


def test_unused_files_go() -> None:
    """From the age on, whatever the size of the cache."""
    versions = [stored(1, age=90 * DAY), stored(2, age=90 * DAY - 1)]

    plan = plan_removals(versions, Keeping(unused_for=timedelta(days=90)), NOW, Protected())

    assert names(plan.removed) == [(1, RemovalReason.UNUSED)]
    assert not plan.is_over


def test_the_newest_versions_of_an_entry_stay() -> None:
    """Also if an older one was used later; a protected version counts among them."""
    versions = [stored(row, item=7) for row in (1, 2, 3)] + [stored(4)]
    versions[0] = versions[0]._replace(used_at=NOW - DAY)

    plan = plan_removals(versions, Keeping(keep_versions=2), NOW, Protected())

    assert names(plan.removed) == [(1, RemovalReason.VERSIONS)]


ITEM, VERSION = f'{1:032x}', f'{1:032x}-1'


@pytest.mark.parametrize(
    ('more', 'protected', 'reason'),
    [
        ({}, Protected(pinned={ITEM}), KeptReason.PINNED),
        ({'sha256': 'ab'}, Protected(digests={'ab'}), KeptReason.LOCKFILE),
        ({'is_linked': True}, Protected(), KeptReason.LINKED),
        ({}, Protected(locked={ITEM}), KeptReason.LOCKED),
        ({}, Protected(in_use={VERSION}), KeptReason.IN_USE),
        ({}, Protected(recent={VERSION}), KeptReason.RECENT),
        ({'is_own': False}, Protected(), KeptReason.FOREIGN),
        ({'used_at': NOW - 7199}, Protected(), KeptReason.RECENT),
        ({'used_at': NOW + 7200}, Protected(), KeptReason.RECENT),
        ({'used_at': NOW + 365 * DAY, 'used_before': NOW - 9}, Protected(), KeptReason.RECENT),
    ],
)
def test_what_is_protected_stays(
    more: dict[str, Any], protected: Protected, reason: KeptReason
) -> None:
    """Under every limit; the plan says that the cache is still too large."""
    keeping = Keeping(max_size=0, unused_for=timedelta(0), keep_versions=1)

    plan = plan_removals([stored(1, **more)], keeping, NOW, protected)

    assert names(plan.kept) == [(1, reason)]
    assert plan.is_over
    assert not plan.removed


def test_two_hours_after_its_last_use_a_version_may_go() -> None:
    """They are the default."""
    used = stored(1, used_at=NOW - 7200)
    assert plan_removals([used], Keeping(max_size=0), NOW, Protected()).removed


AHEAD = NOW + 365 * DAY


def test_a_time_in_the_future_does_not_count_as_a_use() -> None:
    """As after a clock was ahead: the last other time counts, and without one it goes first."""
    versions = [
        stored(1, age=9 * DAY),
        stored(2, age=20 * DAY, used_at=AHEAD, used_before=NOW - 8 * DAY),
        stored(3, age=10 * DAY, used_at=AHEAD),
        stored(4, age=-365 * DAY),
        stored(5, age=-364 * DAY),
    ]

    plan = plan_removals(versions, Keeping(max_size=0), NOW, Protected())

    assert names(plan.removed) == [(row, RemovalReason.SIZE) for row in (5, 4, 3, 1, 2)]


def test_a_clock_set_back_makes_nothing_unused() -> None:
    """It cannot be told for how long; only what is certain goes."""
    versions = [
        stored(1, age=900 * DAY),
        stored(2, age=900 * DAY, used_at=AHEAD, used_before=NOW - 800 * DAY),
        stored(3, age=-365 * DAY),
        stored(4, age=-60),
    ]

    plan = plan_removals(versions, Keeping(unused_for=timedelta(0)), NOW, Protected())

    assert names(plan.removed) == [(1, RemovalReason.UNUSED)]
    recent, within = KeptReason.RECENT, KeptReason.WITHIN
    assert dict(names(plan.kept)) == {2: within, 3: within, 4: recent}


@pytest.mark.parametrize(
    ('limit', 'why'),
    [({'max_size': 0}, RemovalReason.SIZE), ({'unused_for': timedelta(0)}, RemovalReason.UNUSED)],
)
def test_a_clock_that_is_a_little_behind_changes_nothing(
    limit: dict[str, Any], why: RemovalReason
) -> None:
    """A use an hour from now counts as one of now."""
    versions = [stored(1, age=-3600), stored(2, age=-7200)]
    keeping = Keeping(**limit, grace_period=timedelta(0))

    plan = plan_removals(versions, keeping, NOW, Protected())

    assert names(plan.removed) == [(1, why), (2, why)]


def test_without_a_time_that_has_passed_nothing_is_older() -> None:
    """However far the clock was ahead."""
    assert stored(1, age=-365 * DAY, used_before=AHEAD).known_use(NOW) == -math.inf


def test_clocks_may_differ_by_two_hours() -> None:
    """A use that is later than that did not happen."""
    stored_at = NOW - 30 * DAY
    assert stored(1, used_at=NOW + 7200).known_use(NOW) == NOW + 7200
    assert stored(1, used_at=NOW + 7200.5).known_use(NOW) == stored_at


def test_ages_below_a_second_count() -> None:
    """As do limits."""
    version = stored(1, used_at=NOW - 0.2)
    unused = Keeping(unused_for=timedelta(seconds=0.5), grace_period=timedelta(0))
    assert not plan_removals([version], unused, NOW, Protected()).removed
    recent = Keeping(max_size=0, grace_period=timedelta(seconds=0.5))
    assert not plan_removals([version], recent, NOW, Protected()).removed


def test_nothing_goes_without_limits() -> None:
    """A cache keeps everything by default."""
    assert not Keeping().has_limits
    assert not plan_removals([stored(1)], Keeping(), NOW, Protected()).removed
    for limit in ({'max_size': 0}, {'unused_for': timedelta(1)}, {'keep_versions': 1}):
        assert replace(Keeping(), **limit).has_limits


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'max_size': -1}, 'max_size must be 0 or more, not -1'),
        ({'max_size': 'big'}, "max_size must be a size such as 500 or '2M', not 'big'"),
        ({'max_size': 10**5000}, 'max_size must be a number of at most 1,000 digits'),
        ({'keep_versions': 0}, 'keep_versions must be 1 or more, not 0'),
        ({'unused_for': 90}, 'unused_for must be an age such as 90d or 12h, not 90'),
        ({'unused_for': True}, 'unused_for must be an age such as 90d or 12h, not True'),
        ({'unused_for': False}, 'unused_for must be an age such as 90d or 12h, not False'),
        ({'unused_for': timedelta(-1)}, 'unused_for must be an age such as 90d or 12h'),
        ({'grace_period': None}, 'grace_period must be an age such as 90d or 12h, not None'),
        ({'max_sizes': 1}, "unknown option 'max_sizes'. Did you mean 'max_size'?"),
    ],
)
def test_bad_limits(given: dict[str, object], message: str) -> None:
    """Each names the option, and says what was expected."""
    assert str(parse_keeping(given).failure()).startswith(message)


def test_limits_replace_those_of_a_base() -> None:
    """And the others stay; None removes a limit."""
    base = Keeping(max_size=5, keep_versions=3)

    changed = parse_keeping({'max_size': None, 'unused_for': '90d'}, base).unwrap()

    assert changed == Keeping(unused_for=timedelta(days=90), keep_versions=3)


def test_ages() -> None:
    """A timedelta, or text; only 0 needs no unit."""
    assert read_age('a', timedelta(1)).unwrap() == timedelta(1)
    assert read_age('a', ' 0 ').unwrap() == timedelta(0)
    assert read_age_or_none('a', 'None').unwrap() is None
    assert isinstance(read_age('a', '1 month').failure(), InvalidInput)


def test_limits_have_a_least_value() -> None:
    """Nothing at all may be kept, but of each file at least one version."""
    assert find_keeping_fault(Keeping(max_size=0, keep_versions=1)) is None
    assert find_keeping_fault(Keeping(max_size=-1)) == InvalidInput(
        where='max_size', problem='must be 0 or more, not -1'
    )
    assert isinstance(find_keeping_fault(Keeping(keep_versions=0)), InvalidInput)


def test_the_grace_period_ends() -> None:
    """At its end a version may be removed."""
    grace = GRACE.total_seconds()
    versions = [stored(1, age=grace), stored(2, age=grace - 1)]
    plan = plan_removals(versions, Keeping(max_size=0), NOW, Protected())
    assert names(plan.removed) == [(1, RemovalReason.SIZE)]
    assert names(plan.kept) == [(2, KeptReason.RECENT)]
