"""Exit codes: wget's, and some of dlmachine's own, in one table."""

from typing import Final

from dlmachine.core.faults import (
    AnswerUnusable,
    BackendMissing,
    BodyTooLarge,
    BodyTruncated,
    Bug,
    CacheUnusable,
    Cancelled,
    ChecksumUnknown,
    ConnectionFailed,
    ContentRefused,
    DestinationUnusable,
    DigestMismatch,
    Fault,
    FaultBase,
    HttpStatus,
    InvalidInput,
    LockBusyTooLong,
    LockMismatch,
    LockOutdated,
    OfflineMiss,
    RedirectRefused,
    SchemeRefused,
    StorageFailed,
    TimedOut,
    TlsFailed,
    UnknownName,
    WindowUnsatisfiable,
    WorkerLost,
)

OK: Final = 0
GENERIC: Final = 1
USAGE: Final = 2
FILES: Final = 3
NETWORK: Final = 4
TLS: Final = 5
AUTH: Final = 6
PROTOCOL: Final = 7
SERVER: Final = 8
INTEGRITY: Final = 9
CHANGES_PENDING: Final = 10
OFFLINE_MISS: Final = 11
PARTIAL: Final = 12
BUSY: Final = 13
CANCELLED: Final = 130  # as after Ctrl-C

CODES: Final[dict[type[FaultBase], int]] = {
    InvalidInput: USAGE,
    UnknownName: USAGE,
    BackendMissing: USAGE,
    SchemeRefused: USAGE,
    OfflineMiss: OFFLINE_MISS,
    WindowUnsatisfiable: GENERIC,
    DestinationUnusable: FILES,
    ChecksumUnknown: INTEGRITY,
    LockOutdated: CHANGES_PENDING,
    Cancelled: CANCELLED,
    HttpStatus: SERVER,
    RedirectRefused: PROTOCOL,
    AnswerUnusable: PROTOCOL,
    BodyTooLarge: PROTOCOL,
    DigestMismatch: INTEGRITY,
    LockMismatch: INTEGRITY,
    ContentRefused: INTEGRITY,
    ConnectionFailed: NETWORK,
    TlsFailed: TLS,
    TimedOut: NETWORK,
    BodyTruncated: NETWORK,
    CacheUnusable: FILES,
    StorageFailed: FILES,
    LockBusyTooLong: BUSY,
    WorkerLost: GENERIC,
    Bug: GENERIC,
}
_AUTH_STATUSES: Final = frozenset({401, 403, 407})


def exit_code(fault: Fault) -> int:
    """The exit code for a fault.

    >>> exit_code(HttpStatus(url='', status=403)), exit_code(HttpStatus(url='', status=404))
    (6, 8)
    """
    if isinstance(fault, HttpStatus) and fault.status in _AUTH_STATUSES:
        return AUTH
    return CODES[type(fault)]
