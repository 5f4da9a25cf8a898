"""Retries: which failures are retried, at which URL, and after which wait.

Pure. Exponential backoff with full jitter, from a random number of the caller. Retry-After in
seconds or as a date (RFC 9110 section 10.2.3).
"""

from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Final

from dlmachine.core import faults
from dlmachine.core.frozen import frozen
from dlmachine.core.http.request import SAFE_METHODS
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.validators import parse_http_date
from dlmachine.core.spec.policy import Policy


class Chance(Enum):
    """Which request may succeed after a failed attempt."""

    AGAIN = 'the same URL may succeed later'
    ELSEWHERE = 'another URL may succeed'
    NONE = 'no URL would succeed'


#: Statuses that may pass: RFC 9110 sections 15.3.3 (accepted, not ready), 15.5.9 and 15.6,
#: RFC 8470 (425), RFC 6585 (429), and what proxies add to them.
PASSING: Final = frozenset({202, 408, 425, 429, *range(500, 600)})

#: The lowest error status, and those that refuse a login.
_ERRORS: Final = 400
_LOGINS: Final = frozenset({401, 407})
_BEFORE_SENDING: Final = frozenset({'resolve', 'connect'})


def may_be_repeated(method: str, policy: Policy) -> bool:
    """Whether a request may be sent twice.

    RFC 9110 section 9.2.2 allows that for all idempotent methods. PUT and DELETE are sent twice
    only with `idempotent=True`, because another client may have changed the resource in between.

    >>> may_be_repeated('GET', Policy()), may_be_repeated('POST', Policy())
    (True, False)
    """
    return method in SAFE_METHODS or policy.idempotent


def classify(fault: faults.Fault, method: str, policy: Policy) -> Chance:
    """Which request may succeed after this fault.

    >>> classify(faults.HttpStatus(url='', status=503), 'GET', Policy())
    <Chance.AGAIN: 'the same URL may succeed later'>
    >>> classify(faults.HttpStatus(url='', status=404), 'GET', Policy())
    <Chance.ELSEWHERE: 'another URL may succeed'>
    >>> classify(faults.HttpStatus(url='', status=404), 'GET', Policy(retry_all_errors=True))
    <Chance.AGAIN: 'the same URL may succeed later'>
    """
    may_repeat = may_be_repeated(method, policy)
    chance = _usual_chance(fault, policy, may_repeat=may_repeat)
    is_retried = policy.retry_all_errors and may_repeat and chance is Chance.ELSEWHERE
    return Chance.AGAIN if is_retried and _may_yet_pass(fault) else chance


def _may_yet_pass(fault: faults.Fault) -> bool:
    # Another attempt with a refused password could lock the account; a status that passes is here
    # only because its Retry-After is too long; a redirect that is not followed stays one.
    if isinstance(fault, faults.HttpStatus):
        return fault.status >= _ERRORS and fault.status not in PASSING | _LOGINS
    lasting = (faults.TlsFailed, faults.AnswerUnusable, faults.ProxyRefused, faults.ProxyUnusable)
    return isinstance(fault, lasting)


def _usual_chance(fault: faults.Fault, policy: Policy, *, may_repeat: bool) -> Chance:
    match fault:
        case faults.ConnectionFailed(phase=phase):
            return Chance.AGAIN if may_repeat or phase in _BEFORE_SENDING else Chance.NONE
        case faults.TimedOut(phase='total'):
            return Chance.NONE
        case faults.TimedOut(phase=phase):
            return Chance.AGAIN if may_repeat or phase in _BEFORE_SENDING else Chance.NONE
        case faults.BodyTruncated() | faults.DigestMismatch() | faults.ContentRefused():
            return Chance.AGAIN if may_repeat else Chance.NONE
        case faults.HttpStatus(status=status, retry_after=after) if status in PASSING:
            if not may_repeat:
                return Chance.NONE
            is_too_long = after is not None and after > policy.retry_after_max
            return Chance.ELSEWHERE if is_too_long else Chance.AGAIN
        case faults.FileUnreadable(is_passing=is_passing):
            return Chance.AGAIN if is_passing else Chance.ELSEWHERE
        case faults.AnswerUnusable() | faults.BodyTooLarge():
            return Chance.ELSEWHERE if may_repeat else Chance.NONE
        case faults.HttpStatus() | faults.TlsFailed() | faults.RedirectRefused():
            # The request was not sent, or the server reported that it did not act on it.
            return Chance.ELSEWHERE
        case _:
            return _classify_route(fault)


def _classify_route(fault: faults.Fault) -> Chance:
    # The request was not sent. A login is not tried again, which might lock an account.
    match fault:
        case faults.ProxyUnreachable():
            return Chance.AGAIN
        case faults.ProxyRefused(status=status):
            return Chance.AGAIN if (status or 0) >= 500 else Chance.ELSEWHERE
        case faults.ProxyUnusable() | faults.AddressRefused():
            return Chance.ELSEWHERE
        case _:
            return Chance.NONE


def jitter(chance: float, number: int) -> float:
    """The `number`-th pseudo-random number in [0, 1) of a run, derived from `chance`."""
    drawn = sha256(f'{chance!r}/{number}'.encode()).digest()
    return int.from_bytes(drawn[:6]) / 2**48


def backoff(policy: Policy, round_number: int, draw: float) -> timedelta:
    """The wait before a round: a random part of a span that doubles, up to `retry_max_wait`.

    With `retry_delay`, it is that.

    >>> backoff(Policy(), 3, 0.5).total_seconds()
    2.0
    """
    if policy.retry_delay is not None:
        return policy.retry_delay
    doublings = min(max(round_number - 1, 0), 16)
    return min(policy.retry_wait * (1 << doublings), policy.retry_max_wait) * draw


@frozen
class Patience:
    """The maximum number of requests before giving up, and the maximum time they take.

    `unreachable` is the time if no server accepts a connection, `silent` if each accepts one and
    sends nothing. Resolving host names and waits for Retry-After are not included.
    """

    requests: int
    unreachable: timedelta
    silent: timedelta


def patience(policy: Policy, addresses: int = 1) -> Patience:
    """The worst case of a download from this many URLs if no server responds.

    >>> worst = patience(Policy())
    >>> worst.requests, worst.unreachable.total_seconds(), worst.silent.total_seconds()
    (4, 47.0, 247.0)
    """
    requests = (policy.retries + 1) * addresses
    rounds = range(1, policy.retries + 1)
    waits = sum((backoff(policy, number, 1.0) for number in rounds), timedelta(0))
    most = timedelta.max if policy.timeout is None else policy.timeout

    def worst(limit: timedelta) -> timedelta:
        total = requests * limit + waits
        if policy.retry_max_time is not None:
            total = min(total, policy.retry_max_time + addresses * limit)
        return min(total, most)

    return Patience(
        requests=requests,
        unreachable=worst(policy.connect_timeout),
        silent=worst(policy.stall_timeout),
    )


def parse_retry_after(head: ResponseHead, at: datetime) -> timedelta | None:
    """The wait that a response received at the given time requests; None without Retry-After.

    >>> from datetime import UTC
    >>> from dlmachine.core.http.headers import Headers
    >>> head = ResponseHead(status=503, headers=Headers((('Retry-After', '120'),)))
    >>> parse_retry_after(head, datetime(2024, 5, 1, tzinfo=UTC)).total_seconds()
    120.0
    """
    text = (head.headers.get('Retry-After') or '').strip(' \t')
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:10]), _MAX_SECONDS))
    until = parse_http_date(text)
    return None if until is None else max(until - at, timedelta(0))


_MAX_SECONDS: Final = 366 * 24 * 3600
