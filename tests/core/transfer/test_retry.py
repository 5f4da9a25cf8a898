"""Retries: which failures are retried, at which URL, and after which wait."""

from datetime import timedelta

import pytest

from dlmachine.core.faults import (
    FAULTS,
    AddressRefused,
    AnswerUnusable,
    ArchiveRefused,
    BackendMissing,
    BodyTooLarge,
    BodyTruncated,
    Bug,
    CacheUnusable,
    Cancelled,
    CertificateUnusable,
    ChecksumUnknown,
    ConnectionFailed,
    ContentRefused,
    DestinationUnusable,
    DigestMismatch,
    DoiNotFound,
    Fault,
    FileUnreadable,
    HttpStatus,
    InvalidInput,
    JarUnusable,
    LockBusyTooLong,
    LockMismatch,
    LockOutdated,
    LoginFailed,
    MemberNotNamed,
    MemberUnknown,
    OfflineMiss,
    PasswordRefused,
    ProxyLoginRefused,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUnusable,
    RedirectRefused,
    SchemeRefused,
    SecretUnavailable,
    SourceUnusable,
    StorageFailed,
    TimedOut,
    TlsFailed,
    UnknownName,
    WindowUnsatisfiable,
    WorkerLost,
)
from dlmachine.core.spec.policy import Policy
from dlmachine.core.transfer.retry import (
    PASSING,
    Chance,
    backoff,
    classify,
    jitter,
    parse_retry_after,
    patience,
)
from tests.builders import NOW, a_head

U = 'http://h/'
HOUR = timedelta(hours=1)
AGAIN, ELSEWHERE, NONE = Chance.AGAIN, Chance.ELSEWHERE, Chance.NONE

CHANCES: list[tuple[Fault, Chance, Chance]] = [
    (InvalidInput(where='url', problem='x'), NONE, NONE),
    (UnknownName(name='x'), NONE, NONE),
    (BackendMissing(backend='x', reason='x'), NONE, NONE),
    (SchemeRefused(url=U, scheme='x', allowed=()), NONE, NONE),
    (SecretUnavailable(source='x', problem='x'), NONE, NONE),
    (JarUnusable(path='x', problem='x'), NONE, NONE),
    (CertificateUnusable(path='x', problem='x'), NONE, NONE),
    (LoginFailed(url=U, problem='x'), NONE, NONE),
    (OfflineMiss(url=U, cache=None), NONE, NONE),
    (WindowUnsatisfiable(url=U, window='x', held=()), NONE, NONE),
    (DestinationUnusable(path='x', problem='x'), NONE, NONE),
    (HttpStatus(url=U, status=404), ELSEWHERE, ELSEWHERE),
    (ChecksumUnknown(source='x', problem='x'), NONE, NONE),
    (HttpStatus(url=U, status=501), AGAIN, NONE),
    (HttpStatus(url=U, status=503), AGAIN, NONE),
    (HttpStatus(url=U, status=503, retry_after=timedelta(minutes=5)), AGAIN, NONE),
    (HttpStatus(url=U, status=503, retry_after=HOUR), ELSEWHERE, NONE),
    (RedirectRefused(url=U, location='x', problem='x'), ELSEWHERE, ELSEWHERE),
    (AnswerUnusable(url=U, problem='x'), ELSEWHERE, NONE),
    (BodyTooLarge(url=U, limit_bytes=1, size_bytes=2), ELSEWHERE, NONE),
    (DigestMismatch(url=U, algorithm='x', expected='x', actual='y'), AGAIN, NONE),
    (ContentRefused(url=U, problem='x'), AGAIN, NONE),
    (ConnectionFailed(url=U, phase='resolve'), AGAIN, AGAIN),
    (ConnectionFailed(url=U, phase='connect'), AGAIN, AGAIN),
    (ConnectionFailed(url=U, phase='send'), AGAIN, NONE),
    (ConnectionFailed(url=U, phase='receive'), AGAIN, NONE),
    (TlsFailed(url=U), ELSEWHERE, ELSEWHERE),
    (TimedOut(url=U, phase='connect', limit=HOUR), AGAIN, AGAIN),
    (TimedOut(url=U, phase='stall', limit=HOUR), AGAIN, NONE),
    (TimedOut(url=U, phase='total', limit=HOUR), NONE, NONE),
    (BodyTruncated(url=U, received_bytes=1, expected_bytes=2), AGAIN, NONE),
    (AddressRefused(url=U, address='::1', kind='loopback'), ELSEWHERE, ELSEWHERE),
    (ProxyUnreachable(url=U, proxy='p'), AGAIN, AGAIN),
    (ProxyLoginRefused(url=U, proxy='p'), NONE, NONE),
    (ProxyRefused(url=U, proxy='p', status=403), ELSEWHERE, ELSEWHERE),
    (ProxyRefused(url=U, proxy='p', status=502), AGAIN, AGAIN),
    (ProxyRefused(url=U, proxy='p'), ELSEWHERE, ELSEWHERE),
    (ProxyUnusable(url=U, proxy='p'), ELSEWHERE, ELSEWHERE),
    (CacheUnusable(path='x', problem='x'), NONE, NONE),
    (StorageFailed(path='x', operation='x', problem='x'), NONE, NONE),
    (LockBusyTooLong(key='x', waited=HOUR), NONE, NONE),
    (FileUnreadable(url='', problem=''), ELSEWHERE, ELSEWHERE),
    (FileUnreadable(url='', problem='', is_passing=True), AGAIN, AGAIN),
    (DoiNotFound(source='', where=''), NONE, NONE),
    (SourceUnusable(source='', problem=''), NONE, NONE),
    (Cancelled(), NONE, NONE),
    (LockOutdated(path='x', problem='x'), NONE, NONE),
    (LockMismatch(url='u', entry='x', lock='x', expected='x', actual='y'), NONE, NONE),
    (MemberUnknown(path='x', member='x'), NONE, NONE),
    (MemberNotNamed(path='x', members=()), NONE, NONE),
    (PasswordRefused(path='x', member='x', is_given=True), NONE, NONE),
    (ArchiveRefused(path='x', problem='x'), NONE, NONE),
    (WorkerLost(problem='x'), NONE, NONE),
    (MemberUnknown(path='x', member='y'), NONE, NONE),
    (MemberNotNamed(path='x', members=('y',)), NONE, NONE),
    (PasswordRefused(path='x', member='y', is_given=False), NONE, NONE),
    (ArchiveRefused(path='x', problem='y'), NONE, NONE),
    (Bug(state='x', event='x'), NONE, NONE),
]


