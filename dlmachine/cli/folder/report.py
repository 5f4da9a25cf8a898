"""`dlmachine report`: a page about what is stored, and what of it needs attention."""

from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli import common
from dlmachine.cli.batch.inputs import read_items
from dlmachine.cli.parameters import options
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.values import FILE, FOLDER
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dlmachine.core.manifest.item import Item
    from dlmachine.manager import DownloadManager


@click.command('report', cls=Command)
@click.argument('folder', type=FOLDER, metavar='DIR', required=False)
@options.own_option(
    '-o',
    '--output',
    'page',
    type=FILE,
    default='report.html',
    metavar='FILE',
    help='Page to write; - is stdout (default: report.html).',
)
@options.input_options
@options.table_option('path')
@options.config_option
@options.table_option('offline', help='Assume that there is no network.')
@options.table_option('freshness', help='Call copies stale that are older than this.')
@options.own_option('--probe', is_flag=True, help='Ask the servers about each file of the list.')
@options.own_option('--deep', is_flag=True, help='Read the stored files of the list.')
@options.own_option(
    '--limit',
    type=click.IntRange(min=0),
    metavar='N',
    help='List at most so many files, those with problems first (default: 2000).',
)
def command(folder: str | None, *, page: str, limit: int | None, **given: Any) -> None:
    """Write a page about stored files, and what of them is stale, missing, changed or failing.

    It is about the cache; about the recorded files of DIR; or, with --input-file, about the
    downloads of a list or a manifest, to DIR or the cache, as dlmachine audit does. It also has
    sizes by host, ages, and where each file is from. It is one file, and needs no network. Its
    plots need matplotlib (pip install matplotlib). Secrets are masked. Without --probe and
    --deep, no request is sent and no file is read.
    """
    from dlmachine.reports.page import page_of
    from dlmachine.reports.plots import has_plots

    given |= {'folder': folder, 'output': None}
    if given['input_file'] is None and (given['probe'] or given['deep']):
        raise click.UsageError('--probe and --deep need --input-file')
    common.check_destination(given)
    is_stream = common.is_stream(page)
    with _managing(given) as manager:
        report = manager.report(
            None if is_stream else page,
            _folder(manager, given),
            items=_items(manager, given),
            probe=given['probe'],
            deep=given['deep'],
            limit=limit,
        )
    if is_stream:
        click.echo(page_of(report), nl=False)
    else:
        click.echo(printable(page))
    if not has_plots():
        tell('note', 'the report has no plots, which need matplotlib: pip install matplotlib')
    counts = ', '.join(f'{one.count} {one.name}' for one in report.statuses)
    size = common.size_text(report.size_bytes)
    click.echo(printable(f'{report.count} in all: {counts or "none"}; {size} stored'), err=True)


def _managing(given: dict[str, Any]) -> 'AbstractContextManager[DownloadManager]':
    from dlmachine.cli.cache_folder import managing_cache

    is_of_cache = given['path'] is not None and given['input_file'] is None
    return managing_cache(given) if is_of_cache else common.managing(given)


def _folder(manager: 'DownloadManager', given: dict[str, Any]) -> str | None:
    """The folder of the files: as passed, else the current one if there is no cache."""
    folder: str | None = given['folder']
    return '.' if folder is None and not manager.config.has_cache else folder


def _items(manager: 'DownloadManager', given: dict[str, Any]) -> 'tuple[Item, ...] | None':
    path = given['input_file']
    return None if path is None else read_items(path, manager, given)
