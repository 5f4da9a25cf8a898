"""What `dlmachine lock` and `dlmachine sync` print, and how they end."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from dlmachine.cli.batch.many import print_result, warn
from dlmachine.cli.batch.summary import Summary
from dlmachine.cli.common import fault_text
from dlmachine.cli.exit_codes import CHANGES_PENDING, INTEGRITY, PARTIAL, exit_code
from dlmachine.core.faults import Fault, LockMismatch, LockOutdated
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.locks.downloads import LockReport
    from dlmachine.manager import DownloadManager


#: The exit codes of failures that count before others.
_FIRST: Final = {LockMismatch: INTEGRITY, LockOutdated: CHANGES_PENDING}


def show_report(
    report: 'LockReport',
    manager: 'DownloadManager',
    given: Mapping[str, Any],
    *,
    are_paths_shown: bool = False,
) -> None:
    """Print the results and a summary; end the program with an exit code if a download failed."""
    summary = Summary(len(report.results))
    for item in report.results:
        summary.add(item, item.input.name)
        if item.ok:
            warn(item.outcome)
            if are_paths_shown and not given['as_json'] and not given['quiet']:
                click.echo(printable(str(item.path)))
        else:
            click.echo(f'error: {fault_text(item.input, item.fault, manager)}', err=True)
        if given['as_json']:
            print_result(item, manager)
    if summary.faults or not given['quiet']:
        for line in summary.lines() if report.results else ():
            click.echo(line, err=True)
        for change in report.changes:
            click.echo(printable(f'changed {change}'), err=True)
        for path in report.removed:
            click.echo(printable(f'removed {path}'), err=True)
        click.echo(printable(_about_lock(report)), err=True)
    if summary.faults:
        sys.exit(_exit_code(summary.faults, len(report.results)))


@contextmanager
def naming_entries() -> Iterator[None]:
    """List all entries that differ from an outdated lockfile, before the error."""
    from dlmachine.errors import DownloadError

    try:
        yield
    except DownloadError as error:
        for kind, name in getattr(error.fault, 'entries', ()):
            click.echo(printable(f'{kind:7}  {name}'))
        raise


def _about_lock(report: 'LockReport') -> str:
    if not report.is_written:
        return f'{report.path}: not changed'
    difference = report.difference
    return f'{report.path}: written' + ('' if difference.is_empty else f', {difference}')


def _exit_code(faults: list[Fault], total: int) -> int:
    for kind, code in _FIRST.items():
        if any(isinstance(fault, kind) for fault in faults):
            return code
    if len(faults) == total and len({type(fault) for fault in faults}) == 1:
        return exit_code(faults[0])
    return PARTIAL
