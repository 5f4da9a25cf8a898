"""The reasons why a download failed, as values.

Pure. A fault is a frozen dataclass in a `returns.result.Failure` or in an event; it becomes an
exception only in `dlmachine.errors`. The faults are sorted by who has to act: the caller, the
operators of the server or of the network, or the owner of this computer. Texts in faults contain no
secrets.
"""

from typing import Final, TypeAlias, get_args

from dlmachine.core.faults.access import CertificateUnusable, JarUnusable, SecretUnavailable
from dlmachine.core.faults.archives import (
    ArchiveFault,
    ArchiveRefused,
    MemberNotNamed,
    MemberUnknown,
    PasswordRefused,
)
from dlmachine.core.faults.base import FaultBase, Party
from dlmachine.core.faults.caller import (
    BackendMissing,
    CallerFault,
    Cancelled,
    ChecksumUnknown,
    DestinationUnusable,
    InvalidInput,
    LockOutdated,
    OfflineMiss,
    SchemeRefused,
    UnknownName,
    WindowUnsatisfiable,
    refuse,
)
from dlmachine.core.faults.local import (
    Bug,
    CacheUnusable,
    LockBusyTooLong,
    MachineFault,
    StorageFailed,
    WorkerLost,
)
from dlmachine.core.faults.network import (
    BodyTruncated,
    ConnectionFailed,
    NetworkFault,
    TimedOut,
    TlsFailed,
)
from dlmachine.core.faults.route import (
    AddressRefused,
    ProxyLoginRefused,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUnusable,
    RouteFault,
)
from dlmachine.core.faults.server import (
    AnswerUnusable,
    BodyTooLarge,
    ContentRefused,
    DigestMismatch,
    HttpStatus,
    LockMismatch,
    LoginFailed,
    RedirectRefused,
    ServerFault,
)
from dlmachine.core.faults.source import (
    DoiNotFound,
    FileUnreadable,
    SourceFault,
    SourceUnusable,
)

Fault: TypeAlias = (
    CallerFault
    | SourceFault
    | ServerFault
    | NetworkFault
    | RouteFault
    | MachineFault
    | ArchiveFault
)

#: Every fault, sorted by who must act.
FAULTS: Final[tuple[type[FaultBase], ...]] = get_args(Fault)

__all__ = [
    'FAULTS',
    'AddressRefused',
    'AnswerUnusable',
    'ArchiveFault',
    'ArchiveRefused',
    'BackendMissing',
    'BodyTooLarge',
    'BodyTruncated',
    'Bug',
    'CacheUnusable',
    'CallerFault',
    'Cancelled',
    'CertificateUnusable',
    'ChecksumUnknown',
    'ConnectionFailed',
    'ContentRefused',
    'DestinationUnusable',
    'DigestMismatch',
    'DoiNotFound',
    'Fault',
    'FaultBase',
    'FileUnreadable',
    'HttpStatus',
    'InvalidInput',
    'JarUnusable',
    'LockBusyTooLong',
    'LockMismatch',
    'LockOutdated',
    'LoginFailed',
    'MachineFault',
    'MemberNotNamed',
    'MemberUnknown',
    'NetworkFault',
    'OfflineMiss',
    'Party',
    'PasswordRefused',
    'ProxyLoginRefused',
    'ProxyRefused',
    'ProxyUnreachable',
    'ProxyUnusable',
    'RedirectRefused',
    'RouteFault',
    'SchemeRefused',
    'SecretUnavailable',
    'ServerFault',
    'SourceFault',
    'SourceUnusable',
    'StorageFailed',
    'TimedOut',
    'TlsFailed',
    'UnknownName',
    'WindowUnsatisfiable',
    'WorkerLost',
    'refuse',
]
