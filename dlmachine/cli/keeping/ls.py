"""`dlmachine cache ls` and `dlmachine cache du`: what a cache holds, and how large it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.cache_folder import managing_cache, note_missing
from dlmachine.cli.common import print_json, size_text
from dlmachine.cli.folder.output import print_json_list
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, json_option, own_option, table_option
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.core.maintenance.listed_entry import ListedEntry
    from dlmachine.manager import DownloadManager

filter_option = own_option(
    '--filter',
    'filters',
    multiple=True,
    metavar='FIELD>VALUE',
    help="Only entries such as 'size>1GB', 'used>90d' or 'host=*.example.org'; repeatable.",
)


@click.command('ls', cls=Command)
@table_option('path')
@filter_option
@own_option(
    '--sort',
    metavar='FIELD',
    help='Order: size (largest first), used (longest unused first), age (oldest first), or url.',
)
@own_option('--limit', type=click.IntRange(min=0), metavar='N', help='Show at most so many.')
@own_option('--paths', is_flag=True, help='Print only the paths of the files.')
@config_option
@json_option
def list_all(
    *, filters: tuple[str, ...], sort: str | None, limit: int | None, paths: bool, **given: Any
) -> None:
    """List the stored versions: date, size, version, pin and URL.

    Filters compare size, age (since it was stored), used (since its last use), version or pinned,
    or are patterns of url, host, extension or status. Headings and totals go to stderr.
    """
    with _reading(given) as manager:
        found = manager.cache_entries(filters, sort=sort, limit=limit)
        if given['as_json']:
            print_json_list(entry.to_dict() for entry in found)
            return
        count = size = 0
        for entry in found:
            if not count and not paths:
                click.echo(f'{"stored":19}  {"size":>10}  version  URL', err=True)
            count, size = count + 1, size + (entry.total_bytes or 0)
            click.echo(printable(entry.path if paths else _line(entry)))
        if not paths:
            word = 'version' if count == 1 else 'versions'
            click.echo(f'{count} {word}, {size_text(size)}', err=True)


@click.command('du', cls=Command)
@table_option('path')
@filter_option
@own_option(
    '--by', default='host', metavar='FIELD', help='host (the default), extension or status.'
)
@config_option
@json_option
def usage(*, filters: tuple[str, ...], by: str, **given: Any) -> None:
    """Add up the sizes of the stored versions by host, the largest first."""
    with _reading(given) as manager:
        found = manager.cache_usage(filters, by=by)
    if given['as_json']:
        print_json([{by: one.name, 'count': one.count, 'size': one.size_bytes} for one in found])
        return
    if found:
        click.echo(f'{"size":>10}  {"count":>8}  {by}', err=True)
    for one in found:
        click.echo(printable(f'{size_text(one.size_bytes):>10}  {one.count:>8}  {one.name or "-"}'))
    total = size_text(sum(one.size_bytes for one in found))
    click.echo(f'{total:>10}  {sum(one.count for one in found):>8}  total', err=True)


@contextmanager
def _reading(given: dict[str, Any]) -> 'Iterator[DownloadManager]':
    with managing_cache(given) as manager:
        note_missing(given, manager)
        yield manager


def _line(entry: 'ListedEntry') -> str:
    date, size = f'{entry.stored_at:%Y-%m-%d %H:%M:%S}', size_text(entry.total_bytes)
    line = f'{date}  {size:>10}  v{entry.version}  {entry.url or entry.file_name}'
    marks = ['pinned'] if entry.is_pinned else []
    marks += [f'{size_text(entry.extracted_bytes)} extracted'] if entry.extracted_bytes else []
    marks += [entry.status] if entry.status != 'ready' else []
    return f'{line}  ({", ".join(marks)})' if marks else line
