"""Exit codes: wget's, and some of dlmachine's own, in one table."""

from typing import Final

from dlmachine.core import faults

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

CODES: Final[dict[type[faults.FaultBase], int]] = {
    faults.InvalidInput: USAGE,
    faults.SecretUnavailable: AUTH,
    faults.JarUnusable: FILES,
    faults.CertificateUnusable: TLS,
    faults.LoginFailed: AUTH,
    faults.UnknownName: USAGE,
    faults.BackendMissing: USAGE,
    faults.SchemeRefused: USAGE,
    faults.OfflineMiss: OFFLINE_MISS,
    faults.WindowUnsatisfiable: GENERIC,
    faults.DestinationUnusable: FILES,
    faults.ChecksumUnknown: INTEGRITY,
    faults.LockOutdated: CHANGES_PENDING,
    faults.Cancelled: CANCELLED,
    faults.DoiNotFound: SERVER,
    faults.SourceUnusable: USAGE,
    faults.FileUnreadable: FILES,
    faults.HttpStatus: SERVER,
    faults.RedirectRefused: PROTOCOL,
    faults.AnswerUnusable: PROTOCOL,
    faults.BodyTooLarge: PROTOCOL,
    faults.DigestMismatch: INTEGRITY,
    faults.LockMismatch: INTEGRITY,
    faults.ContentRefused: INTEGRITY,
    faults.ConnectionFailed: NETWORK,
    faults.TlsFailed: TLS,
    faults.TimedOut: NETWORK,
    faults.BodyTruncated: NETWORK,
    faults.ProxyUnreachable: NETWORK,
    faults.ProxyLoginRefused: AUTH,
    faults.ProxyRefused: NETWORK,
    faults.ProxyUnusable: NETWORK,
    faults.AddressRefused: USAGE,
    faults.CacheUnusable: FILES,
    faults.StorageFailed: FILES,
    faults.LockBusyTooLong: BUSY,
    faults.WorkerLost: GENERIC,
    faults.Bug: GENERIC,
    faults.MemberUnknown: USAGE,
    faults.MemberNotNamed: USAGE,
    faults.PasswordRefused: AUTH,
    faults.ArchiveRefused: INTEGRITY,
}
_AUTH_STATUSES: Final = frozenset({401, 403, 407})


def exit_code(fault: faults.Fault) -> int:
    """The exit code for a fault.

    >>> [exit_code(faults.HttpStatus(url='', status=status)) for status in (403, 404)]
    [6, 8]
    """
    if isinstance(fault, faults.HttpStatus) and fault.status in _AUTH_STATUSES:
        return AUTH
    return CODES[type(fault)]
