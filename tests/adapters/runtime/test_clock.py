"""Clocks: one contract for the real one and the fake, and what only one of them does."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dlmachine.core.protocol.ports import Clock
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.runtime.clock import SystemClock

_MOMENT = timedelta(milliseconds=20)


@pytest.fixture(params=[SystemClock, ManualClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    """Every clock in turn."""
    kind: Callable[[], Clock] = request.param
    return kind()


def test_now_is_aware_and_in_utc(clock: Clock) -> None:
    """Times can be compared with any other."""
    assert clock.now().utcoffset() == timedelta(0)


def test_now_never_goes_back(clock: Clock) -> None:
    """Each time is at or after the one before."""
    instants = [clock.now() for _ in range(1000)]

    assert instants == sorted(instants)


def test_sleep_lets_time_pass(clock: Clock) -> None:
    """After a sleep it is that much later."""
    before = clock.now()
    clock.sleep(_MOMENT)

    assert clock.now() - before >= _MOMENT


def test_a_negative_sleep_is_none(clock: Clock) -> None:
    """It returns at once."""
    before = clock.now()
    clock.sleep(timedelta(seconds=-5))

    assert timedelta(0) <= clock.now() - before < timedelta(seconds=1)


def test_setting_the_wall_clock_does_not_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock is read once; setting it back later changes nothing."""
    clock = SystemClock()
    monkeypatch.setattr(time, 'time', lambda: 0.0)

    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_manual_clock_lists_its_sleeps() -> None:
    """Waits can be checked without waiting."""
    clock = ManualClock()
    clock.sleep(timedelta(minutes=5))

    assert clock.sleeps == [timedelta(minutes=5)]
