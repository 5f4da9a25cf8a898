"""`dlmachine cache missing`: list and forget the files that are known to be missing."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.cache_folder import opened
from dlmachine.cli.common import fail, print_json
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, json_option, own_option, table_option
from dlmachine.cli.parameters.values import FOLDER
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.core.cache.missing import Miss
    from dlmachine_adapters.files.database import Database


@click.command('missing', cls=Command)
@click.argument('what', nargs=-1, metavar='[URL|KEY]...')
@own_option('-d', '--dir', 'folder', type=FOLDER, metavar='DIR', help='Those of a folder of files.')
@own_option('--forget', is_flag=True, help='Forget them, so that they are asked for again.')
@table_option('path')
@config_option
@json_option
def missing(what: tuple[str, ...], *, folder: str | None, forget: bool, **given: Any) -> None:
    """List the files that are known to be missing: since, until, status, URL.

    These are the files that `remember_missing` remembers. With URLs or keys only those are listed.
    """
    from dlmachine_adapters.misses import write_miss

    with _database(folder, given) as database:
        found = [miss for miss in _misses(database) if not what or _is_meant(miss, what)]
        if forget and found:
            with database.writing() as connection:
                for miss in found:
                    write_miss(connection, miss.key, None)
    if given['as_json']:
        print_json([_as_json(miss) for miss in found])
        return
    for miss in found:
        times = f'{miss.at:%Y-%m-%d %H:%M:%S}  {miss.until:%Y-%m-%d %H:%M:%S}'
        click.echo(printable(f'{times}  {miss.status}  {miss.url}'))
    if not found:
        tell('note', 'no missing file is remembered')


@contextmanager
def _database(folder: str | None, given: dict[str, Any]) -> 'Iterator[Database]':
    if folder is None:
        with opened(given) as registry:
            yield registry
        return
    from dlmachine.core.faults import CacheUnusable
    from dlmachine_adapters.folder_index.index_file import IndexFile

    index = IndexFile(folder)
    try:
        yield index
    except (sqlite3.Error, OSError) as error:
        fail(CacheUnusable(path=index.path, problem=str(error)))
    finally:
        index.close()


def _misses(database: 'Database') -> 'Iterator[Miss]':
    from dlmachine_adapters.files.database import NoDatabase
    from dlmachine_adapters.misses import read_misses

    page, after, now = [], '', datetime.now(UTC)
    with suppress(NoDatabase):
        while page := database.read(partial(read_misses, after=after)):
            yield from (miss for miss in page if miss.at <= now < miss.until)
            after = page[-1].key


def _is_meant(miss: 'Miss', what: tuple[str, ...]) -> bool:
    from dlmachine.core.cache.key import shown_url
    from dlmachine.core.spec.descriptor import Descriptor

    urls = {Descriptor.parse(one).map(shown_url).value_or(one) for one in what}
    return miss.url in urls or any(len(one) >= 8 and miss.key.startswith(one) for one in what)


def _as_json(miss: 'Miss') -> dict[str, Any]:
    return {
        'url': miss.url,
        'status': miss.status,
        'since': miss.at.isoformat(),
        'until': miss.until.isoformat(),
        'key': miss.key,
    }
