"""`dlmachine lock`: write the lockfile of a manifest."""

from typing import Any

import click

from dlmachine.cli.batch.lock_report import ShownResults, naming_entries
from dlmachine.cli.common import managing
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import folder_option, manifest_options, own_option
from dlmachine.cli.parameters.values import FILE


@click.command('lock', cls=Command)
@click.argument('file', type=FILE, metavar='MANIFEST')
@own_option('--check', is_flag=True, help='Only check that the lockfile agrees with the manifest.')
@own_option('--upgrade', is_flag=True, help='Ask the servers for all entries again.')
@own_option(
    '--upgrade-entry',
    'upgrade_entries',
    multiple=True,
    metavar='NAME',
    help='Ask the server for this entry again; may be repeated.',
)
@folder_option(help='Folder of the files, which are downloaded there if they are missing.')
@manifest_options(help='Print neither progress nor a summary.')
def command(file: str, **given: Any) -> None:
    """Write the lockfile of MANIFEST: which bytes each of its files has.

    The lockfile of data.toml is data.toml.lock. Entries that it has and that have not changed stay.
    The bytes of the others are taken from the cache or the folder, and downloaded only if they are
    in neither. An entry that has other bytes than before is shown with both. Exit code: 10 if
    --check finds that manifest and lockfile differ; the entries that differ are listed.
    """
    upgrade = True if given['upgrade'] else given['upgrade_entries']
    if given['check'] and upgrade:
        raise click.UsageError('--check leaves the lockfile as it is: omit it, or --upgrade')
    is_bare = given['quiet'] or given['as_json'] or given['progress'] is False
    with managing(given, progress=not is_bare) as manager:
        shown = ShownResults(manager, given)
        with naming_entries():
            report = manager.lock(
                file,
                None if given['folder'] is None else f'{given["folder"]}/',
                upgrade=upgrade,
                check=given['check'],
                allow_outside=given['allow_outside'],
                base_url=given['base_url'],
                workers=given['workers'],
                on_result=shown.add,
            )
        shown.end(report)
