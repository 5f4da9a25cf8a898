"""Errors: each fault has its exception, which shows it and survives pickling."""

import errno
import pickle
import socket
from datetime import timedelta

import pytest

from dlmachine import DownloadManager, errors
from dlmachine.core import faults
from tests.servers import behaviours
from tests.servers.http import Server

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
    (faults.StorageFailed(path='p', operation='write', problem='full'), errors.LocalError),
]


@pytest.mark.parametrize(('fault', 'kind'), CASES, ids=lambda value: getattr(value, 'code', ''))
def test_faults_become_errors(fault: faults.Fault, kind: type[errors.DownloadError]) -> None:
    """The exception carries the fault, has its text as message, and pickles."""
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
    ('fault', 'reported'),
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
    fault: faults.Fault, reported: tuple[str | None, int | None, int | None, str | None]
) -> None:
    """URL, status, number and file, before and after a pickle; None where there is none."""
    error = errors.error_for(fault)
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert (one.url, one.status, one.errno, one.filename) == reported


@pytest.mark.parametrize(
    'fault',
    [
        faults.DestinationUnusable(path='/d', problem='p'),
        faults.CacheUnusable(path='/d', problem='p'),
    ],
)
def test_a_fault_about_a_file_names_it(
    fault: faults.DestinationUnusable | faults.CacheUnusable,
) -> None:
    """By the same attribute as a failed write."""
    assert fault.filename == '/d'


def test_a_refused_connection_has_the_number_of_the_system(manager: DownloadManager) -> None:
    """With each backend."""
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        with pytest.raises(errors.NetworkError) as caught:
            manager.download(f'http://127.0.0.1:{unused.getsockname()[1]}/x', retries=0)
    assert caught.value.errno == errno.ECONNREFUSED


def test_a_reset_connection_has_the_number_of_the_system(
    manager: DownloadManager, server: Server
) -> None:
    """Before a response, and within its body."""
    server.on('/none', behaviours.raw(ends='reset'))
    server.on('/half', behaviours.short(b'abc', 10, ends='reset'))
    for path in ('/none', '/half'):
        with pytest.raises(errors.NetworkError) as caught:
            manager.download(server.url(path), retries=0)
        assert caught.value.errno == errno.ECONNRESET, path


def test_an_unknown_host_has_no_number_of_the_system(manager: DownloadManager) -> None:
    """Resolvers have their own numbers, with other meanings."""
    with pytest.raises(errors.NetworkError) as caught:
        manager.download('http://nothing.invalid/x', retries=0)
    fault = caught.value.fault
    assert isinstance(fault, faults.ConnectionFailed)
    assert (fault.phase, caught.value.errno) == ('resolve', None)


@pytest.mark.parametrize('size', [70_000, 150_000, 400_000])
def test_a_header_line_that_is_too_long_is_named(
    manager: DownloadManager, server: Server, size: int
) -> None:
    """Also where libcurl does not pass it on."""
    server.on('/x', behaviours.respond(200, (('X-Long', 'a' * size),), b'x'))
    with pytest.raises(errors.ServerError, match='sent a header line of more than 65,536 bytes'):
        manager.download(server.url('/x'), retries=0)


def test_a_long_trailer_field_is_named(
    manager: DownloadManager, server: Server, backend: str
) -> None:
    """The library has a limit of its own, which the error states."""
    start = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n'
    url = server.on('/x.csv', behaviours.raw(start + b'X: ' + b'y' * 5_000 + b'\r\n\r\n'))
    if backend == 'requests':
        assert manager.download(url, False, retries=0).getvalue() == b'x'
    else:
        with pytest.raises(errors.ServerError, match='a trailer field of more than 4,096 bytes'):
            manager.download(url, False, retries=0)
