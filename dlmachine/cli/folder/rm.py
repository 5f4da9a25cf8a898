"""`dlmachine rm`: remove recorded files with their records."""

import os
import sys
from typing import Any

import click

from dlmachine.cli.common import confirmed, managing
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.flags import fault_in_flags
from dlmachine.cli.parameters.options import config_option, own_option
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable


@click.command('rm', cls=Command)
@click.argument('files', type=FILE, nargs=-1, required=True, metavar='FILE...')
@own_option('--force', is_flag=True, help='Remove also files that changed or are not recorded.')
@own_option('-y', '--yes', is_flag=True, help='Do not ask.')
@own_option('--dry-run', is_flag=True, help='Show what would be removed.')
@config_option
def command(files: tuple[str, ...], *, force: bool, yes: bool, dry_run: bool, **given: Any) -> None:
    """Remove recorded files with their records.

    A file that has changed since it was recorded stays, unless --force is set. A symbolic link is
    removed, not the file that it leads to.
    """
    from dlmachine.cli.exit_codes import exit_code
    from dlmachine.errors import DownloadError

    code = 0
    with managing(given) as manager:
        for file in files:
            found = manager.info(file)
            state = '(not recorded)' if os.path.lexists(file) else '(does not exist)'
            click.echo(printable(f'{file}  {found.url if found else state}'))
        if dry_run:
            return
        if not yes and not confirmed(f'Remove {len(files)}?'):
            click.echo('nothing removed', err=True)
            return
        for file in files:
            try:
                manager.remove(file, force=force)
            except DownloadError as error:
                tell('error', fault_in_flags(error.fault))
                code = code or exit_code(error.fault)
    if code:
        sys.exit(code)
