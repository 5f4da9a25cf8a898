"""Exit codes: one table from faults to the numbers that scripts ask for.

0 to 8 mean what they mean to wget; the others are for what wget does not do.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from dlmachine.core.faults import (
    AnswerUnusable,
    BackendMissing,
    BodyTooLarge,
    BodyTruncated,
    Bug,
    CacheUnusable,
    ConnectionFailed,
    DestinationUnusable,
    DigestMismatch,
    Fault,
    FaultBase,
    HttpStatus,
    InvalidInput,
    LockBusyTooLong,
    OfflineMiss,
    RedirectRefused,
    SchemeRefused,
    StorageFailed,
    TimedOut,
    TlsFailed,
    UnknownName,
    WindowUnsatisfiable,
)


class ExitCode(IntEnum):
    """What the process ends with."""

    OK = 0
    #: Whatever has no number of its own.
    GENERIC = 1
    #: The command, the configuration or the manifest is wrong.
    USAGE = 2
    #: A file, a folder or the cache can not be read or written.
    FILE_IO = 3
    NETWORK = 4
    TLS = 5
    #: The server or the proxy wants (other) credentials: 401, 403, 407.
    AUTH = 6
    #: The server's answer makes no sense, or leads nowhere.
    PROTOCOL = 7
    #: The server answered with an error, or with more than is allowed.
    SERVER = 8
    #: The bytes are not those that were promised, or no longer those that were stored.
    INTEGRITY = 9
    #: Nothing is wrong, but something would be downloaded.
    PENDING = 10
    OFFLINE_MISS = 11
    #: Some of many downloads failed.
    PARTIAL = 12
    #: Another process downloads the same, and went on doing so.
    BUSY = 13
    INTERRUPTED = 130
    BROKEN_PIPE = 141


BY_FAULT: Final[Mapping[type[FaultBase], ExitCode]] = {
    InvalidInput: ExitCode.USAGE,
    UnknownName: ExitCode.USAGE,
    BackendMissing: ExitCode.GENERIC,
    SchemeRefused: ExitCode.USAGE,
    OfflineMiss: ExitCode.OFFLINE_MISS,
    WindowUnsatisfiable: ExitCode.GENERIC,
    DestinationUnusable: ExitCode.FILE_IO,
    HttpStatus: ExitCode.SERVER,
    RedirectRefused: ExitCode.PROTOCOL,
    AnswerUnusable: ExitCode.PROTOCOL,
    BodyTooLarge: ExitCode.SERVER,
    DigestMismatch: ExitCode.INTEGRITY,
    ConnectionFailed: ExitCode.NETWORK,
    TlsFailed: ExitCode.TLS,
    TimedOut: ExitCode.NETWORK,
    BodyTruncated: ExitCode.NETWORK,
    CacheUnusable: ExitCode.FILE_IO,
    StorageFailed: ExitCode.FILE_IO,
    LockBusyTooLong: ExitCode.BUSY,
    Bug: ExitCode.GENERIC,
}

BY_STATUS: Final[Mapping[int, ExitCode]] = {
    401: ExitCode.AUTH,
    403: ExitCode.AUTH,
    407: ExitCode.AUTH,
}


def exit_code(fault: Fault) -> ExitCode:
    """The exit code for one fault.

    >>> exit_code(HttpStatus(url='http://h/x', status=403))
    <ExitCode.AUTH: 6>
    """
    if isinstance(fault, HttpStatus):
        return BY_STATUS.get(fault.status, BY_FAULT[HttpStatus])
    return BY_FAULT[type(fault)]


def batch_exit_code(results: Iterable[Fault | None]) -> ExitCode:
    """The exit code for many downloads, None standing for one that went well.

    All well: 0. Some well: 12. None well: the code that all have, or else 1.

    >>> batch_exit_code([None, HttpStatus(url='http://h/x', status=404)])
    <ExitCode.PARTIAL: 12>
    """
    codes = {ExitCode.OK if fault is None else exit_code(fault) for fault in results}
    if codes <= {ExitCode.OK}:
        return ExitCode.OK
    if ExitCode.OK in codes:
        return ExitCode.PARTIAL
    return codes.pop() if len(codes) == 1 else ExitCode.GENERIC
