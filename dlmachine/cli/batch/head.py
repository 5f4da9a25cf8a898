"""`dlmachine get --head`: the header sections of responses, without their bodies."""

import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.batch.many import input_fault, print_result
from dlmachine.cli.batch.retry import Input
from dlmachine.cli.common import is_stream, output_path, request_words
from dlmachine.cli.parameters.colors import tell
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.batch.items import BatchItem
    from dlmachine.core.faults import Fault
    from dlmachine.core.http.response import ResponseHead
    from dlmachine.core.protocol.outcome import Outcome
    from dlmachine.manager import DownloadManager


def show_heads(manager: 'DownloadManager', inputs: list[Input], given: Mapping[str, Any]) -> None:
    """Send a HEAD for each URL, and print all responses in their order.

    The program ends with an exit code if one failed. An error status is printed, too.
    Raises: UsageError for entries of a manifest, and for a file as the output.
    """
    from dlmachine.cli.exit_codes import PARTIAL, exit_code

    path = output_path(given) or '-'
    if not is_stream(path):
        msg = '--head prints to stdout: leave out --output'
        raise click.UsageError(msg)
    if not all(isinstance(one.target, str) for one in inputs):
        msg = '--head takes URLs; for a manifest: dlmachine audit FILE --probe'
        raise click.UsageError(msg)
    words, codes = request_words(given), []
    for one in inputs:
        item = _ask(manager, one, words)
        if item.ok and not (given['quiet'] or given['as_json']):
            _print('\n'.join(_lines(item.outcome)), path)
        fault = _fault_of(item)
        if fault is not None:
            codes.append(exit_code(fault))
            tell('error', input_fault(one, fault, manager))
        if given['as_json'] or given['write_out']:
            print_result(item, manager, given['write_out'])
    if codes:
        sys.exit(codes[0] if len(codes) == len(inputs) and len(set(codes)) == 1 else PARTIAL)


def _ask(manager: 'DownloadManager', one: Input, words: Mapping[str, Any]) -> 'BatchItem[Any]':
    from dlmachine.batch.items import BatchFailure, BatchSuccess
    from dlmachine.errors import DownloadError

    try:
        outcome = manager.fetch(one.target, dest=False, any_status=True, **words)
    except DownloadError as error:
        return BatchFailure(input=one.target, index=one.index, fault=error.fault)
    return BatchSuccess(input=one.target, index=one.index, outcome=outcome)


def _fault_of(item: 'BatchItem[Any]') -> 'Fault | None':
    fault: Fault | None = item.outcome.fault if item.ok else item.fault
    return fault


def _lines(outcome: 'Outcome') -> Iterator[str]:
    """The header section of each response, redirects and repeated requests included; masked."""
    from dlmachine.core.http.response import ResponseHead
    from dlmachine.core.protocol.events import Responded
    from dlmachine.core.protocol.redact_event import redact_step

    events = (redact_step(effect, event)[1] for effect, event in outcome.story)
    heads = [event.head for event in events if isinstance(event, Responded)]
    # A remembered answer has no request in its story.
    for head in heads or [ResponseHead(status=outcome.status, headers=outcome.headers)]:
        yield _status_line(head)
        for name, value in head.headers.items:
            yield printable(f'{name}: {value}')
        yield ''


def _status_line(head: 'ResponseHead') -> str:
    """The status line, also of a source that has none, such as a file."""
    protocol = f'HTTP/{head.version}' if head.version else 'HTTP'
    known = {one.value: one.phrase for one in HTTPStatus}
    reason = head.reason or known.get(head.status, '')
    return printable(f'{protocol} {head.status} {reason}').rstrip()


def _print(text: str, path: str) -> None:
    if path == '-':
        click.echo(text)
    else:
        Path(path).write_text(f'{text}\n', encoding='utf-8')
