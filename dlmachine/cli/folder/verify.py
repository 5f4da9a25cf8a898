"""`dlmachine verify`: compare the files of a folder with their records."""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.common import managing
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, json_option, own_option
from dlmachine.cli.parameters.values import FOLDER

if TYPE_CHECKING:
    from dlmachine.core.maintenance.recorded_files import FileCheck


@click.command('verify', cls=Command)
@click.argument('folder', type=FOLDER, metavar='DIR')
@own_option('--fix', is_flag=True, help='Record touched and moved files again; clean the index.')
@own_option('--prune', is_flag=True, help='The same as --fix, and forget missing files.')
@config_option
@json_option
def command(folder: str, *, fix: bool, prune: bool, **given: Any) -> None:
    """Compare the digest of every recorded file in DIR, and in folders below it, with its record.

    Files that are not whole are listed, also those that are not recorded (unknown). No file is
    moved or removed, also with --fix. Exit code 9 if a file is changed, missing, moved or
    unreadable, or an index damaged, also with --fix: run it again to see whether everything is
    repaired.
    """
    from dlmachine.cli.exit_codes import INTEGRITY
    from dlmachine.cli.folder.output import check_line, print_json_list

    counts: Counter[str] = Counter()
    with managing(given) as manager:
        checks = _counted(manager.verify(folder, fix=fix, prune=prune), counts)
        if given['as_json']:
            print_json_list(check.to_dict() for check in checks)
        else:
            for check in checks:
                if check.state.value != 'whole':
                    click.echo(check_line(check))
    _summarize(counts, is_fixed=fix or prune)
    if counts['problem']:
        sys.exit(INTEGRITY)


def _counted(checks: 'Iterator[FileCheck]', counts: Counter[str]) -> 'Iterator[FileCheck]':
    for check in checks:
        counts[check.state.value] += 1
        counts['problem'] += not check.state.is_sound
        counts['fixed'] += check.repaired is not None and check.repaired.is_done
        yield check


def _summarize(counts: Counter[str], *, is_fixed: bool) -> None:
    from dlmachine.core.maintenance.recorded_files import FileState

    always = (FileState.WHOLE, FileState.CHANGED, FileState.MISSING, FileState.UNKNOWN)
    shown = ', '.join(
        f'{counts[state.value]} {state.value}'
        for state in FileState
        if counts[state.value] or state in always
    )
    click.echo(f'{shown}; {counts["fixed"]} fixed' if is_fixed else shown, err=True)
