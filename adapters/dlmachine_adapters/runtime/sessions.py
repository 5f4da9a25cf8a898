"""Logins by forms: one at a time for each form, and none again with values that were refused.

A refused password is tried once in the life of a manager, however many downloads wait for it, so
that no account is locked.
"""

import threading
from collections.abc import Callable
from datetime import datetime

from dlmachine.core.faults import Fault, LoginFailed
from dlmachine.core.protocol.effects import LogIn
from dlmachine.core.protocol.ports import Clock


class Sessions:
    """The logins of this process, whose sessions are in cookie jars."""

    def __init__(self, clock: Clock) -> None:
        """Begin without a login."""
        self._clock = clock
        self._taking = threading.Lock()
        self._forms: dict[object, _Form] = {}

    def log_in_once(
        self, effect: LogIn, values: str, perform: Callable[[], Fault | None]
    ) -> Fault | None:
        """Log in, unless another thread has just done so, or the values were refused."""
        key = effect.login.url, effect.cookies.jar, values
        with self._taking:
            form = self._forms.setdefault(key, _Form())
        seconds = effect.patience.total_seconds()
        if not form.taking.acquire(timeout=seconds):
            problem = f'another thread logs in, and has not finished within {seconds:g} s'
            return LoginFailed(url=effect.login.url, problem=problem)
        try:
            if form.refusal is not None:
                return form.refusal
            if form.done_at is not None and form.done_at > effect.since:
                return None
            fault = perform()
            if isinstance(fault, LoginFailed):
                form.refusal = fault
            elif fault is None:
                form.done_at = self._clock.now()
            return fault
        finally:
            form.taking.release()


class _Form:
    """What is known of a form with some values."""

    def __init__(self) -> None:
        self.taking = threading.Lock()
        self.done_at: datetime | None = None
        self.refusal: LoginFailed | None = None
