"""`dlmachine cache export` and `dlmachine cache import`: for machines without a network."""

from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.cache_folder import managing_cache
from dlmachine.cli.common import print_json, size_text
from dlmachine.cli.keeping.ls import filter_option
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import (
    base_url_option,
    config_option,
    json_option,
    own_option,
    table_option,
)
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.core.maintenance.archive import Archived


@click.command('export', cls=Command)
@click.argument('archive', type=FILE, metavar='FILE.tar')
@click.argument('urls', nargs=-1, metavar='[URL...]')
@table_option('path')
@own_option(
    '-i',
    '--input-file',
    'manifests',
    type=FILE,
    multiple=True,
    metavar='FILE',
    help='Only the files of this manifest or lockfile; may be repeated.',
)
@base_url_option
@filter_option
@config_option
@json_option
def export(
    archive: str,
    urls: tuple[str, ...],
    *,
    manifests: tuple[str, ...],
    filters: tuple[str, ...],
    base_url: str | None,
    **given: Any,
) -> None:
    """Write stored files with their records to a tar file: all, or those of URLs and manifests.

    Of an entry that is in the lockfile of its manifest, the version with these bytes is exported.

    dlmachine cache import reads it into the cache of another computer.
    """
    with managing_cache(given) as manager:
        done = manager.export_cache(
            archive, urls, manifest=manifests, base_url=base_url, filters=filters
        )
        if given['as_json']:
            print_json([_as_json(entry, None) for entry in done])
            return
        size = size_text(sum(entry.record.size_bytes for entry in done))
        click.echo(f'{len(done)} exported ({size})', err=True)


@click.command('import', cls=Command)
@click.argument('archive', type=FILE, metavar='FILE.tar')
@table_option('path')
@own_option('-n', '--dry-run', is_flag=True, help='Check the archive, and show what is new in it.')
@config_option
@json_option
def import_(archive: str, *, dry_run: bool, **given: Any) -> None:
    """Store the files of an exported cache, checked by their digests.

    Files that are there are skipped. Import only archives that you trust: their records say which
    URL each file is from.
    """
    with managing_cache(given) as manager:
        report = manager.import_cache(archive, dry_run=dry_run)
        if given['as_json']:
            rows = [(entry, None) for entry in report.imported]
            print_json([_as_json(entry, why) for entry, why in (*rows, *report.skipped)])
            return
        for entry in report.imported:
            click.echo(printable(f'new      {entry.record.url}'))
        for entry, why in report.skipped:
            click.echo(printable(f'skipped  {entry.record.url}: {why}'))
        word = 'would be imported' if dry_run else 'imported'
        click.echo(f'{len(report.imported)} {word}, {len(report.skipped)} skipped', err=True)


def _as_json(entry: 'Archived', skipped: str | None) -> dict[str, Any]:
    return {**entry.to_dict(), 'skipped': skipped}
