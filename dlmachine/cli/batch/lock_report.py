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
from dlmachine.cli.parameters.colors import tell
from dlmachine.core.faults import Fault, LockMismatch, LockOutdated
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.batch.items import BatchItem
    from dlmachine.core.manifest.item import Item
    from dlmachine.locks.downloads import LockReport
    from dlmachine.manager import DownloadManager


#: The exit codes of failures that count before others.
_FIRST: Final = {LockMismatch: INTEGRITY, LockOutdated: CHANGES_PENDING}


class ShownResults:
    """Prints the results of a lock or a sync as they come, and a summary at the end."""

    def __init__(
        self, manager: 'DownloadManager', given: Mapping[str, Any], *, are_paths_shown: bool = False
    ) -> None:
        self._manager = manager
        self._is_quiet, self._is_json = given['quiet'], given['as_json']
        self._are_paths_shown = are_paths_shown and not self._is_quiet and not self._is_json
        self._summary = Summary(0)
        self._count = 0

    def add(self, item: 'BatchItem[Item]') -> None:
        """Print a result."""
        self._count += 1
        self._summary.add(item, item.input.name)
        if item.ok:
            warn(item.outcome)
            if self._are_paths_shown:
                # Nothing is left that a terminal would take for a colour.
                click.echo(printable(str(item.path)), color=True)
        else:
            tell('error', fault_text(item.input, item.fault, self._manager))
        if self._is_json:
            print_result(item, self._manager)

    def end(self, report: 'LockReport') -> None:
        """Print the summary; end the program with an exit code if a download failed."""
        faults = self._summary.faults
        if faults or not self._is_quiet:
            for line in self._summary.lines() if self._count else ():
                click.echo(line, err=True)
            for change in report.changes:
                click.echo(printable(f'changed {change}'), err=True)
            for path in report.removed:
                click.echo(printable(f'removed {path}'), err=True)
            click.echo(printable(_about_lock(report)), err=True)
        if faults:
            sys.exit(_exit_code(faults, self._count))


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
