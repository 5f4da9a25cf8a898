"""`dlmachine provenance`: where the files of a folder come from, as a table for other programs."""

import csv
import sys
from collections.abc import Iterable
from typing import Any

import click

from dlmachine.cli.common import managing
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, own_option
from dlmachine.cli.parameters.values import FOLDER
from dlmachine.core.faults.printing import printable


@click.command('provenance', cls=Command)
@click.argument('folder', type=FOLDER, metavar='DIR', default='.')
@own_option('--csv/--json', 'as_csv', default=False, help='A table, or JSON (the default).')
@config_option
def command(folder: str, *, as_csv: bool, **given: Any) -> None:
    """Print what the recorded files of DIR and the folders below it are, and where they come from.

    For each file: path, URL, times, size, digest, validators, and the program. Secrets are masked.
    No file is read: run dlmachine verify first to know that the files have these bytes.
    """
    from dlmachine.cli.folder.output import print_json_list

    with managing(given) as manager:
        rows = (row.to_dict() for row in manager.provenance(folder))
        if as_csv:
            _print_csv(rows)
        else:
            print_json_list(rows)


def _print_csv(rows: Iterable[dict[str, Any]]) -> None:
    writer = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row), lineterminator='\n')
            writer.writeheader()
        writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: object) -> object:
    if isinstance(value, list):
        return '; '.join(printable(one) for one in value)
    if isinstance(value, dict):
        return '; '.join(printable(f'{name}: {one}') for name, one in value.items())
    return printable(value) if isinstance(value, str) else value
