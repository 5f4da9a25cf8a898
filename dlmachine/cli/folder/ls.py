"""`dlmachine ls`: list the recorded files of a folder."""

from typing import Any

import click

from dlmachine.cli.common import managing
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, json_option
from dlmachine.cli.parameters.values import FOLDER


@click.command('ls', cls=Command)
@click.argument('folder', type=FOLDER, metavar='DIR', default='.')
@config_option
@json_option
def command(folder: str, **given: Any) -> None:
    """List the recorded files of DIR and the folders below it: date, size, version, path, URL.

    DIR is the current folder by default. No file is read: its size and its modification time
    show whether it has changed.
    """
    from dlmachine.cli.folder.output import file_line, print_json_list

    with managing(given) as manager:
        files = manager.files(folder)
        if given['as_json']:
            print_json_list(file.to_dict() for file in files)
            return
        is_empty = True
        for file in files:
            click.echo(file_line(file))
            is_empty = False
    if is_empty:
        tell('note', f'no file in {folder} is recorded')
