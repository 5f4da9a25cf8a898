"""dlmachine: download files into a versioned cache, and see beforehand what a download would do.

Importing it loads no backend, writes nothing and configures nothing; heavy modules are loaded on
first use (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dlmachine.core import version

__version__ = version.VERSION

if TYPE_CHECKING:
    from dlmachine.asynchronous.manager import AsyncDownloadManager
    from dlmachine.auditor import audit
    from dlmachine.batch.items import BatchFailure, BatchItem, BatchSuccess
    from dlmachine.batch.results import Results
    from dlmachine.core.access.login_recipe import Login
    from dlmachine.core.archives.member import Member, MemberKind
    from dlmachine.core.cache.record import DownloadRecord
    from dlmachine.core.decision.snapshot import Snapshot
    from dlmachine.core.decision.verdict import Reason, Verdict
    from dlmachine.core.faults import Fault
    from dlmachine.core.integrity.checksum import Checksum
    from dlmachine.core.manifest.item import Item
    from dlmachine.core.plan.audit_row import AuditRow, AuditStatus
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
        ArchiveError,
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
    from dlmachine.integrations.pooch import pooch_downloader
    from dlmachine.locks.downloads import LockReport
    from dlmachine.manager import DownloadManager
    from dlmachine.manifest import read_manifest
    from dlmachine.notebooks.rows import RowList, Rows
    from dlmachine.options.types import DescriptorOptions, DownloadOptions, ManagerOptions
    from dlmachine.reading.extract import Extracted, extract
    from dlmachine.reading.open_file import members, open_file

#: The public names of each module.
_NAMES = {
    'asynchronous.manager': 'AsyncDownloadManager',
    'auditor': 'audit',
    'batch.items': 'BatchFailure BatchItem BatchSuccess',
    'batch.results': 'Results',
    'core.access.login_recipe': 'Login',
    'core.archives.member': 'Member MemberKind',
    'core.cache.record': 'DownloadRecord',
    'core.decision.decide': 'Reason Verdict',
    'core.decision.snapshot': 'Snapshot',
    'core.faults': 'Fault',
    'core.integrity.checksum': 'Checksum',
    'core.manifest.item': 'Item',
    'core.plan.audit_row': 'AuditRow AuditStatus',
    'core.plan.plan': 'Plan plan',
    'core.probe.result': 'ProbeResult ProbeStatus',
    'core.protocol.outcome': 'Origin Outcome',
    'core.protocol.progress': (
        'BatchStarted DownloadAdvanced DownloadFailed DownloadFinished DownloadStarted '
        'DownloadWaiting ProgressEvent'
    ),
    'core.spec.policy': 'CheckMethod Policy Window',
    'default_manager': 'download download_all fetch',
    'descriptor': 'Descriptor',
    'downloaders': 'CurlDownloader RequestsDownloader',
    'errors': (
        'ArchiveError AuthError CancelledError DownloadError IntegrityError LocalError '
        'NetworkError NotFoundError OfflineMissError RateLimitedError RequestError ServerError '
        'TimeoutExpired unwrap'
    ),
    'execution.run': 'execute',
    'integrations.pooch': 'pooch_downloader',
    'locks.downloads': 'LockReport',
    'manager': 'DownloadManager',
    'manifest': 'read_manifest',
    'notebooks.rows': 'RowList Rows',
    'reading.extract': 'Extracted extract',
    'reading.open_file': 'members open_file',
    'options.types': 'DescriptorOptions DownloadOptions ManagerOptions',
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = [
    'ArchiveError',
    'AsyncDownloadManager',
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
    'Extracted',
    'Fault',
    'IntegrityError',
    'Item',
    'LocalError',
    'LockReport',
    'Login',
    'ManagerOptions',
    'Member',
    'MemberKind',
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
    'RowList',
    'Rows',
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
    'extract',
    'fetch',
    'members',
    'open_file',
    'plan',
    'pooch_downloader',
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
            return renamed(globals(), **_RENAMED)(name)
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        value = getattr(import_module(f'{__name__}.{home}'), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
