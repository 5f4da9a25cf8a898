"""`dlmachine plan`: what a download would do."""

import json
import sys
from typing import Any

import click

from dlmachine.cli.common import (
    cache_option,
    fault_as_json,
    json_option,
    managing,
    print_json,
    request_options,
    request_words,
)


@click.command('plan')
@click.argument('urls', nargs=-1, required=True, metavar='URL...')
@click.option('-o', '--output', metavar='FILE', help='File that would be written.')
@click.option('-d', '--dir', 'folder', metavar='DIR', help='Folder that would be written to.')
@cache_option
@click.option('--exit-code', is_flag=True, help='10 if anything would be fetched.')
@json_option
@request_options
def command(urls: tuple[str, ...], **given: Any) -> None:
    """Show what a download would do: verdict, reason, destination, effects.

    Nothing is requested and nothing written.
    """
    folder = given['folder']
    dest = given['output'] if folder is None else f'{folder.rstrip("/")}/'
    show_plans(list(urls), dest, given)


def show_plans(urls: list[str], dest: str | bool | None, given: dict[str, Any]) -> None:
    """Print the plans; end with a code if that was asked for, or if one was refused."""
    from dlmachine.cli.exit_codes import CHANGES_PENDING, exit_code
    from dlmachine.errors import DownloadError

    told: list[dict[str, Any]] = []
    refused = pending = 0
    with managing(given) as manager:
        for url in urls:
            try:
                made = manager.plan(url, dest, **request_words(given))
            except DownloadError as error:
                refused = exit_code(error.fault)
                told.append({'url': url, 'fault': fault_as_json(error.fault)})
                click.echo(f'error: {error.fault}', err=True)
                continue
            pending += made.is_download
            told.append(
                {
                    'verdict': made.verdict.value,
                    'reason': made.reason.value,
                    'text': str(made),
                    'plan': json.loads(made.to_json()),
                }
            )
            if not given['as_json']:
                click.echo(str(made))
    if given['as_json']:
        print_json(told)
    if refused:
        sys.exit(refused)
    if pending and given['exit_code']:
        sys.exit(CHANGES_PENDING)
