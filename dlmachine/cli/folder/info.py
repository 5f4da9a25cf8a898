"""`dlmachine info`: show what is recorded about a file or a URL."""

import sys
from typing import Any

import click

from dlmachine.cli.common import field_lines, managing, print_json
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, folder_option, json_option, table_option
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable
from dlmachine.core.http.url import is_url


@click.command('info', cls=Command)
@click.argument('what', type=FILE, metavar='FILE|URL')
@folder_option(
    help='Folder whose recorded files count for a URL (default: the current one).', default='.'
)
@table_option('path')
@config_option
@json_option
def command(what: str, folder: str, **given: Any) -> None:
    """Show what is recorded about a file, or about the files of a URL.

    For a URL these are the versions in the cache, and the recorded files of a folder and those
    below it. Exit code 1 if nothing is recorded.
    """
    from dlmachine.cli.exit_codes import GENERIC
    from dlmachine.core.secrets.redact import redact_url

    with managing(given) as manager:
        if is_url(what):
            found = [*manager.versions(what, folder)]
        else:
            one = manager.info(what)
            found = [] if one is None else [one]
        shown = printable(redact_url(what, manager.secret_names))
    if not found:
        tell('error', f'nothing is recorded about {shown}')
        sys.exit(GENERIC)
    if given['as_json']:
        print_json([file.to_dict() for file in found])
        return
    for file in found:
        click.echo('\n'.join((*field_lines(file.to_dict()), '')))
