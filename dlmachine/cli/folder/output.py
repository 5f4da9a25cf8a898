"""The output of the commands for data folders: lines of text, or one JSON document.

Results are written as they come, so that memory does not grow with the number of files.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from dlmachine.cli.cache_doctor import repaired_text
from dlmachine.cli.common import size_text
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.core.maintenance.recorded_files import FileCheck, StoredFile


def print_json_list(values: Iterable[object]) -> None:
    """Print one JSON document, a list, to stdout."""
    begin = '[\n'
    for value in values:
        # ASCII, so that it can be written in any encoding.
        click.echo(begin + json.dumps(value, indent=2, default=str), nl=False)
        begin = ',\n'
    click.echo('[]' if begin == '[\n' else '\n]')


def file_line(file: 'StoredFile') -> str:
    """A recorded file in one line: date, size, version, path, URL, and any state but whole."""
    date = f'{file.stored_at:%Y-%m-%d %H:%M:%S}'
    line = f'{date}  {size_text(file.file_bytes):>10}  v{file.version}  {file.path}  {file.url}'
    return printable(line if file.state.value == 'whole' else f'{line}  ({file.state.value})')


def check_line(check: 'FileCheck') -> str:
    """A verified file in one line."""
    line = f'{check.state.value}  {check.path}'
    line += f'  {check.url}' if check.url else ''
    line += f'  (it was {check.moved_from})' if check.moved_from else ''
    line += f'  ({check.found.problem})' if check.found.problem is not None else ''
    return printable(line + repaired_text(check.repaired))
