"""dlmachine: download files into a versioned cache, and see beforehand what a download would do.

Importing it loads no backend, writes nothing and configures nothing; heavy modules are loaded on
first use (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dlmachine.core import version

__version__ = version.VERSION

if TYPE_CHECKING:
    from dlmachine.auditor import AuditRow, AuditStatus, audit
    from dlmachine.batch.items import BatchFailure, BatchItem, BatchSuccess
    from dlmachine.batch.results import Results
    from dlmachine.core.cache.record import DownloadRecord
    from dlmachine.core.decision.snapshot import Snapshot
    from dlmachine.core.decision.verdict import Reason, Verdict
    from dlmachine.core.faults import Fault
    from dlmachine.core.integrity.checksum import Checksum
    from dlmachine.core.plan.plan import Plan, plan
    from dlmachine.core.probe.result import ProbeResult, ProbeStatus
    from dlmachine.core.protocol.outcome import Origin, Outcome
    from dlmachine.core.protocol.progress import (
        BatchStarted,
        DownloadAdvanced,
        DownloadFailed,
        DownloadFinished,
        DownloadStarted,
        DownloadWaiting,
        ProgressEvent,
    )
    from dlmachine.core.spec.policy import Policy
    from dlmachine.core.spec.reuse import CheckMethod, Window
    from dlmachine.default_manager import download, download_all, fetch
    from dlmachine.descriptor import Descriptor
    from dlmachine.downloaders import CurlDownloader, RequestsDownloader
    from dlmachine.errors import (
        AuthError,
        CancelledError,
        DownloadError,
        IntegrityError,
        LocalError,
        NetworkError,
        NotFoundError,
        OfflineMissError,
        RateLimitedError,
        RequestError,
        ServerError,
        TimeoutExpired,
        unwrap,
    )
    from dlmachine.execution.run import execute
    from dlmachine.locks.downloads import LockReport
    from dlmachine.manager import DownloadManager
    from dlmachine.manifest import Item, read_manifest
    from dlmachine.options.types import DescriptorOptions, DownloadOptions, ManagerOptions

_HOMES = {
    'AuditRow': 'auditor',
    'AuditStatus': 'auditor',
    'AuthError': 'errors',
    'BatchFailure': 'batch.items',
    'BatchItem': 'batch.items',
    'BatchStarted': 'core.protocol.progress',
    'BatchSuccess': 'batch.items',
    'CancelledError': 'errors',
    'CheckMethod': 'core.spec.policy',
    'Checksum': 'core.integrity.checksum',
    'CurlDownloader': 'downloaders',
    'Descriptor': 'descriptor',
    'DescriptorOptions': 'options.types',
    'DownloadAdvanced': 'core.protocol.progress',
    'DownloadError': 'errors',
    'DownloadFailed': 'core.protocol.progress',
    'DownloadFinished': 'core.protocol.progress',
    'DownloadManager': 'manager',
    'DownloadOptions': 'options.types',
    'DownloadRecord': 'core.cache.record',
    'DownloadStarted': 'core.protocol.progress',
    'DownloadWaiting': 'core.protocol.progress',
    'Fault': 'core.faults',
    'IntegrityError': 'errors',
    'Item': 'manifest',
    'LockReport': 'locks.downloads',
    'LocalError': 'errors',
    'ManagerOptions': 'options.types',
    'NetworkError': 'errors',
    'NotFoundError': 'errors',
    'OfflineMissError': 'errors',
    'Origin': 'core.protocol.outcome',
    'Outcome': 'core.protocol.outcome',
    'Plan': 'core.plan.plan',
    'Policy': 'core.spec.policy',
    'ProbeResult': 'core.probe.result',
    'ProbeStatus': 'core.probe.result',
    'ProgressEvent': 'core.protocol.progress',
    'RateLimitedError': 'errors',
    'Reason': 'core.decision.decide',
    'RequestError': 'errors',
    'RequestsDownloader': 'downloaders',
    'Results': 'batch.results',
    'ServerError': 'errors',
    'Snapshot': 'core.decision.snapshot',
    'TimeoutExpired': 'errors',
    'Verdict': 'core.decision.decide',
    'Window': 'core.spec.policy',
    'audit': 'auditor',
    'download': 'default_manager',
    'download_all': 'default_manager',
    'execute': 'execution.run',
    'fetch': 'default_manager',
    'plan': 'core.plan.plan',
    'read_manifest': 'manifest',
    'unwrap': 'errors',
}

__all__ = [
    'AuditRow',
    'AuditStatus',
    'AuthError',
    'BatchFailure',
    'BatchItem',
    'BatchStarted',
    'BatchSuccess',
    'CancelledError',
    'CheckMethod',
    'Checksum',
    'CurlDownloader',
    'Descriptor',
    'DescriptorOptions',
    'DownloadAdvanced',
    'DownloadError',
    'DownloadFailed',
    'DownloadFinished',
    'DownloadManager',
    'DownloadOptions',
    'DownloadRecord',
    'DownloadStarted',
    'DownloadWaiting',
    'Fault',
    'IntegrityError',
    'Item',
    'LocalError',
    'LockReport',
    'ManagerOptions',
    'NetworkError',
    'NotFoundError',
    'OfflineMissError',
    'Origin',
    'Outcome',
    'Plan',
    'Policy',
    'ProbeResult',
    'ProbeStatus',
    'ProgressEvent',
    'RateLimitedError',
    'Reason',
    'RequestError',
    'RequestsDownloader',
    'Results',
    'ServerError',
    'Snapshot',
    'TimeoutExpired',
    'Verdict',
    'Window',
    '__version__',
    'audit',
    'download',
    'download_all',
    'execute',
    'fetch',
    'plan',
    'read_manifest',
    'unwrap',
]


#: Former public names, which still work with a warning.
_RENAMED = {'MachineError': 'LocalError'}


if not TYPE_CHECKING:  # Type checkers would accept any name.

    def __getattr__(name: str) -> Any:
        """Import the module of a public name on first use."""
        if name in _RENAMED:
            from dlmachine.core.deprecation import renamed

            __getattr__(_RENAMED[name])
            return renamed(globals(), _RENAMED)(name)
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
