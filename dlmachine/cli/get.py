"""`dlmachine get`: download URLs."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dlmachine.cli.batch.many import get_many, input_fault, print_result, read_write_out, warn
from dlmachine.cli.batch.retry import Input, read_inputs
from dlmachine.cli.common import (
    check_destination,
    destination,
    fail,
    is_stream,
    managing,
    named_by_url,
    output_path,
    request_words,
)
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import (
    folder_option,
    input_options,
    output_flags,
    own_option,
    request_options,
    table_option,
    workers_option,
)
from dlmachine.cli.parameters.usage import WORKERS
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import replace
from dlmachine.execution.log import WAITS

if TYPE_CHECKING:
    import logging

    from dlmachine.manager import DownloadManager

#: The endings of the names of log files that hold lines of JSON.
_OF_JSON_LINES: Final = ('.jsonl', '.ndjson')


@click.command('get', cls=Command)
@click.argument('urls', nargs=-1, metavar='URL...')
@own_option(
    '-o',
    '--output',
    '--dest',
    'output',
    type=FILE,
    metavar='FILE',
    help='File to write, in the folder of --dir; - is stdout, and a path that ends in / is a '
    'folder.',
)
@folder_option(help='Folder to write to.')
@table_option('path')
@input_options
@own_option(
    '--retry-failed',
    type=FILE,
    metavar='RESULTS',
    help='With -i: only what is not finished in RESULTS, the output of an earlier get --json.',
)
@workers_option
@own_option('--dry-run', is_flag=True, help='Show the plan without doing it.')
@own_option('--exit-code', is_flag=True, help='With --dry-run: 10 if anything would be downloaded.')
@own_option(
    '-I',
    '--head',
    is_flag=True,
    help='Send a HEAD, and print the header section of each response; nothing is stored.',
)
@own_option('-q', '--quiet', is_flag=True, help='Print neither progress nor paths.')
@table_option('progress', help='No progress bars.')
@own_option('-v', '--verbose', count=True, help='Log to stderr; -vv logs more.')
@own_option('--json', 'as_json', is_flag=True, help='Print one line of JSON for each result.')
@output_flags
@request_options
def command(urls: tuple[str, ...], **given: Any) -> None:
    """Download URLs and print their paths, one per line.

    Without --output, --dir or --cache, files go to the configured destination or cache, or without
    either into the current folder, with the name from the response.
    """
    check_destination(given, urls)
    if os.environ.get(WORKERS[1]):
        tell('warning', f'{WORKERS[1]} is now called {WORKERS[0]}')
    given['write_out'] = read_write_out(given)
    is_quiet = any(given[name] for name in ('quiet', 'silent', 'as_json', 'verbose'))
    is_bare = is_quiet or given['dry_run'] or given['progress'] is False
    with (
        _spooled(given),
        _logging(given),
        _logging_to_file(given),
        managing(given, progress=not is_bare) as manager,
        _logging_waits(given, has_bars=manager.config.progress and _draws()),
    ):
        inputs = read_inputs(urls, given, manager)
        targets = [one.target for one in inputs]
        if given['output'] is not None and len(targets) > 1:
            raise click.UsageError('--output takes one URL; use --dir for many')
        if given['dry_run']:
            from dlmachine.cli.plan import show_plans

            show_plans(manager, targets, given)
        elif given['head']:
            from dlmachine.cli.batch.head import show_heads

            show_heads(manager, inputs, given)
        elif not inputs:
            click.echo('nothing to retry: everything is finished', err=True)
        elif len(inputs) == 1 and (given['retry_failed'] is None or given['output'] is not None):
            _get_one(manager, inputs[0], given)
        else:
            get_many(manager, inputs, given)


def _draws() -> bool:
    # Imported late: a hit does not need it.
    from dlmachine_adapters.progress.terminal import is_seen

    return is_seen()


def _get_one(manager: 'DownloadManager', one: Input, given: dict[str, Any]) -> None:
    from dlmachine.errors import DownloadError, RequestError

    try:
        dest = named_by_url(one.target, destination(given, manager), given, manager)
        outcome = manager.fetch(one.target, dest, **request_words(given))
    except DownloadError as error:
        fault = error.fault
        if given['as_json'] or given['write_out']:
            from dlmachine.batch.items import BatchFailure

            failure = BatchFailure(input=one.target, index=one.index, fault=fault)
            print_result(failure, manager, given['write_out'])
        is_named = isinstance(error, RequestError) or one.line
        fail(fault, input_fault(one, fault, manager) if is_named else '')
    warn(outcome)
    is_on_stdout = output_path(given) in {None, '-'}
    if given.get('spool') is not None:
        from dlmachine.cli.batch.spool import send_spooled

        send_spooled(given)
        outcome = replace(outcome, path=None, buffer=BytesIO())
    elif outcome.buffer is not None and not (given['as_json'] and is_on_stdout):
        _write(outcome.buffer.read(), output_path(given))
    if given['as_json'] or given['write_out']:
        from dlmachine.batch.items import BatchSuccess

        success = BatchSuccess(input=one.target, index=one.index, outcome=outcome)
        print_result(success, manager, given['write_out'])
    elif outcome.buffer is None and not given['quiet']:
        click.echo(printable(str(outcome.content)))


def _spooled(given: dict[str, Any]) -> AbstractContextManager[None]:
    """A temporary file for the block, if the output is a device or a pipe, but not stdout."""
    path = output_path(given)
    if path in {None, '-'} or given['head'] or not is_stream(str(path)):
        return nullcontext()
    from dlmachine.cli.batch.spool import spooled

    return spooled(given)


def _write(content: bytes, path: str | None) -> None:
    """Write content to stdout, or into a device or a pipe."""
    if path in {None, '-'}:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        Path(str(path)).write_bytes(content)


def _logging(given: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Log to stderr within the block, if --verbose is set."""
    return _logged('', given['verbose'], '%(asctime)s %(levelname)-7s %(message)s')


