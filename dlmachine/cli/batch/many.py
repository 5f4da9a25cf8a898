"""The batch of `dlmachine get`: results as they come, and a summary at the end."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.batch.retry import Input
from dlmachine.cli.common import destination, fault_as_json, fault_text, request_words, shown
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.signals import ending_at_once
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import replace

if TYPE_CHECKING:
    from dlmachine.batch.items import BatchItem
    from dlmachine.core.faults import Fault
    from dlmachine.core.protocol.outcome import Outcome
    from dlmachine.manager import DownloadManager


def get_many(manager: 'DownloadManager', inputs: list[Input], given: Mapping[str, Any]) -> None:
    """Download several, and end the program with the exit code of a batch if any failed."""
    from dlmachine.cli.batch.summary import Summary
    from dlmachine.cli.exit_codes import PARTIAL, exit_code
    from dlmachine_adapters.progress.display import clear_display

    summary = Summary(len(inputs))
    words, dest = request_words(given), destination(given, manager)
    targets = [one.target for one in inputs]

    def interrupted() -> str:
        clear_display()
        return summary.interrupted()

    with ending_at_once(interrupted):
        for item in manager.download_many(targets, dest, workers=given['workers'], **words):
            one = inputs[item.index]
            summary.add(item, shown(one.target, manager))
            _report(item, one, manager, given)
    faults = summary.faults
    if faults or not (given['quiet'] or given['silent']):
        for line in summary.lines():
            click.echo(line, err=True)
    if len(faults) == len(inputs) and len({type(fault) for fault in faults}) == 1:
        sys.exit(exit_code(faults[0]))
    if faults:
        sys.exit(PARTIAL)


def _report(
    item: 'BatchItem[Any]', one: Input, manager: 'DownloadManager', given: Mapping[str, Any]
) -> None:
    if item.ok:
        warn(item.outcome)
        if not (given['as_json'] or given['quiet'] or given['write_out']):
            click.echo(printable(str(item.path and item.outcome.content)))
    else:
        tell('error', input_fault(one, item.fault, manager))
    if given['as_json'] or given['write_out']:
        print_result(replace(item, index=one.index), manager, given['write_out'])


def read_write_out(given: Mapping[str, Any]) -> str:
    """The format of --write-out; empty without one.  Raises: UsageError."""
    if given['write_out'] is None:
        return ''
    from dlmachine.cli.batch.write_out import read_format

    if given['as_json']:
        msg = '--json and --write-out exclude each other'
        raise click.UsageError(msg)
    return read_format(given['write_out'])


def print_result(item: 'BatchItem[Any]', manager: 'DownloadManager', pattern: str = '') -> None:
    """Print one result as a line of JSON, or in the form of --write-out."""
    from dlmachine.batch.results import describe

    row = describe(item, manager.secret_names)
    row['fault'] = None if row['fault'] is None else fault_as_json(row['fault'])
    if pattern:
        from dlmachine.cli.batch.write_out import write_out

        click.echo(write_out(pattern, item, row), nl=False)
    else:
        # ASCII, so that it can be written in any encoding.
        click.echo(json.dumps(row, default=str))


def input_fault(one: Input, fault: 'Fault', manager: 'DownloadManager') -> str:
    """The message of a fault, with the line that names the URL."""
    text = fault_text(one.target, fault, manager)
    return f'{one.line}: {text}' if one.line else text


def warn(outcome: 'Outcome') -> None:
    """Print the reason for a stale copy, and the notes about content from the network."""
    from dlmachine.core.protocol.outcome import Origin

    if outcome.fault is not None:
        tell('stale', printable(f'{outcome.content}: {outcome.reason}'))
    elif outcome.origin is Origin.NETWORK:
        for note in outcome.notes:
            tell('note', printable(f'{outcome.path or "-"}: {note}'))
