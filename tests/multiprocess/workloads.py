"""Workloads: what a child process does, and what it reports.

The parent of all children imports this module and everything that a download needs, so that each
child starts at once.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

import filelock  # noqa: F401 -- loaded once for all children

import dlmachine_adapters.cachedir.store
import dlmachine_adapters.requests_backend.transport
from dlmachine.cli.exit_codes import exit_code
from dlmachine.core.protocol.effects import AcquireLock, Exchange, Wait
from dlmachine.core.protocol.events import Interrupted, LockAcquired, Responded
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager

with contextlib.suppress(ImportError):
    import dlmachine_adapters.curl_backend.transport  # noqa: F401 -- loaded if installed

#: A change that the child makes to its conditions before it downloads.
Circumstance = Callable[[DownloadManager], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One download: into `dest`, or else into `cache`."""

    url: str
    backend: str
    home: str
    dest: str | None = None
    cache: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    circumstances: tuple[Circumstance, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSent:
    """One request of a run: its first byte, its condition, and its result."""

    offset: int
    if_range: str | None
    status: int | None
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of a child: an outcome or a fault, as far as the parent needs it."""

    seconds: float
    path: str | None = None
    origin: str | None = None
    version: int | None = None
    sha256: str | None = None
    tries: int = 0
    wants_lock: bool = False
    has_lock: bool = False
    waits: int = 0
    asked: tuple[RequestSent, ...] = ()
    fault: str | None = None
    message: str = ''
    exit_code: int = 0


def run_workload(workload: Workload, line: Connection) -> None:
    """Download in this process, and report the result to the parent."""
    os.environ['HOME'] = workload.home
    os.environ['TMPDIR'] = workload.home
    started = monotonic()
    words = {'progress': False, 'retries': 0, 'retry_wait': 0.01, **workload.options}
    with DownloadManager(workload.cache, backend=workload.backend, **words) as manager:
        for change in workload.circumstances:
            change(manager)
        try:
            outcome = manager.fetch(workload.url, workload.dest)
        except DownloadError as error:
            fault = error.fault
            seconds = monotonic() - started
            reported = Report(
                seconds=seconds, fault=fault.code, message=str(fault), exit_code=exit_code(fault)
            )
        else:
            reported = _report(outcome, monotonic() - started)
    line.send(reported)
    line.close()


def _report(outcome: Outcome, seconds: float) -> Report:
    pairs = outcome.story
    return Report(
        seconds=seconds,
        path=outcome.path,
        origin=outcome.origin.value,
        version=outcome.version,
        sha256=None if outcome.record is None else outcome.record.sha256,
        tries=outcome.tries,
        wants_lock=any(isinstance(effect, AcquireLock) for effect, _ in pairs),
        has_lock=any(isinstance(event, LockAcquired) for _, event in pairs),
        waits=sum(isinstance(effect, Wait) for effect, _ in pairs),
        asked=tuple(
            _asking(effect, event)
            for effect, event in pairs
            if isinstance(effect, Exchange) and isinstance(event, (Responded, Interrupted))
        ),
    )


def _asking(effect: Exchange, event: Responded | Interrupted) -> RequestSent:
    return RequestSent(
        offset=effect.expect.offset,
        if_range=effect.request.headers.get('If-Range'),
        status=None if event.head is None else event.head.status,
        fault=event.fault.code if isinstance(event, Interrupted) else None,
    )
