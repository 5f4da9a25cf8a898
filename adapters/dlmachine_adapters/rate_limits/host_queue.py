"""Which requests may be sent to a host, and when.

Contract: implements `ports.Gates`. Each host has one queue: the first request in it is admitted as
soon as fewer than `max_per_host` are running and the host's rate limit will soon allow it. The
running requests are counted per world, the rates per process and shared folder.
"""

import os
import threading
from collections import deque
from datetime import timedelta
from functools import partial
from math import inf
from time import monotonic
from typing import Final

from dlmachine.core.faults import Cancelled, Fault, TimedOut
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.exchange_context import ExchangeContext, Remaining
from dlmachine.core.protocol.ports import Sink
from dlmachine.core.spec.rate_limit import host_of
from dlmachine_adapters.rate_limits.bandwidth import BandwidthLimiter, Deadline, ThrottledSink
from dlmachine_adapters.rate_limits.send_slot import REPORTS_SENDING, SendSlot
from dlmachine_adapters.rate_limits.shared_rate import RATES, Rates
from dlmachine_adapters.runtime.cancellation import POLL_SECONDS, CancelToken

#: Connecting usually takes less; a request may begin to connect this long before its turn.
_LEAD_SECONDS: Final = 0.5


class _Ticket:
    """A place in a host's queue; `called` is set when it is next."""

    __slots__ = ('called', 'max_sending', 'most', 'reports_sending')

    def __init__(self, effect: Exchange) -> None:
        rate = effect.rate_limits.rate
        self.reports_sending = rate is not None and effect.backend in REPORTS_SENDING
        self.most = effect.rate_limits.max_per_host or inf
        self.max_sending = inf
        if self.reports_sending and rate is not None:
            # As many as are sent in a second, so that no connection is idle for long.
            self.max_sending = max(1, int(rate.count / rate.seconds))
        self.called = threading.Event()


class _HostQueue:
    """The requests to one host: running and waiting."""

    __slots__ = ('inside', 'sending', 'waiting')

    def __init__(self) -> None:
        self.inside = 0
        self.sending = 0
        self.waiting: deque[_Ticket] = deque()

    def call_next(self) -> None:
        first = self.waiting[0] if self.waiting else None
        if first and self.inside < first.most and self.sending < first.max_sending:
            first.called.set()


class _HostQueues:
    """The queues of one world, by host; the mutex is held only briefly."""

    def __init__(self) -> None:
        self._reset()

    def append(self, host: str, ticket: _Ticket) -> None:
        self._notice_fork()
        with self._mutex:
            queue = self._queues.setdefault(host, _HostQueue())
            queue.waiting.append(ticket)
            queue.call_next()

    def try_enter(self, host: str, most: float) -> bool:
        """Count a request as running if nothing waits and there is room; return whether it was."""
        self._notice_fork()
        with self._mutex:
            queue = self._queues.setdefault(host, _HostQueue())
            if queue.waiting or queue.inside >= most:
                return False
            queue.inside += 1
            return True

    def enter(self, host: str, ticket: _Ticket) -> None:
        with self._mutex:
            queue = self._queues[host]
            queue.inside += 1
            queue.sending += ticket.reports_sending
            queue.waiting.remove(ticket)
            queue.call_next()

    def sent(self, host: str) -> None:
        with self._mutex:
            self._queues[host].sending -= 1
            self._queues[host].call_next()

    def withdraw(self, host: str, ticket: _Ticket) -> None:
        with self._mutex:
            self._queues[host].waiting.remove(ticket)
            self._tidy(host)

    def leave(self, host: str) -> None:
        with self._mutex:
            if host in self._queues:
                self._queues[host].inside -= 1
                self._tidy(host)

    def _tidy(self, host: str) -> None:
        queue = self._queues[host]
        if queue.waiting or queue.inside:
            queue.call_next()
        else:
            del self._queues[host]

    def _notice_fork(self) -> None:
        if self._pid != os.getpid():
            self._reset()  # A forked child does not wait for the threads of its parent.

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._mutex = threading.Lock()
        self._queues: dict[str, _HostQueue] = {}


