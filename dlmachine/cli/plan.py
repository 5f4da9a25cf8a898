"""`dlmachine plan`: show what a download would do."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from returns.pipeline import is_successful
from returns.result import Failure, Result

from dlmachine.cli import common
from dlmachine.cli.batch.inputs import check_input, read_targets
from dlmachine.cli.parameters import options
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.values import FILE

if TYPE_CHECKING:
    from dlmachine.batch.placing import Prepared
    from dlmachine.core.faults import Fault
    from dlmachine.core.plan.plan import Plan
    from dlmachine.manager import DownloadManager
    from dlmachine.targets import Target


@click.command('plan', cls=Command)
@click.argument('urls', nargs=-1, metavar='URL...')
@options.own_option(
    '-o',
    '--output',
    '--dest',
    'output',
    type=FILE,
    metavar='FILE',
    help='File that would be written.',
)
@options.folder_option(help='Folder that would be written to.')
@options.table_option('path')
@options.input_options
@options.own_option('--exit-code', is_flag=True, help='10 if anything would be downloaded.')
@options.json_option
@options.request_options
def command(urls: tuple[str, ...], **given: Any) -> None:
    """Show what a download would do: verdict, reason, destination, effects.

    No request is sent, and nothing is written.
    """
    common.check_destination(given, urls)
    check_input(given['input_file'], urls)
    with common.managing(given) as manager:
        path = given['input_file']
        read = () if path is None else read_targets(path, manager, given)
        show_plans(manager, [*urls, *(target for target, _ in read)], given)


def show_plans(manager: 'DownloadManager', targets: 'list[Target]', given: dict[str, Any]) -> None:
    """Print the plans; end with an exit code if one was refused, or with --exit-code."""
    from dlmachine.cli.exit_codes import CHANGES_PENDING, exit_code

    results: list[dict[str, Any]] = []
    refused = pending = 0
    dest, words = common.destination(given, manager), common.request_words(given)
    if len(targets) == 1:
        dest = common.named_by_url(targets[0], dest, given, manager)
    for target, ready in common.prepared(targets, dest, manager, words):
        found = _plan(ready, manager)
        if not is_successful(found):
            fault = found.failure()
            refused = exit_code(fault)
            results.append(
                {'url': common.shown(target, manager), 'fault': common.fault_as_json(fault)}
            )
            tell('error', common.fault_text(target, fault, manager))
            continue
        made = found.unwrap()
        pending += made.is_download
        results.append(
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
        common.print_json(results)
    if refused:
        sys.exit(refused)
    if pending and given['exit_code']:
        sys.exit(CHANGES_PENDING)


def _plan(ready: 'Prepared | Fault', manager: 'DownloadManager') -> 'Result[Plan, Fault]':
    from dlmachine.core.plan.plan import plan

    if not isinstance(ready, tuple):
        return Failure(ready)
    with manager.adapters() as world:
        return plan(*ready, world.observe(*ready))
