"""Rate limits: laws for every schedule of requests and bytes."""

from hypothesis import given
from hypothesis import strategies as st

from dlmachine.core.spec.rate_limit import (
    Bandwidth,
    Bucket,
    Rate,
    draw,
    parse_rate,
    read_bucket,
    spend,
    write_bucket,
)

rates = st.builds(Rate, st.integers(1, 1_000), st.sampled_from([1, 60, 3600]))
#: Pauses between two attempts, from zero to long ones.
pauses = st.lists(st.sampled_from([0.0, 1e-4, 0.003]) | st.floats(0, 100), min_size=1, max_size=60)
instants = st.floats(0, 4e9)


def admitted(rate: Rate, starts_at: float, pauses: list[float], *, is_eager: bool) -> list[float]:
    """The times of taken tokens, for a client that waits as told or never waits."""
    bucket, now, had = Bucket(), starts_at, []
    for pause in pauses:
        now += pause
        drawn = draw(bucket, rate, now)
        bucket = drawn.bucket
        if drawn.wait_seconds and not is_eager:
            now += drawn.wait_seconds
            drawn = draw(bucket, rate, now)
            bucket = drawn.bucket
        if not drawn.wait_seconds:
            had.append(now)
    return had


@given(rates, st.integers(0, 10**9), pauses, st.booleans())
def test_no_span_of_time_has_more_requests_than_its_share(
    rate: Rate, starts_at: int, pauses: list[float], is_eager: bool
) -> None:
    """No period has more requests than the rate allows, even from impatient clients."""
    had = admitted(rate, starts_at, pauses, is_eager=is_eager)
    for first in range(len(had)):
        inside = sum(1 for at in had[first:] if at < had[first] + rate.seconds)
        assert inside <= rate.count


@given(rates, instants, pauses)
def test_client_that_waits_gets_a_token(rate: Rate, starts_at: float, pauses: list[float]) -> None:
    """Without other clients, one wait is enough."""
    assert len(admitted(rate, starts_at, pauses, is_eager=False)) == len(pauses)


@given(st.builds(Bucket, st.floats()), rates, st.floats(-1e12, 1e12))
def test_no_bucket_makes_anybody_wait_for_ever(bucket: Bucket, rate: Rate, now: float) -> None:
    """With any bucket, the wait is two intervals at most; afterwards the bucket is normal."""
    read = read_bucket(write_bucket(bucket), now)
    drawn = draw(read, rate, now)

    assert 0 <= drawn.wait_seconds <= 2 * rate.spacing_seconds + 1e-3
    assert not drawn.wait_seconds or drawn.bucket.taken_at <= now + rate.spacing_seconds


@given(rates)
def test_rates_survive_their_text(rate: Rate) -> None:
    """The text of a rate is parsed to the same rate."""
    assert parse_rate(str(rate)) == rate


@given(
    st.lists(st.tuples(st.integers(1, 100_000), st.floats(0, 3)), min_size=1, max_size=50),
    st.integers(1_000, 10**9),
)
def test_bytes_keep_to_their_limit(pieces: list[tuple[int, float]], limit: int) -> None:
    """A client that waits as told gets at most the limit times the time, and a small credit."""
    flow, now, total = Bandwidth(), 1_000.0, 0
    for size, pause in pieces:
        now += pause
        flow, wait = spend(flow, size, limit, now)
        now += wait
        total += size
        assert total <= limit * (now - 1_000.0 + 0.101) + 1


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=50), st.integers(1_000, 10**9))
def test_bytes_wait_no_longer_than_they_must(sizes: list[int], limit: int) -> None:
    """Parallel transfers together take as long as sequential ones."""
    flow, now = Bandwidth(), 1_000.0
    for size in sizes:
        flow, wait = spend(flow, size, limit, now)
        now += wait

    assert now - 1_000.0 <= sum(sizes) / limit + 1e-3
