"""Errors: faults as exceptions, at the outer edge only.

DownloadError               any failure; carries the Fault
    RequestError            the request or the options are wrong (caller)
        OfflineMissError    `offline` is set, and the file is not in the cache
    CancelledError          the caller cancelled the download
    ServerError             the server responded, but not with the requested file
        NotFoundError       404, 410
        AuthError           401, 403, 407
        RateLimitedError    429
        IntegrityError      the received bytes are not the expected ones
    NetworkError            no connection, or a broken one
        TimeoutExpired      a time limit expired
    LocalError              a disk, a lock or the registry of this computer
    ArchiveError            a packed file is damaged, not supported or not safe to unpack
"""

from typing import TYPE_CHECKING, Any, Never, TypeVar, assert_never, cast

from returns.io import IOFailure, IOResult, IOSuccess
from returns.result import Failure, Result, Success

from dlmachine.core import faults
from dlmachine.core.deprecation import renamed

Value = TypeVar('Value')


class DownloadError(Exception):
    """A download failed.

    The message says what failed, for which URL, after how many requests, and what to do; `fault`
    is the same as a value. If known, `url` is the requested URL (masked), `status` the status of
    the response, `errno` the system's error number, and `filename` the file. `body` is the
    beginning of an error response's body as text, and `json` the same parsed as JSON.

    >>> from dlmachine.core.faults import HttpStatus
    >>> error = error_for(faults.HttpStatus(url='https://h/', status=404))
    >>> print(error)
    https://h/: the server answered 404. Check the URL, or add a mirror with mirrors=
    >>> error.url, error.status
    ('https://h/', 404)
    """

    #: Like those of OSError.
    errno: int | None
    filename: Any

    def __init__(self, fault: faults.Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.url = fault.url or None
        self.status = getattr(fault, 'status', None)
        self.body = getattr(fault, 'body', None)
        self.json = getattr(fault, 'json', None)
        self.errno = getattr(fault, 'errno', None)
        self.filename = getattr(fault, 'filename', None)

    def __reduce__(self) -> tuple[type['DownloadError'], tuple[faults.Fault]]:
        """Pickle by the fault."""
        return type(self), (self.fault,)


class RequestError(DownloadError, ValueError):
    """The request or the options are wrong; change the call."""


class OfflineMissError(RequestError):
    """`offline` is set, and the file is not in the cache."""


class CancelledError(DownloadError):
    """The caller cancelled the download; the next one resumes the bytes received so far."""


class ServerError(DownloadError):
    """The server responded, but not with the requested file."""


class NotFoundError(ServerError):
    """The file does not exist (404) or was removed for good (410)."""


class AuthError(ServerError):
    """Credentials are missing or not sufficient (401, 403, 407)."""


class RateLimitedError(ServerError):
    """Too many requests (429)."""


class IntegrityError(ServerError):
    """The received bytes are not the expected ones; nothing was stored."""


class NetworkError(DownloadError, OSError):
    """There was no connection, or it broke."""

    def __str__(self) -> str:
        """The message; OSError would show it as a tuple."""
        return str(self.fault)


class TimeoutExpired(NetworkError, TimeoutError):  # noqa: N818 -- the name in subprocess
    """A time limit expired."""


class LocalError(DownloadError, OSError):
    """A disk, a lock or the registry of this computer failed."""

    def __str__(self) -> str:
        """The message; OSError would show it as a tuple."""
        return str(self.fault)


class ArchiveError(DownloadError, ValueError):
    """A packed file is damaged, of an unsupported kind, or not safe to unpack."""


_BY_STATUS: dict[int, type[ServerError]] = {
    401: AuthError,
    403: AuthError,
    404: NotFoundError,
    407: AuthError,
    410: NotFoundError,
    429: RateLimitedError,
}
_BY_PARTY: dict[faults.Party, type[DownloadError]] = {
    faults.Party.CALLER: RequestError,
    faults.Party.SERVER: ServerError,
    faults.Party.NETWORK: NetworkError,
    faults.Party.LOCAL: LocalError,
}


def unwrap(done: Result[Value, faults.Fault] | IOResult[Value, faults.Fault]) -> Value:
    """Return the value of a result of `plan`, `execute` or `read_manifest`.

    The result's own `unwrap` does not show the fault. Raises: DownloadError for a fault.

    >>> from dlmachine.manifest import read_manifest
    >>> unwrap(read_manifest('nothing.txt'))
    Traceback (most recent call last):
        ...
    dlmachine.errors.RequestError: nothing.txt cannot be read: No such file or directory
    """
    # The patterns take a fifth of the calls that the methods of results take.
    match done:
        case Success(value) | IOSuccess(Success(value)):
            found: Value = value
            return found
        case Failure(fault) | IOFailure(Failure(fault)):
            raise error_for(fault)
        case _:
            assert_never(cast('Never', done))


def error_for(fault: faults.Fault) -> DownloadError:
    """The exception for a fault."""
    match fault:
        case faults.HttpStatus(status=status):
            return _BY_STATUS.get(status, ServerError)(fault)
        case faults.DigestMismatch() | faults.LockMismatch() | faults.ContentRefused():
            return IntegrityError(fault)
        case faults.LoginFailed():
            return AuthError(fault)
        case faults.ArchiveRefused():
            return ArchiveError(fault)
        case faults.TimedOut():
            return TimeoutExpired(fault)
        case faults.Cancelled():
            return CancelledError(fault)
        case faults.OfflineMiss():
            return OfflineMissError(fault)
        case _:
            return _BY_PARTY[fault.party](fault)


if not TYPE_CHECKING:  # Type checkers would accept any name.
    __getattr__ = renamed(globals(), MachineError='LocalError')
