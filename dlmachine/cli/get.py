"""`dlmachine get`: download URLs."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.common import (
    check_destination,
    destination,
    fail,
    fault_as_json,
    fault_text,
    managing,
    print_json,
    request_words,
    shown,
)
from dlmachine.cli.inputs import check_input, read_targets
from dlmachine.cli.parameters.options import (
    Command,
    input_options,
    json_option,
    own_option,
    request_options,
    table_option,
)
from dlmachine.cli.parameters.values import FILE, FOLDER
from dlmachine.cli.signals import ending_at_once
from dlmachine.cli.usage import WORKERS
from dlmachine.core.faults.printing import printable
from dlmachine.execution.log import WAITS

if TYPE_CHECKING:
    from dlmachine.batch.items import BatchItem
    from dlmachine.core.protocol.outcome import Outcome
    from dlmachine.manager import DownloadManager
    from dlmachine.targets import Target


@click.command('get', cls=Command)
@click.argument('urls', nargs=-1, metavar='URL...')
@own_option(
    '-o',
    '--output',
    '--dest',
    'output',
    type=FILE,
    metavar='FILE',
    help='File to write; - is stdout, and a path that ends in / is a folder.',
)
@own_option(
    '-d',
    '--dir',
    '--output-dir',
    'folder',
    type=FOLDER,
    metavar='DIR',
    help='Folder to write to.',
)
@table_option('path')
@input_options
@own_option(
    '-j',
    '--workers',
    type=click.IntRange(1, 256),
    default=8,
    envvar=list(WORKERS),
    metavar='N',
    help='Parallel downloads (default: 8, or DLMACHINE_WORKERS).',
)
@own_option('--dry-run', is_flag=True, help='Show the plan without doing it.')
@own_option('--exit-code', is_flag=True, help='With --dry-run: 10 if anything would be fetched.')
@own_option('-q', '--quiet', is_flag=True, help='Print neither progress nor paths.')
@table_option('progress', help='No progress bars.')
@own_option('-v', '--verbose', count=True, help='Log to stderr; -vv logs more.')
@json_option
@request_options
def command(urls: tuple[str, ...], **given: Any) -> None:
    """Download URLs and print their paths, one per line.

    Without --output, --dir or --cache, files go to the configured destination or cache, or without
    either into the current folder, with the name from the response.
    """
    check_destination(given)
    if os.environ.get(WORKERS[1]):
        click.echo(f'warning: {WORKERS[1]} is now called {WORKERS[0]}', err=True)
    check_input(given['input_file'], urls)
    is_quiet = any(given[name] for name in ('quiet', 'as_json', 'verbose'))
    is_bare = is_quiet or given['dry_run'] or given['progress'] is False
    with (
        _logging(given),
        managing(given, progress=not is_bare) as manager,
        _logging_waits(given, has_bars=manager.config.progress and _draws()),
    ):
        path = given['input_file']
        targets = [*urls, *(() if path is None else read_targets(path, manager, given))]
        if not targets:
            msg = '--input-file has no URL in it'
            raise click.UsageError(msg)
        if given['output'] is not None and len(targets) > 1:
            msg = '--output takes one URL; use --dir for many'
            raise click.UsageError(msg)
        if given['dry_run']:
            from dlmachine.cli.plan import show_plans

            show_plans(manager, targets, given)
        elif len(targets) == 1:
            _get_one(manager, targets[0], given)
        else:
            _get_many(manager, targets, given)


def _draws() -> bool:
    # Imported late: a hit does not need it.
    from dlmachine_adapters.progress import is_seen

    return is_seen()


def _get_one(manager: 'DownloadManager', target: 'Target', given: dict[str, Any]) -> None:
    from dlmachine.errors import DownloadError, RequestError

    try:
        outcome = manager.fetch(target, destination(given, manager), **request_words(given))
    except DownloadError as error:
        fault = error.fault
        if given['as_json']:
            print_json([{'url': shown(target, manager), 'fault': fault_as_json(fault)}])
        fail(fault, fault_text(target, fault, manager) if isinstance(error, RequestError) else '')
    _warn(outcome)
    if outcome.buffer is not None and not given['as_json']:
        sys.stdout.buffer.write(outcome.buffer.read())
        sys.stdout.buffer.flush()
    elif given['as_json']:
        print_json([_as_json(target, outcome, manager)])
    elif not given['quiet']:
        click.echo(printable(str(outcome.path)))


def _get_many(manager: 'DownloadManager', targets: 'list[Target]', given: dict[str, Any]) -> None:
    from dlmachine.cli.exit_codes import PARTIAL, exit_code

    results: list[dict[str, Any]] = []
    failed = []
    words, dest = request_words(given), destination(given, manager)
    with ending_at_once():
        for item in manager.download_many(targets, dest, workers=given['workers'], **words):
            if item.ok:
                _warn(item.outcome)
                if not given['as_json'] and not given['quiet']:
                    click.echo(printable(str(item.path)))
            else:
                failed.append(item.fault)
                click.echo(f'error: {fault_text(item.input, item.fault, manager)}', err=True)
            results.append(_item_as_json(item, manager))
    if given['as_json']:
        print_json(results)
    if failed:
        click.echo(f'{len(failed)} of {len(targets)} failed', err=True)
        if len(failed) == len(targets) and len({type(fault) for fault in failed}) == 1:
            sys.exit(exit_code(failed[0]))
        sys.exit(PARTIAL)


def _warn(outcome: 'Outcome') -> None:
    from dlmachine.core.protocol.outcome import Origin

    if outcome.fault is not None:
        click.echo(printable(f'stale: {outcome.content}: {outcome.reason}'), err=True)
    elif outcome.origin is Origin.NETWORK:
        for note in outcome.notes:
            click.echo(printable(f'note: {outcome.path or "-"}: {note}'), err=True)


def _logging(given: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Log to stderr within the block, if --verbose is set."""
    return _logged('', given['verbose'], '%(asctime)s %(levelname)-7s %(message)s')


def _logging_waits(given: Mapping[str, Any], *, has_bars: bool) -> AbstractContextManager[None]:
    """Report waits on stderr, unless --quiet is set, or the log or a bar shows them."""
    is_shown = given['verbose'] or given['quiet'] or has_bars
    return _logged(f'.{WAITS}', not is_shown, '%(message)s')


@contextmanager
def _logged(child: str, verbosity: int, pattern: str) -> Iterator[None]:
    if not verbosity:
        yield
        return
    import logging

    logger, shown = logging.getLogger(f'dlmachine{child}'), logging.StreamHandler(sys.stderr)
    shown.setFormatter(logging.Formatter(pattern, '%H:%M:%S'))
    before = logger.level
    logger.addHandler(shown)
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(shown)


def _item_as_json(item: 'BatchItem[Any]', manager: 'DownloadManager') -> dict[str, Any]:
    if item.ok:
        return _as_json(item.input, item.outcome, manager)
    return {'url': shown(item.input, manager), 'fault': fault_as_json(item.fault)}


def _as_json(target: 'Target', outcome: 'Outcome', manager: 'DownloadManager') -> dict[str, Any]:
    record = outcome.record
    return {
        'url': shown(target, manager),
        'path': outcome.path,
        'origin': outcome.origin.value,
        'reason': outcome.reason,
        'version': outcome.version,
        'tries': outcome.tries,
        'notes': list(outcome.notes),
        'fault': None if outcome.fault is None else fault_as_json(outcome.fault),
        'size': None if record is None else record.size_bytes,
        'sha256': None if record is None else record.sha256,
    }
