"""The rows of a report, from what audits and listings say; and its page as a file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dlmachine.core.faults.printing import printable
from dlmachine.core.report.report import Report, make_report
from dlmachine.core.report.rows import ReportRow, row_of_audit, row_of_entry, row_of_file
from dlmachine.core.spec.policy import Policy
from dlmachine.errors import error_for
from dlmachine.options.rules import Defaults
from dlmachine.reports.page import page_of
from dlmachine_adapters.runtime.clock import SystemClock


def report_on(
    manager: Any,
    path: str | None,
    folder: str | None,
    items: Iterable[Any] | None,
    *,
    limit: int,
    probe: bool,
    deep: bool,
) -> Report:
    """Make a report, and write its page to a path, as `DownloadManager.report` says."""
    defaults, now = manager.config.defaults, SystemClock().now()
    rows: Iterable[ReportRow]
    if items is not None:
        audited = manager.audit(items, folder and f'{folder}/', probe=probe, deep=deep)
        rows = (row_of_audit(row, now) for row in audited)
        about = f'downloads to {folder or "the cache"}'
    elif folder is not None:
        files = manager.files(folder)
        rows = (row_of_file(one, folder, _policy(defaults, one.url), now) for one in files)
        about = f'folder {folder}'
    else:
        entries = manager.cache_entries()
        rows = (row_of_entry(one, _policy(defaults, one.url), now) for one in entries)
        about = f'cache {manager.config.path or manager.config.pkg}'
    made = make_report(rows, printable(about), now, limit)
    if path is not None:
        _write_page(made, path)
    return made


def _policy(defaults: Defaults, url: str) -> Policy:
    return defaults.at(url).map(lambda found: found.policy).value_or(defaults.policy)


def _write_page(report: Report, path: str) -> None:
    """Write the page of a report in place of a file with that name.  Raises: LocalError."""
    from dlmachine_adapters.files.atomic import replace_text
    from dlmachine_adapters.files.os_errors import storage_fault

    try:
        replace_text(Path(path), page_of(report))
    except OSError as error:
        raise error_for(storage_fault(error, 'write', path)) from error
