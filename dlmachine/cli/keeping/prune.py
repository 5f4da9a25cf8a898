"""`dlmachine cache prune`: remove what exceeds the limits of a cache."""

from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.cache_folder import managing_cache
from dlmachine.cli.common import print_json, size_text
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, json_option, own_option, table_option
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmachine.keeping.pruning import PruneReport


@click.command('prune', cls=Command)
@table_option('path')
@table_option('max_size')
@table_option('unused_for')
@table_option('keep_versions')
@table_option('grace_period')
@own_option(
    '--keep-lock',
    'locks',
    type=FILE,
    multiple=True,
    metavar='FILE',
    help='Keep the files that this lockfile names.',
)
@own_option('-n', '--dry-run', is_flag=True, help='Show what would be removed.')
@own_option('-v', '--verbose', is_flag=True, help='Show also what stays within the limits.')
@config_option
@json_option
def prune(*, locks: tuple[str, ...], dry_run: bool, **given: Any) -> None:
    """Remove files until the cache is within its limits, least recently used first.

    Files stay if they are pinned, linked to from a folder, being downloaded, in use by a running
    process, stored or used recently, made by another program, or named in a lockfile.
    """
    # --verbose is of this command, and not the log of a download.
    is_verbose = given.pop('verbose')
    with managing_cache(given) as manager:
        report = manager.prune(dry_run=dry_run, keep_lock=locks)
        if given['as_json']:
            print_json(report.to_dict())
            return
        for line in _table(report, is_verbose=is_verbose):
            click.echo(printable(line))
        click.echo(_summary(report), err=True)
        if report.is_over:
            size = size_text(manager.config.keeping.max_size)
            tell('warning', f'the files that stay are larger than {size}')


def _table(report: 'PruneReport', *, is_verbose: bool) -> 'Iterator[str]':
    from dlmachine.core.keeping.stored import KeptReason
    from dlmachine.keeping.pruning import instant

    gone = 'would go' if report.is_dry_run else 'removed'
    rows = [(gone, version, why.value) for version, why in report.removed]
    rows += [
        ('kept', version, why.value)
        for version, why in report.kept
        if is_verbose or why is not KeptReason.WITHIN
    ]
    if rows:
        yield f'{"":8}  {"last use":16}  {"size":>10}  reason'
    for word, version, why in rows:
        size = size_text(version.size_bytes)
        about = version.url or version.name
        yield f'{word:8}  {instant(version.last_use)[:16]:16}  {size:>10}  {why}: {about}'


def _summary(report: 'PruneReport') -> str:
    gone = 'would be removed' if report.is_dry_run else 'removed'
    removed, kept = _count(report.removed), _count(report.kept)
    freed, left = size_text(report.removed_bytes), size_text(report.kept_bytes)
    return f'{removed} {gone} ({freed}); {kept} kept ({left})'


def _count(rows: 'tuple[object, ...]') -> str:
    return f'{len(rows)} file' if len(rows) == 1 else f'{len(rows)} files'
