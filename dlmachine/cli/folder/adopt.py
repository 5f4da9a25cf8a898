"""`dlmachine adopt`: record files that came another way."""

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.common import fault_as_json, managing
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.flags import fault_in_flags
from dlmachine.cli.parameters.options import (
    config_option,
    folder_option,
    input_options,
    json_option,
    own_option,
    table_option,
)
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlmachine.core.faults import Fault
    from dlmachine.folders.adopting import Adopted
    from dlmachine.manager import DownloadManager


@click.command('adopt', cls=Command)
@click.argument('url', required=False, metavar='URL')
@click.argument('file', type=FILE, required=False, metavar='FILE')
@input_options
@folder_option(help='Folder of the files of a manifest (default: the current one).', default='.')
@table_option('checksum')
@table_option('headers')
@own_option(
    '--force', is_flag=True, help='Record also files that changed or are recorded for another URL.'
)
@config_option
@json_option
def command(url: str | None, file: str | None, **given: Any) -> None:
    """Record FILE as the download of URL, or the files in DIR as those of a manifest.

    Nothing is requested. Bytes are compared with --checksum, the checksum of an entry, or that of
    the lockfile; where none is known, the file is recorded as adopted unverified. A missing file
    is an error.
    """
    from dlmachine.cli.exit_codes import PARTIAL, exit_code
    from dlmachine.cli.folder.output import print_json_list

    path = given['input_file']
    is_one = url is not None and file is not None
    if is_one is (path is not None) or (path is not None and url is not None):
        msg = 'Pass a URL and a FILE, or a manifest with --input-file and its folder with --dir'
        raise click.UsageError(msg)
    if path is not None and (given['checksum'] or given['headers']):
        msg = '--checksum and --header belong to a URL; entries of a manifest have their own'
        raise click.UsageError(msg)
    faults: list[Fault] = []
    counts: Counter[str] = Counter()
    with managing(given) as manager:
        results = _counted(_adopt(manager, url, file, given), counts, faults)
        if given['as_json']:
            print_json_list(_as_json(one) for one in results)
        else:
            for one in results:
                _show(one)
    click.echo(', '.join(f'{count} {name}' for name, count in counts.items()), err=True)
    if faults:
        codes = {exit_code(fault) for fault in faults}
        sys.exit(codes.pop() if len(codes) == 1 and len(faults) == counts.total() else PARTIAL)


def _adopt(
    manager: 'DownloadManager', url: str | None, file: str | None, given: 'Mapping[str, Any]'
) -> 'Iterator[Adopted]':
    from dlmachine.errors import DownloadError
    from dlmachine.folders.adopting import Adopted
    from dlmachine.targets import show_target

    if url is None or file is None:
        yield from manager.adopt_all(
            given['input_file'],
            given['folder'],
            force=given['force'],
            allow_outside=given['allow_outside'],
            base_url=given['base_url'],
        )
        return
    name, shown = show_target(url, manager.secret_names)
    words = {one: given[one] for one in ('checksum', 'headers') if given[one]}
    try:
        how = manager.adopt(url, file, force=given['force'], **words)
        yield Adopted(name=name, url=shown, path=file, how=how)
    except DownloadError as error:
        yield Adopted(name=name, url=shown, path=file, fault=error.fault)


def _counted(
    results: 'Iterator[Adopted]', counts: Counter[str], faults: 'list[Fault]'
) -> 'Iterator[Adopted]':
    for one in results:
        counts[one.how.value if one.how is not None else 'failed'] += 1
        if one.fault is not None:
            faults.append(one.fault)
        yield one


def _show(one: 'Adopted') -> None:
    if one.fault is not None:
        tell('error', fault_in_flags(one.fault))
    elif one.how is not None:
        click.echo(printable(f'{one.how.value}  {one.path}  {one.url}'))


def _as_json(one: 'Adopted') -> dict[str, Any]:
    values = one.to_dict()
    if one.fault is not None:
        values['fault'] = fault_as_json(one.fault)
    return values
