"""`dlmachine cache pin` and `dlmachine cache unpin`."""

from typing import Any

import click

from dlmachine.cli.cache_folder import found_entries
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, table_option
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable


@click.command('pin', cls=Command)
@click.argument('what', type=FILE, nargs=-1, required=True, metavar='URL|FILE|KEY...')
@table_option('path')
@config_option
def pin(what: tuple[str, ...], **given: Any) -> None:
    """Keep stored files from being pruned, with all versions of each.

    A pin belongs to the URL: versions that are stored later are pinned, too.
    """
    _change(what, given, is_pinned=True)


@click.command('unpin', cls=Command)
@click.argument('what', type=FILE, nargs=-1, required=True, metavar='URL|FILE|KEY...')
@table_option('path')
@config_option
def unpin(what: tuple[str, ...], **given: Any) -> None:
    """Let stored files be pruned again."""
    _change(what, given, is_pinned=False)


def _change(what: tuple[str, ...], given: dict[str, Any], *, is_pinned: bool) -> None:
    from dlmachine.keeping.pinning import change_pins

    with found_entries(what, given) as (registry, found):
        named = [(entry.url or entry.path, entry.item_id) for entry in found]
        change_pins(registry, named, is_pinned=is_pinned)
        word = 'pinned' if is_pinned else 'no longer pinned'
        for entry in found:
            click.echo(printable(f'{word}  {entry.path}  {entry.url}'))
