"""Pruning: laws for every cache, every limit and every clock."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from dlmachine.core.keeping.limits import Keeping
from dlmachine.core.keeping.plan_removals import plan_removals
from dlmachine.core.keeping.stored import (
    MAX_AHEAD,
    KeptReason,
    Protected,
    RemovalReason,
    StoredVersion,
    is_ahead,
)

_DAY = 86_400.0
NOW = 1_700_000_000.0
#: From the year 1 to the year 9999, and clocks that were set back or forward by a year.
instants = (
    st.floats(-6.2e10, 2.5e11)
    | st.sampled_from([0.0, NOW - 365 * _DAY, NOW, NOW + 365 * _DAY])
    | st.floats(NOW - 9 * _DAY, NOW)
)
items = st.sampled_from([f'{number:032x}' for number in range(6)])
ages = st.timedeltas(min_value=timedelta(0)) | st.sampled_from([timedelta(0), timedelta(days=3)])
keepings = st.builds(
    Keeping,
    max_size=st.none() | st.integers(0, 300) | st.just(10**30),
    unused_for=st.none() | ages,
    keep_versions=st.none() | st.integers(1, 4),
    grace_period=ages,
)


@st.composite
def caches(draw: st.DrawFn) -> list[StoredVersion]:
    """Versions with row ids of their own, in any order."""
    rows = draw(st.permutations(range(1, draw(st.integers(0, 12)) + 1)))
    return [
        StoredVersion(
            row_id=row,
            item_id=draw(items),
            version=row,
            name=f'{row}',
            size_bytes=draw(st.integers(0, 100)),
            stored_at=draw(instants),
            used_at=draw(st.just(0.0) | instants),
            used_before=draw(st.just(0.0) | instants),
            is_own=draw(st.booleans() | st.just(True)),
            is_linked=draw(st.sampled_from([False, False, False, True])),
            sha256=draw(st.sampled_from(['', 'ab', 'cd'])),
        )
        for row in rows
    ]


@st.composite
def protections(draw: st.DrawFn) -> Protected:
    """What is in use."""
    few = st.frozensets(items, max_size=2)
    ids = st.builds('{}-{}'.format, items, st.integers(1, 12))
    return Protected(
        pinned=draw(few),
        locked=draw(few),
        in_use=draw(st.frozensets(ids, max_size=4)),
        digests=draw(st.sampled_from([frozenset(), frozenset({'cd'})])),
    )


@given(caches(), keepings, instants, protections())
def test_each_version_goes_or_stays_and_a_protected_one_stays(
    versions: list[StoredVersion], keeping: Keeping, now: float, protected: Protected
) -> None:
    """Whatever the times and the limits."""
    plan = plan_removals(versions, keeping, now, protected)

    gone, kept = [one for one, _ in plan.removed], [one for one, _ in plan.kept]
    assert sorted(gone + kept) == sorted(versions)
    assert all(protected.reason(one) is None for one in gone)
    grace = keeping.grace_period.total_seconds()
    assert all(now - one.known_use(now) >= grace or not grace for one in gone)
    # What stays without a reason of its own is within the limits.
    free = [one for one, why in plan.kept if why is KeptReason.WITHIN and one.size_bytes]
    assert not (plan.is_over and free)


@given(caches(), keepings, instants, protections())
def test_the_least_recently_used_go_first_and_no_more_than_needed(
    versions: list[StoredVersion], keeping: Keeping, now: float, protected: Protected
) -> None:
    """Without the last removal for its size, the cache would be too large."""
    plan = plan_removals(versions, keeping, now, protected)

    uses = [one.known_use(now) for one, _ in plan.removed]
    assert uses == sorted(uses)
    by_size = [one for one, why in plan.removed if why is RemovalReason.SIZE]
    if by_size:
        assert keeping.max_size is not None
        assert plan.kept_bytes + by_size[-1].size_bytes > keeping.max_size
        stayed = [one for one, why in plan.kept if why is KeptReason.WITHIN and one.size_bytes]
        last = by_size[-1].known_use(now)
        assert all(one.known_use(now) >= last for one in stayed)


@given(caches(), keepings, instants, protections())
def test_a_second_prune_finds_nothing_to_do(
    versions: list[StoredVersion], keeping: Keeping, now: float, protected: Protected
) -> None:
    """Nor does the order matter in which the versions are listed."""
    plan = plan_removals(versions, keeping, now, protected)
    left = [one for one, _ in plan.kept]

    assert not plan_removals(left, keeping, now, protected).removed
    assert plan_removals(versions[::-1], keeping, now, protected).removed == plan.removed


@given(caches(), keepings, protections())
def test_a_clock_set_back_makes_nothing_unused(
    versions: list[StoredVersion], keeping: Keeping, protected: Protected
) -> None:
    """Only `max_size` removes what was used in the future, and `keep_versions`."""
    now = NOW - 365 * _DAY
    plan = plan_removals(versions, keeping, now, protected)

    unused = [one for one, why in plan.removed if why is RemovalReason.UNUSED]
    assert not any(is_ahead(one.last_use, now) for one in unused)
    assert all(now - one.last_use >= keeping.unused_for.total_seconds() for one in unused)  # type: ignore[union-attr]


@given(caches(), instants, protections())
def test_a_cache_never_outgrows_its_size_because_of_a_clock(
    versions: list[StoredVersion], now: float, protected: Protected
) -> None:
    """What stays above the limit is protected, or was used within the grace period."""
    plan = plan_removals(versions, Keeping(max_size=0), now, protected)

    for one, why in plan.kept:
        is_recent = abs(now - one.known_use(now)) <= MAX_AHEAD
        assert protected.reason(one) or is_recent or not one.size_bytes, why