def _logging_waits(given: Mapping[str, Any], *, has_bars: bool) -> AbstractContextManager[None]:
    """Report waits on stderr, unless --quiet is set, or the log or a bar shows them."""
    is_shown = given['verbose'] or given['quiet'] or given['silent'] or has_bars
    return _logged(f'.{WAITS}', not is_shown, '%(message)s')


def _logging_to_file(given: dict[str, Any]) -> AbstractContextManager[None]:
    """Append the log to a file within the block, if --log-file is set."""
    pattern = '%(asctime)s %(levelname)-7s %(message)s'
    path, verbosity = given['log_file'], max(given['verbose'], 1)
    if path is not None and path.endswith(_OF_JSON_LINES):
        return _events_to_file(given, path)
    return _logged('', verbosity if path is not None else 0, pattern, path)


@contextmanager
def _events_to_file(given: dict[str, Any], path: str) -> Iterator[None]:
    """Append the events to a file as lines of JSON, except those that only count bytes."""
    import json
    from datetime import UTC, datetime

    from dlmachine.core.protocol.progress import DownloadAdvanced, ProgressEvent

    with closing(_handler(path)) as handler:

        def append(event: ProgressEvent) -> None:
            if not isinstance(event, DownloadAdvanced):
                at = datetime.now(UTC).isoformat(timespec='milliseconds')
                handler.stream.write(json.dumps({'time': at, **event.to_dict()}) + '\n')
                handler.flush()

        given['on_event'] = append
        yield


@contextmanager
def _logged(child: str, verbosity: int, pattern: str, path: str | None = None) -> Iterator[None]:
    if not verbosity:
        yield
        return
    import logging

    logger, shown = logging.getLogger(f'dlmachine{child}'), _handler(path)
    shown.setFormatter(logging.Formatter(pattern, '%H:%M:%S' if path is None else None))
    before = logger.level
    logger.addHandler(shown)
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(shown)
        if path is not None:
            shown.close()


def _handler(path: str | None) -> 'logging.StreamHandler[Any]':
    import logging

    from dlmachine.paths import expand

    if path is None:
        return logging.StreamHandler(sys.stderr)
    try:
        return logging.FileHandler(expand(path), encoding='utf-8', errors='backslashreplace')
    except OSError as error:
        msg = f'--log-file: {path} cannot be written: {error.strerror or error}'
        raise click.UsageError(msg) from error
