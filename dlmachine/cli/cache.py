"""`dlmachine cache`: list, show and remove stored files."""

from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.cache_doctor import doctor, verify
from dlmachine.cli.cache_folder import folder_of, found_entries
from dlmachine.cli.common import (
    confirmed,
    field_lines,
    print_json,
)
from dlmachine.cli.folder.missing import missing
from dlmachine.cli.keeping.archives import export, import_
from dlmachine.cli.keeping.ls import list_all, usage
from dlmachine.cli.keeping.pins import pin, unpin
from dlmachine.cli.keeping.prune import prune
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, json_option, own_option, table_option
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine_adapters.cachedir.listing import Listed


@click.group('cache')
def command() -> None:
    """List, show, verify, repair, prune and remove cached files."""


command.add_command(verify)
command.add_command(list_all)
command.add_command(usage)
command.add_command(prune)
command.add_command(pin)
command.add_command(unpin)
command.add_command(export)
command.add_command(import_)
command.add_command(doctor)
command.add_command(missing)


@command.command('dir', cls=Command)
@table_option('path')
@config_option
def show_folder(**given: Any) -> None:
    """Print the cache folder."""
    click.echo(printable(folder_of(given)))


@command.command('info', cls=Command)
@click.argument('what', type=FILE, metavar='URL|FILE|KEY')
@table_option('path')
@config_option
@json_option
def show_info(what: str, **given: Any) -> None:
    """Show the record of a stored file."""
    with found_entries((what,), given) as (_, entries):
        found = entries
    if given['as_json']:
        print_json([_as_json(entry) for entry in found])
        return
    for entry in found:
        click.echo('\n'.join((*field_lines(_as_json(entry)), '')))


@command.command('rm', cls=Command)
@click.argument('what', type=FILE, nargs=-1, required=True, metavar='URL|FILE|KEY...')
@table_option('path')
@config_option
@own_option('-y', '--yes', is_flag=True, help='Do not ask.')
@own_option('--dry-run', is_flag=True, help='Show what would be removed.')
def remove(what: tuple[str, ...], *, yes: bool, dry_run: bool, **given: Any) -> None:
    """Remove stored files, all versions of each."""
    from dlmachine_adapters.cachedir.listing import remove_entry

    with found_entries(what, given) as (registry, found):
        for entry in found:
            click.echo(printable(f'{entry.path}  {entry.url}'))
        if dry_run:
            return
        if not yes and not confirmed(f'Remove {len(found)}?'):
            click.echo('nothing removed', err=True)
            return
        for entry in found:
            remove_entry(registry, entry)


def _as_json(entry: 'Listed') -> dict[str, Any]:
    return {
        'url': entry.url,
        'path': entry.path,
        'version': entry.version,
        'ready': entry.is_ready,
        'stored_at': entry.stored_at.isoformat(),
        'file_bytes': entry.file_bytes,
        'key': entry.key,
        'record': None if entry.record is None else entry.record.to_dict(),
    }