@pytest.mark.parametrize(
    ('fault', 'get', 'post'),
    CHANCES,
    ids=[f'{fault.code} {str(fault)[:50]}' for fault, *_ in CHANCES],
)
def test_which_failures_are_retried(fault: Fault, get: Chance, post: Chance) -> None:
    """Safe methods are repeated, and others only if `idempotent` is set."""
    assert classify(fault, 'GET', Policy()) is get
    for method in ('GET', 'HEAD', 'OPTIONS'):
        assert classify(fault, method, Policy()) is get
    for method in ('POST', 'PUT', 'PATCH', 'DELETE'):
        assert classify(fault, method, Policy()) is post
        assert classify(fault, method, Policy(idempotent=True)) is get


def test_every_fault_is_in_the_table_above() -> None:
    """A new fault needs a row."""
    assert {type(fault) for fault, *_ in CHANCES} == set(FAULTS)


LASTING: list[tuple[Fault, Chance]] = [
    (HttpStatus(url=U, status=400), AGAIN),
    (HttpStatus(url=U, status=403), AGAIN),
    (HttpStatus(url=U, status=404), AGAIN),
    (TlsFailed(url=U), AGAIN),
    (AnswerUnusable(url=U, problem='x'), AGAIN),
    (HttpStatus(url=U, status=302), ELSEWHERE),
    (HttpStatus(url=U, status=401), ELSEWHERE),
    (HttpStatus(url=U, status=407), ELSEWHERE),
    (HttpStatus(url=U, status=503, retry_after=HOUR), ELSEWHERE),
    (RedirectRefused(url=U, location='x', problem='x'), ELSEWHERE),
    (BodyTooLarge(url=U, limit_bytes=1, size_bytes=2), ELSEWHERE),
    (TimedOut(url=U, phase='total', limit=HOUR), NONE),
    (StorageFailed(path='x', operation='x', problem='x'), NONE),
]


