"""Errors: each fault has its exception, which says it and survives pickling."""

import pickle
from datetime import timedelta

import pytest

from dlmachine import errors
from dlmachine.core import faults

CASES = [
    (faults.InvalidInput(where='w', problem='p', advice='a'), errors.RequestError),
    (faults.UnknownName(name='n', nearest='m'), errors.RequestError),
    (faults.OfflineMiss(url='u', cache='/c'), errors.OfflineMissError),
    (faults.Cancelled(tries=2), errors.CancelledError),
    (faults.HttpStatus(url='u', status=404, tries=2), errors.NotFoundError),
    (faults.HttpStatus(url='u', status=403), errors.AuthError),
    (
        faults.HttpStatus(url='u', status=429, retry_after=timedelta(seconds=3)),
        errors.RateLimitedError,
    ),
    (faults.HttpStatus(url='u', status=500), errors.ServerError),
    (
        faults.DigestMismatch(url='u', algorithm='md5', expected='a', actual='b'),
        errors.IntegrityError,
    ),
    (faults.ConnectionFailed(url='u', phase='resolve'), errors.NetworkError),
    (faults.TimedOut(url='u', phase='stall', limit=timedelta(seconds=3)), errors.TimeoutExpired),
    (faults.StorageFailed(path='p', operation='write', problem='full'), errors.MachineError),
]


@pytest.mark.parametrize(('fault', 'kind'), CASES, ids=lambda value: getattr(value, 'code', ''))
def test_faults_become_errors(fault: faults.Fault, kind: type[errors.DownloadError]) -> None:
    """The exception carries the fault, has its words as message, and pickles."""
    error = errors.error_for(fault)
    again = pickle.loads(pickle.dumps(error))

    assert (type(error), str(error), error.fault) == (kind, str(fault), fault)
    assert (type(again), again.fault) == (kind, fault)
    assert isinstance(error, errors.DownloadError)


def test_errors_are_also_what_python_has_for_them() -> None:
    """A caller's mistake is a ValueError, a broken network an OSError, a limit a TimeoutError."""
    assert issubclass(errors.RequestError, ValueError)
    assert issubclass(errors.NetworkError, OSError)
    assert issubclass(errors.TimeoutExpired, TimeoutError)


@pytest.mark.parametrize(
    ('fault', 'told'),
    [
        (faults.HttpStatus(url='u', status=404), ('u', 404, None, None)),
        (
            faults.StorageFailed(
                path='/d/.dlmachine/0.part', destination='/d/x', url='u', operation='write',
                problem='full', errno=28,
            ),
            ('u', None, 28, '/d/x'),
        ),
        (faults.DestinationUnusable(path='/d', problem='p'), (None, None, None, '/d')),
        (faults.CacheUnusable(path='/c', problem='p'), (None, None, None, '/c')),
        (faults.ConnectionFailed(url='u', phase='connect', errno=111), ('u', None, 111, None)),
        (faults.TimedOut(url='u', phase='stall', limit=timedelta(1)), ('u', None, None, None)),
        (faults.InvalidInput(where='w', problem='p'), (None, None, None, None)),
    ],
    ids=lambda value: getattr(value, 'code', ''),
)  # fmt: skip
def test_errors_carry_url_status_and_file(
    fault: faults.Fault, told: tuple[str | None, int | None, int | None, str | None]
) -> None:
    """URL, status, number and file, before and after a pickle; None where there is none."""
    error = errors.error_for(fault)
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert (one.url, one.status, one.errno, one.filename) == told
