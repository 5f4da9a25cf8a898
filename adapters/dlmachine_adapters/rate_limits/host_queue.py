"""Gates: who may ask a host, and when.

Contract: implements `ports.Gates`. Before each host there is one line; whoever comes first
is let in first, as soon as there is a place and the rate of the host will soon allow it. The
places are those of one world, the rates those of the process and of whoever shares the folder.
"""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from math import inf
from time import monotonic
from typing import Final

from dlmachine.core.faults import Cancelled, Fault, TimedOut
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.ports import Sink
from dlmachine.core.spec.rate_limit import Manners, host_of
from dlmachine_adapters.rate_limits.bandwidth import Deadline, ThrottledSink, Valve
from dlmachine_adapters.rate_limits.send_slot import DEPARTING, Departure, departing
from dlmachine_adapters.rate_limits.shared_rate import RATES, Rates
from dlmachine_adapters.runtime.cancellation import SLICE_SECONDS, Stop

#: To connect takes less than this, mostly: so long before its time a request may begin.
_LEAD_SECONDS: Final = 0.5


class _Ticket:
    """A place in a line; whoever is called is next."""

    __slots__ = ('called', 'most', 'most_departing')

    def __init__(self, manners: Manners, *, is_departing: bool) -> None:
        self.most = manners.max_per_host or inf
        self.most_departing = inf
        if is_departing and manners.rate is not None:
            # As many as go out in a second: no connection is idle for long.
            self.most_departing = max(1, int(manners.rate.count / manners.rate.seconds))
        self.called = threading.Event()


class _Line:
    """Those who ask one host, and those who wait for it."""

    __slots__ = ('departing', 'inside', 'waiting')

    def __init__(self) -> None:
        self.inside = 0
        self.departing = 0
        self.waiting: deque[_Ticket] = deque()

    def call_next(self) -> None:
        first = self.waiting[0] if self.waiting else None
        if first and self.inside < first.most and self.departing < first.most_departing:
            first.called.set()


class _Lines:
    """The lines of one world, by host; its mutex is held for moments only."""

    def __init__(self) -> None:
        self._begin_anew()

    def join(self, host: str, ticket: _Ticket) -> None:
        self._notice_fork()
        with self._mutex:
            line = self._lines.setdefault(host, _Line())
            line.waiting.append(ticket)
            line.call_next()

    def go_straight_in(self, host: str, most: float) -> bool:
        """Whether there was a place, and nobody who waits for it."""
        self._notice_fork()
        with self._mutex:
            line = self._lines.setdefault(host, _Line())
            if line.waiting or line.inside >= most:
                return False
            line.inside += 1
            return True

    def go_in(self, host: str, ticket: _Ticket, *, is_departing: bool) -> None:
        with self._mutex:
            line = self._lines[host]
            line.inside += 1
            line.departing += is_departing
            line.waiting.remove(ticket)
            line.call_next()

    def depart(self, host: str) -> None:
        with self._mutex:
            self._lines[host].departing -= 1
            self._lines[host].call_next()

    def go_away(self, host: str, ticket: _Ticket) -> None:
        with self._mutex:
            self._lines[host].waiting.remove(ticket)
            self._tidy(host)

    def come_out(self, host: str) -> None:
        with self._mutex:
            if host in self._lines:
                self._lines[host].inside -= 1
                self._tidy(host)

    def _tidy(self, host: str) -> None:
        line = self._lines[host]
        if line.waiting or line.inside:
            line.call_next()
        else:
            del self._lines[host]

    def _notice_fork(self) -> None:
        if self._pid != os.getpid():
            self._begin_anew()  # What the parent's threads do is not the child's to wait for.

    def _begin_anew(self) -> None:
        self._pid = os.getpid()
        self._mutex = threading.Lock()
        self._lines: dict[str, _Line] = {}


class HostGates:
    """The gates of one world, for those who work under one stop."""

    def __init__(self, folder: str | None, stop: Stop, rates: Rates = RATES) -> None:
        """Share rates through this folder, if there is one."""
        self._folder = folder
        self._stop = stop
        self._rates = rates
        self._lines = _Lines()
        self._valve = Valve()

    def under(self, stop: Stop) -> 'HostGates':
        """The same gates for those who work under another stop."""
        other = HostGates(self._folder, stop, self._rates)
        other._lines, other._valve = self._lines, self._valve
        return other

    @contextmanager
    def admitted(self, effect: Exchange, remaining: timedelta | None) -> Iterator[Fault | None]:
        """Wait to be let in, no longer than what remains."""
        manners, host = effect.manners, host_of(effect.request.url)
        rate = manners.rate
        if rate is None and self._lines.go_straight_in(host, manners.max_per_host or inf):
            try:
                yield None
            finally:
                self._lines.come_out(host)
            return
        is_departing = rate is not None and effect.backend in DEPARTING
        ticket = _Ticket(manners, is_departing=is_departing)
        fault = self._line_up(host, ticket, effect, remaining, is_departing=is_departing)
        if fault is not None:
            yield fault
            return
        try:
            if rate is None or not is_departing:
                yield None
                return
            draw = partial(self._rates.draw, host, rate, self._folder)
            with departing(Departure(draw, partial(self._lines.depart, host))):
                yield None
        finally:
            self._lines.come_out(host)

    def throttle(self, effect: Exchange, part: Sink, remaining: timedelta | None = None) -> Sink:
        """The part, filled no faster than all of this world together may be."""
        limit = effect.manners.bytes_per_second
        if limit is None:
            return part
        until = inf if remaining is None else monotonic() + remaining.total_seconds()
        return ThrottledSink(
            part, self._valve, limit, self._stop, Deadline(until, _too_late(effect))
        )

    def _line_up(
        self,
        host: str,
        ticket: _Ticket,
        effect: Exchange,
        remaining: timedelta | None,
        *,
        is_departing: bool,
    ) -> Fault | None:
        until = inf if remaining is None else monotonic() + remaining.total_seconds()
        self._lines.join(host, ticket)
        is_in = False
        try:
            fault = self._wait_for_place(ticket, until, effect)
            if fault is None and effect.manners.rate is not None:
                fault = self._wait_for_rate(host, until, effect, is_departing=is_departing)
            if fault is None:
                self._lines.go_in(host, ticket, is_departing=is_departing)
                is_in = True
            return fault
        finally:
            if not is_in:
                self._lines.go_away(host, ticket)

    def _wait_for_place(self, ticket: _Ticket, until: float, effect: Exchange) -> Fault | None:
        while not ticket.called.is_set():
            left = until - monotonic()
            if self._stop.is_set:
                return Cancelled()
            if left <= 0:
                return _too_late(effect)
            ticket.called.wait(min(left, SLICE_SECONDS))
        return None

    def _wait_for_rate(
        self, host: str, until: float, effect: Exchange, *, is_departing: bool
    ) -> Fault | None:
        rate = effect.manners.rate
        look = self._rates.peek if is_departing else self._rates.draw
        lead = _LEAD_SECONDS if is_departing else 0.0
        while rate is not None and (wait := look(host, rate, self._folder)):
            if wait > until - monotonic():
                return _too_late(effect)
            if wait <= lead:
                return None
            if self._stop.wait(wait - lead):
                return Cancelled()
        return None


def _too_late(effect: Exchange) -> Fault:
    url = effect.request.shown_url
    return TimedOut(url=url, phase='total', limit=effect.timeout or timedelta(0))
