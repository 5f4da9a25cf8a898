"""`dlmachine sync`: download a manifest with the bytes of its lockfile."""

from typing import Any

import click

from dlmachine.cli.batch.lock_report import ShownResults
from dlmachine.cli.common import managing
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import folder_option, manifest_options, own_option
from dlmachine.cli.parameters.values import FILE
from dlmachine.cli.signals import ending_at_once


@click.command('sync', cls=Command)
@click.argument('file', type=FILE, metavar='MANIFEST')
@folder_option(help='Folder of the files (default: the current one).')
@own_option('--locked', is_flag=True, help='Refuse a lockfile that differs from the manifest.')
@own_option(
    '--frozen',
    is_flag=True,
    default=None,
    help='Take only the bytes of the lockfile, and leave it as it is (or DLMACHINE_FROZEN=1).',
)
@own_option(
    '--exact',
    is_flag=True,
    help='Remove other files from DIR that dlmachine has recorded there; needs --dir.',
)
@manifest_options(help='Print neither progress nor paths.')
def command(file: str, **given: Any) -> None:
    """Download the files of MANIFEST to their paths in a folder, with the bytes of its lockfile.

    Entries that the lockfile lacks, or that have changed, are added to it. Exit code: 9 if bytes
    differ from the lockfile (nothing is stored then), 10 if --locked or --frozen finds it outdated.
    """
    if given['exact'] and given['folder'] is None:
        raise click.UsageError('--exact removes files: name the folder with --dir')
    is_bare = given['quiet'] or given['as_json'] or given['progress'] is False
    with managing(given, progress=not is_bare) as manager:
        shown = ShownResults(manager, given, are_paths_shown=True)
        with ending_at_once():
            report = manager.sync(
                file,
                f'{given["folder"] or "."}/',
                locked=given['locked'],
                frozen=given['frozen'],
                exact=given['exact'],
                allow_outside=given['allow_outside'],
                base_url=given['base_url'],
                workers=given['workers'],
                on_result=shown.add,
            )
        shown.end(report)