@pytest.mark.parametrize(
    ('fault', 'chance'), LASTING, ids=[str(fault)[:60] for fault, _ in LASTING]
)
def test_errors_that_last_are_retried_on_request(fault: Fault, chance: Chance) -> None:
    """But no refused password, which could lock an account, and nothing that a limit refused."""
    eager = Policy(retry_all_errors=True)
    assert classify(fault, 'GET', eager) is chance
    assert classify(fault, 'POST', eager) is classify(fault, 'POST', Policy())
    assert classify(fault, 'POST', Policy(retry_all_errors=True, idempotent=True)) is chance


def test_a_delay_replaces_the_drawn_wait() -> None:
    """In each round."""
    policy = Policy(retry_delay=timedelta(seconds=7))
    assert {backoff(policy, number, 0.5).total_seconds() for number in range(9)} == {7}


@pytest.mark.parametrize('status', sorted(PASSING))
def test_passing_conditions_pass(status: int) -> None:
    """These statuses may change soon."""
    assert classify(HttpStatus(url=U, status=status), 'GET', Policy()) is AGAIN


@pytest.mark.parametrize(
    ('text', 'seconds'),
    [
        ('120', 120), (' 0 ', 0), ('\x0b5', None), ('X5', None), ('-1', None), ('', None), ('soon', None), ('²', None), ('1.5', None),
        ('9' * 30, 366 * 24 * 3600),
        ('Wed, 01 May 2024 12:01:00 GMT', 60), ('Wed, 01 May 2024 11:00:00 GMT', 0), ('Wed, 01 May 2024 12:01:00', 60),
        ('Wed, 32 May 2024 12:01:00 GMT', None),
    ],
)  # fmt: skip
def test_retry_after(text: str, seconds: int | None) -> None:
    """Seconds or a date relative to now; other text is ignored."""
    asked = parse_retry_after(a_head(503, {'Retry-After': text}), NOW)
    assert asked == (None if seconds is None else timedelta(seconds=seconds))


def test_no_retry_after() -> None:
    """Without the field the result is None."""
    assert parse_retry_after(a_head(503), NOW) is None


@pytest.mark.parametrize(
    ('number', 'seconds'), [(0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (5_000, 60)]
)
def test_the_span_doubles_up_to_a_cap(number: int, seconds: int) -> None:
    """Full jitter: the wait is between zero and the span."""
    assert backoff(Policy(), number, 1.0) == timedelta(seconds=seconds)
    assert backoff(Policy(), number, 0.0) == timedelta(0)


def test_draws_differ() -> None:
    """One random number gives different waits in one run."""
    assert len({jitter(0.5, number) for number in range(50)}) == 50


WORST = [
    ('the defaults', Policy(), 1, (4, 47, 247)),
    ('two mirrors', Policy(), 3, (12, 127, 727)),
    ('no retries', Policy(retries=0), 1, (1, 10, 60)),
    ('a time limit', Policy(timeout=timedelta(seconds=50)), 1, (4, 47, 50)),
    ('a delay', Policy(retry_delay=timedelta(seconds=5)), 1, (4, 55, 255)),
    ('no retry after 5 s', Policy(retry_max_time=timedelta(seconds=5)), 2, (8, 25, 125)),
    ('waits end at the longest', Policy(retries=8), 1, (9, 90 + 63 + 120, 540 + 63 + 120)),
]


@pytest.mark.parametrize(
    ('policy', 'addresses', 'expected'), [row[1:] for row in WORST], ids=[row[0] for row in WORST]
)
def test_the_worst_case_is_computed(
    policy: Policy, addresses: int, expected: tuple[int, float, float]
) -> None:
    """The number of requests, and the time without connections and without responses."""
    worst = patience(policy, addresses)
    times = (worst.unreachable.total_seconds(), worst.silent.total_seconds())
    assert (worst.requests, *times) == expected


@pytest.mark.parametrize(
    ('status', 'chance'), [(None, ELSEWHERE), (499, ELSEWHERE), (500, AGAIN), (501, AGAIN)]
)
def test_a_proxy_with_an_error_may_pass(status: int | None, chance: Chance) -> None:
    """One that refuses does not."""
    fault = ProxyRefused(url=U, proxy='http://p', status=status)
    assert classify(fault, 'GET', Policy()) is chance


def test_the_worst_case_is_that_of_one_url() -> None:
    """Unless there are more."""
    assert patience(Policy()) == patience(Policy(), 1) != patience(Policy(), 2)
