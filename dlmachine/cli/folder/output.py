"""The output of the commands for data folders: lines of text, or one JSON document.

Results are written as they come, so that memory does not grow with the number of files.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.cache_doctor import repaired_as_json, repaired_text
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


def file_as_json(file: 'StoredFile') -> dict[str, Any]:
    """A recorded file, or an entry of the cache, with the fields of `cache ls`."""
    return {
        'url': file.url,
        'path': file.path,
        'version': file.version,
        'ready': file.file_bytes is not None,
        'state': file.state.value,
        'cached': file.is_cached,
        'stored_at': file.stored_at.isoformat(),
        'file_bytes': file.file_bytes,
        'key': file.key,
        'record': None if file.record is None else json.loads(file.record.to_json()),
    }


def check_line(check: 'FileCheck') -> str:
    """A verified file in one line."""
    line = f'{check.state.value}  {check.path}'
    line += f'  {check.url}' if check.url else ''
    line += f'  (it was {check.moved_from})' if check.moved_from else ''
    line += f'  ({check.found.problem})' if check.found.problem is not None else ''
    return printable(line + repaired_text(check.repaired))


def check_as_json(check: 'FileCheck') -> dict[str, Any]:
    """A verified file, with the fields of `cache verify`."""
    return {
        'path': check.path,
        'url': check.url,
        'verdict': check.state.value,
        'expected': check.sha256 or None,
        'found': check.found.sha256,
        'problem': check.found.problem,
        'moved_from': check.moved_from or None,
        'mended': repaired_as_json(check.repaired),
    }
