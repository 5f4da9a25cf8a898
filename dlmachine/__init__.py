"""dlmachine: a cache-aware download manager whose decisions can be read before they happen.

Importing it loads no backend, writes nothing and configures nothing: the heavy parts load
on first use (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dlmachine.core import version

__version__ = version.VERSION

if TYPE_CHECKING:
    from dlmachine.auditor import AuditRow, AuditStatus, audit
    from dlmachine.batch import BatchItem
    from dlmachine.core.checksums import Checksum
    from dlmachine.core.decide import Reason, Verdict
    from dlmachine.core.faults import Fault
    from dlmachine.core.outcome import Origin, Outcome
    from dlmachine.core.plan import Plan, plan
    from dlmachine.core.policy import CheckMethod, Policy, Window
    from dlmachine.core.record import DownloadRecord
    from dlmachine.core.snapshot import Snapshot
    from dlmachine.descriptor import Descriptor
    from dlmachine.downloaders import CurlDownloader, RequestsDownloader
    from dlmachine.errors import (
        AuthError,
        CancelledError,
        DownloadError,
        IntegrityError,
        MachineError,
        NetworkError,
        NotFoundError,
        OfflineMissError,
        RateLimitedError,
        RequestError,
        ServerError,
        TimeoutExpired,
        unwrap,
    )
    from dlmachine.executor import execute
    from dlmachine.manager import DownloadManager
    from dlmachine.manifest import Item, read_manifest

_HOMES = {
    'AuditRow': 'auditor',
    'AuditStatus': 'auditor',
    'AuthError': 'errors',
    'BatchItem': 'batch',
    'CancelledError': 'errors',
    'CheckMethod': 'core.policy',
    'Checksum': 'core.checksums',
    'CurlDownloader': 'downloaders',
    'Descriptor': 'descriptor',
    'DownloadError': 'errors',
    'DownloadManager': 'manager',
    'DownloadRecord': 'core.record',
    'Fault': 'core.faults',
    'IntegrityError': 'errors',
    'Item': 'manifest',
    'MachineError': 'errors',
    'NetworkError': 'errors',
    'NotFoundError': 'errors',
    'OfflineMissError': 'errors',
    'Origin': 'core.outcome',
    'Outcome': 'core.outcome',
    'Plan': 'core.plan',
    'Policy': 'core.policy',
    'RateLimitedError': 'errors',
    'Reason': 'core.decide',
    'RequestError': 'errors',
    'RequestsDownloader': 'downloaders',
    'ServerError': 'errors',
    'Snapshot': 'core.snapshot',
    'TimeoutExpired': 'errors',
    'Verdict': 'core.decide',
    'Window': 'core.policy',
    'audit': 'auditor',
    'execute': 'executor',
    'plan': 'core.plan',
    'read_manifest': 'manifest',
    'unwrap': 'errors',
}

__all__ = [
    'AuditRow',
    'AuditStatus',
    'AuthError',
    'BatchItem',
    'CancelledError',
    'CheckMethod',
    'Checksum',
    'CurlDownloader',
    'Descriptor',
    'DownloadError',
    'DownloadManager',
    'DownloadRecord',
    'Fault',
    'IntegrityError',
    'Item',
    'MachineError',
    'NetworkError',
    'NotFoundError',
    'OfflineMissError',
    'Origin',
    'Outcome',
    'Plan',
    'Policy',
    'RateLimitedError',
    'Reason',
    'RequestError',
    'RequestsDownloader',
    'ServerError',
    'Snapshot',
    'TimeoutExpired',
    'Verdict',
    'Window',
    '__version__',
    'audit',
    'execute',
    'plan',
    'read_manifest',
    'unwrap',
]


def __getattr__(name: str) -> Any:
    """Load the home of a public name on first use."""
    home = _HOMES.get(name)
    if home is None:
        msg = f'module {__name__!r} has no attribute {name!r}'
        raise AttributeError(msg)
    value = getattr(import_module(f'{__name__}.{home}'), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
