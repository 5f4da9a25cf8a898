"""Logins by forms: one at a time, and none again with refused values."""

import threading
from datetime import timedelta

from dlmachine.core.access.caller_cookies import Cookies
from dlmachine.core.access.login_recipe import Login
from dlmachine.core.faults import Fault, LoginFailed, TlsFailed
from dlmachine.core.frozen import replace
from dlmachine.core.http.request import Tls
from dlmachine.core.protocol.effects import LogIn
from dlmachine_adapters.fakes.clock import ManualClock
from dlmachine_adapters.runtime.sessions import Sessions


def an_effect(clock: ManualClock) -> LogIn:
    """A login that is needed now."""
    return LogIn(
        login=Login('https://h.org/login', (('a', 'b'),)),
        cookies=Cookies(jar=''),
        tls=Tls(),
        since=clock.now(),
        patience=timedelta(seconds=0.05),
    )


def test_a_login_is_used_by_those_who_waited() -> None:
    """But not by those whose cookies are newer."""
    clock, calls = ManualClock(), []
    sessions, effect = Sessions(clock), an_effect(clock)

    def perform() -> Fault | None:
        calls.append(1)
        clock.sleep(timedelta(seconds=1))
        return None

    assert sessions.log_in_once(effect, 'x', perform) is None
    assert sessions.log_in_once(effect, 'x', perform) is None
    assert len(calls) == 1
    assert sessions.log_in_once(effect, 'other', perform) is None
    assert sessions.log_in_once(replace(effect, since=clock.now()), 'x', perform) is None
    assert len(calls) == 3


def test_refused_values_are_not_tried_again() -> None:
    """Other values are, and so are requests that failed for another reason."""
    clock = ManualClock()
    sessions, effect = Sessions(clock), an_effect(clock)
    refusal = LoginFailed(url='https://h.org/login', problem='no')
    broken = TlsFailed(url='https://h.org/login')
    answers: list[Fault | None] = [broken, refusal, None]
    found = [sessions.log_in_once(effect, 'x', lambda: answers.pop(0)) for _ in range(3)]
    assert found == [broken, refusal, refusal]
    assert sessions.log_in_once(effect, 'y', lambda: answers.pop(0)) is None


def test_waiting_has_an_end() -> None:
    """A login that hangs is reported to those who wait."""
    clock = ManualClock()
    sessions, effect = Sessions(clock), an_effect(clock)
    began, goes_on = threading.Event(), threading.Event()

    def hang() -> Fault | None:
        began.set()
        goes_on.wait(20)
        return None

    thread = threading.Thread(target=sessions.log_in_once, args=(effect, 'x', hang))
    thread.start()
    assert began.wait(20)
    fault = sessions.log_in_once(effect, 'x', lambda: None)
    goes_on.set()
    thread.join()
    assert 'has not finished within 0.05 s' in str(fault)