class HostGates:
    """The host queues of one world, with one cancel token."""

    def __init__(self, folder: str | None, stop: CancelToken, rates: Rates = RATES) -> None:
        self._folder = folder
        self._stop = stop
        self._rates = rates
        self._queues = _HostQueues()
        self._bandwidth = BandwidthLimiter()

    def under(self, stop: CancelToken) -> 'HostGates':
        """The same queues under another cancel token."""
        other = HostGates(self._folder, stop, self._rates)
        other._queues, other._bandwidth = self._queues, self._bandwidth
        return other

    def admitted(self, effect: Exchange, remaining: Remaining) -> '_Admission':
        return _Admission(self, effect, remaining)

    def enter(self, host: str, effect: Exchange, remaining: Remaining) -> Fault | ExchangeContext:
        """Wait until the request is admitted."""
        rate = effect.rate_limits.rate
        if self._stop.is_set:
            return Cancelled()
        if rate is None and self._queues.try_enter(host, effect.rate_limits.max_per_host or inf):
            return ExchangeContext(remaining=remaining(effect), cancel=self._stop)
        ticket = _Ticket(effect)
        fault = self._enqueue(host, ticket, effect, remaining(effect))
        if fault is not None:
            return fault
        slot = None
        if rate is not None and ticket.reports_sending:
            draw = partial(self._rates.draw, host, rate, self._folder)
            slot = SendSlot(draw, partial(self._queues.sent, host))
        return ExchangeContext(remaining=remaining(effect), cancel=self._stop, before_send=slot)

    def leave(self, host: str, context: ExchangeContext) -> None:
        """Free the place of a request that was admitted."""
        if isinstance(context.before_send, SendSlot):
            context.before_send.end()
        self._queues.leave(host)

    def throttle(self, effect: Exchange, part: Sink, remaining: timedelta | None = None) -> Sink:
        limit = effect.rate_limits.bytes_per_second
        if limit is None:
            return part
        until = inf if remaining is None else monotonic() + remaining.total_seconds()
        return ThrottledSink(
            part, self._bandwidth, limit, self._stop, Deadline(until, _too_late(effect))
        )

    def _enqueue(
        self, host: str, ticket: _Ticket, effect: Exchange, remaining: timedelta | None
    ) -> Fault | None:
        until = inf if remaining is None else monotonic() + remaining.total_seconds()
        self._queues.append(host, ticket)
        is_in = False
        try:
            fault = self._wait_for_turn(ticket, until, effect)
            if fault is None and effect.rate_limits.rate is not None:
                fault = self._wait_for_rate(host, until, effect, ticket)
            if fault is None:
                self._queues.enter(host, ticket)
                is_in = True
            return fault
        finally:
            if not is_in:
                self._queues.withdraw(host, ticket)

    def _wait_for_turn(self, ticket: _Ticket, until: float, effect: Exchange) -> Fault | None:
        while not ticket.called.is_set():
            left = until - monotonic()
            if self._stop.is_set:
                return Cancelled()
            if left <= 0:
                return _too_late(effect)
            ticket.called.wait(min(left, POLL_SECONDS))
        return None

    def _wait_for_rate(
        self, host: str, until: float, effect: Exchange, ticket: _Ticket
    ) -> Fault | None:
        rate = effect.rate_limits.rate
        look = self._rates.peek if ticket.reports_sending else self._rates.draw
        lead = _LEAD_SECONDS if ticket.reports_sending else 0.0
        while rate is not None and (wait := look(host, rate, self._folder)):
            if wait > until - monotonic():
                return _too_late(effect)
            if wait <= lead:
                return None
            if self._stop.wait(wait - lead):
                return Cancelled()
        return None


class _Admission:
    """The time of one exchange, from its admission to its end."""

    __slots__ = ('_effect', '_found', '_gates', '_host', '_remaining')

    def __init__(self, gates: HostGates, effect: Exchange, remaining: Remaining) -> None:
        self._gates = gates
        self._host = host_of(effect.request.url)
        self._effect = effect
        self._remaining = remaining

    def __enter__(self) -> Fault | ExchangeContext:
        self._found = self._gates.enter(self._host, self._effect, self._remaining)
        return self._found

    def __exit__(self, *_: object) -> None:
        if isinstance(self._found, ExchangeContext):
            self._gates.leave(self._host, self._found)


def _too_late(effect: Exchange) -> Fault:
    url = effect.request.shown_url
    return TimedOut(url=url, phase='total', limit=effect.timeout or timedelta(0))
