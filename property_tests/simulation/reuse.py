"""The invariants of freshness: which copies are used without a request, and for which requests.

They are computed from what servers sent and what clocks showed, not from what was recorded.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.spec.destination import Auto
from dlmachine.core.spec.reuse import CheckMethod, Freshness
from dlmachine_adapters.fakes.server import CutOff, Reply, Resource, Turn
from property_tests.simulation.caching import Said
from property_tests.simulation.clock import clock_of
from property_tests.simulation.processes import Process, require
from property_tests.simulation.requests import Target

#: Times in records and fields are rounded to seconds.
_ROUNDING: Final = 3.0
#: Clocks that share a cache may differ by so many seconds.
_SKEW: Final = 60.0
#: Ages and lifetimes are counted up to so many seconds.
_LONGEST: Final = float(1 << 31)


@dataclass(frozen=True, slots=True)
class Sent:
    """A response: its content, what it says of caching, and when it was received.

    Without `said` a fault has changed its fields, and nothing is required of it. One that
    `is_by_http` answered a request by the rules of HTTP.
    """

    content: bytes
    process: Process
    at: float
    said: Said | None
    is_by_http: bool = False

    @property
    def clock(self) -> datetime:
        """The time that its receiver's clock showed."""
        return clock_of(self.process, self.at)


@dataclass(slots=True)
class Use:
    """A copy that is used: by whom, when it was looked at, and since when the process runs."""

    process: Process
    target: Target
    content: bytes
    since: float
    looked: float

    def resident(self, sent: Sent) -> float:
        """The seconds since a response was received, by the clocks of both processes."""
        return (clock_of(self.process, self.looked) - sent.clock).total_seconds()

    def is_of(self, sent: Sent) -> bool:
        """Whether a response has the copy's bytes, or its size if the caller compares by size."""
        policy = self.target.policy
        is_by_size = policy.check_method is CheckMethod.SIZE
        is_by_size &= policy.freshness is not Freshness.HTTP
        is_same_size = len(sent.content) == len(self.content)
        return sent.content == self.content or (is_by_size and is_same_size)

    def is_beside(self, sent: Sent) -> bool:
        """Whether the receiver of a response was running during this run."""
        return sent.process.ran_at >= self.since


@dataclass(eq=False)
class Responses:
    """The responses that servers have sent."""

    sent: list[Sent] = field(default_factory=list)
    #: Whether one was a redirect, whose lifetime is not on record.
    has_moved: bool = False

    def note(self, sent: Sent, turn: Turn) -> None:
        """Note a response that may be stored, or that may confirm a copy."""
        answer = turn.answer if isinstance(turn, CutOff) else turn
        if isinstance(answer, Reply):
            self.has_moved |= 300 < answer.status < 304
        if isinstance(answer, Resource):
            self.sent.append(sent)
        elif isinstance(answer, Reply) and (answer.status < 300 or answer.status == 304):
            is_told = sent.said is not None and set(sent.said.fields) <= set(answer.fields)
            said = sent.said if is_told else None
            self.sent.append(replace(sent, said=said))

    def check(self, use: Use, outcome: Outcome) -> None:
        """Check that a copy may be used for this request."""
        policy = use.target.policy
        is_new = outcome.origin is Origin.NETWORK
        # Nothing is known of the times of a file that was not downloaded.
        if is_new or outcome.record is None or not outcome.record.urls:
            return
        is_unasked = outcome.origin is Origin.CACHE and not outcome.is_validated
        if isinstance(policy.freshness, timedelta):
            lasts = policy.freshness.total_seconds()
            is_young = self._any(use, lambda sent: _is_young(use, sent, lasts))
            is_free = policy.offline or not is_unasked
            require(is_free or is_young, 'a copy was used after its time, without a request')
        if policy.freshness is not Freshness.HTTP:
            is_free = policy.dest != Auto() or self._any(use, lambda sent: not _is_single_use(sent))
            require(is_free, 'a response was used for others that was for one request')
            return
        is_stored = self._any(use, lambda sent: not _is_for_one(sent))
        require(is_stored, 'a response was used again that must not be stored')
        if is_unasked and policy.offline:
            allowed = self._any(use, lambda sent: not _is_strict(sent))
            require(allowed, 'a copy was used offline that must be confirmed')
        elif is_unasked:
            is_fresh = self._any(use, lambda sent: _is_fresh(use, sent))
            require(is_fresh, 'a stale copy was used without a request')
        elif outcome.origin is Origin.STALE:
            is_wanted = policy.stale_if_error
            allowed = self._any(use, lambda sent: _is_allowed(use, sent, is_wanted=is_wanted))
            require(allowed, 'a stale copy was used after an error, which its server forbids')

    def _any(self, use: Use, fits: Callable[[Sent], bool]) -> bool:
        # Files and variants have other contents: each response with these bytes is for this request.
        return any(sent.said is None or fits(sent) for sent in self.sent if use.is_of(sent))


def _is_young(use: Use, sent: Sent, lasts: float) -> bool:
    # The time counts from the end of the download.
    most = lasts + sent.process.ran_at - sent.at + _ROUNDING
    return use.is_beside(sent) or -_SKEW <= use.resident(sent) < most


def _is_for_one(sent: Sent) -> bool:
    said = sent.said
    return said is not None and (said.control.no_store or said.is_for_none)


def _is_single_use(sent: Sent) -> bool:
    return sent.is_by_http and sent.said is not None and sent.said.control.no_store


def _is_strict(sent: Sent) -> bool:
    said = sent.said
    return said is not None and (said.control.must_revalidate or said.control.no_cache)


def _stale_for(use: Use, sent: Sent) -> float:
    # Seconds since the end of its lifetime; the highest age if the clock was set back.
    said, resident = sent.said, use.resident(sent)
    assert said is not None
    if resident < -_SKEW:
        return _LONGEST - said.lifetime
    apparent = 0.0 if said.date is None else (sent.clock - said.date).total_seconds()
    age = min(max(apparent, said.age) + max(resident, 0.0), _LONGEST)
    return age - said.lifetime - _ROUNDING


def _is_fresh(use: Use, sent: Sent) -> bool:
    said, patience = sent.said, use.target.patience
    assert said is not None
    if _is_for_one(sent):
        return False
    if use.is_beside(sent):
        return True
    if patience is None or said.control.no_cache:
        return False
    return _stale_for(use, sent) < (0.0 if said.control.must_revalidate else patience)


def _is_allowed(use: Use, sent: Sent, *, is_wanted: bool) -> bool:
    said = sent.said
    assert said is not None
    if _is_strict(sent) or use.target.patience is None:
        return False
    allowed = said.control.stale_if_error
    return is_wanted or (allowed is not None and _stale_for(use, sent) <= allowed)


def check_stale(target: Target, outcome: Outcome) -> None:
    """Check that a copy is used after a failure only if that is allowed."""
    if outcome.origin is Origin.STALE:
        # By the rules of HTTP, a server may allow it, too.
        is_wanted = target.policy.stale_if_error or target.policy.freshness is Freshness.HTTP
        require(is_wanted, 'a stale copy was used without stale_if_error')
        require(outcome.fault is not None, 'a stale copy has no reason')
