"""`dlmachine get`: download."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.common import (
    cache_option,
    fail,
    fault_as_json,
    json_option,
    managing,
    print_json,
    request_options,
    request_words,
)
from dlmachine.cli.interruption import ending_at_once

if TYPE_CHECKING:
    from dlmachine.batch import BatchItem
    from dlmachine.core.outcome import Outcome
    from dlmachine.manager import DownloadManager


@click.command('get')
@click.argument('urls', nargs=-1, metavar='URL...')
@click.option('-o', '--output', metavar='FILE', help='File to write; - is stdout.')
@click.option('-d', '--dir', '--output-dir', 'folder', metavar='DIR', help='Folder to write to.')
@cache_option
@click.option('-i', '--input-file', metavar='FILE', help='Read URLs from a file; - is stdin.')
@click.option(
    '-j',
    '--jobs',
    type=click.IntRange(1, 256),
    default=8,
    envvar='DLMACHINE_JOBS',
    show_envvar=True,
    help='Downloads at once.',
)
@click.option('--dry-run', is_flag=True, help='Show the plan and do nothing.')
@click.option('--exit-code', is_flag=True, help='With --dry-run: 10 if anything would be fetched.')
@click.option('-q', '--quiet', is_flag=True, help='No progress, no paths.')
@click.option('--no-progress', is_flag=True, help='No progress bars.')
@click.option('-v', '--verbose', count=True, help='Say on stderr what is done; -vv more of it.')
@json_option
@request_options
def command(urls: tuple[str, ...], **given: Any) -> None:
    """Download URLs; their paths are printed, one a line.

    Without --output, --dir or --cache the file goes into the current folder, named by the
    answer.
    """
    if sum(given[name] is not None for name in ('output', 'folder', 'cache')) > 1:
        msg = '--output, --dir and --cache exclude each other'
        raise click.UsageError(msg)
    wishes = [*urls, *_read_urls(given['input_file'])]
    if not wishes:
        msg = 'Missing argument URL'
        raise click.UsageError(msg)
    if given['output'] is not None and len(wishes) > 1:
        msg = '--output takes one URL; use --dir for many'
        raise click.UsageError(msg)
    if given['dry_run']:
        from dlmachine.cli.plan import show_plans

        show_plans(wishes, _destination(given), given)
        return
    is_quiet = any(given[name] for name in ('quiet', 'no_progress', 'as_json', 'verbose'))
    with _telling(given['verbose']), managing(given, progress=not is_quiet) as manager:
        if len(wishes) == 1:
            _get_one(manager, wishes[0], given)
        else:
            _get_many(manager, wishes, given)


def _destination(given: dict[str, Any]) -> str | bool | None:
    if given['output'] == '-':
        return False
    if given['output'] is not None:
        return str(given['output'])
    if given['cache'] is not None:
        return None
    return str(Path(given['folder'] or '.')) + '/'


def _get_one(manager: 'DownloadManager', url: str, given: dict[str, Any]) -> None:
    outcome = manager.fetch(url, _destination(given), **request_words(given))
    _warn_if_stale(outcome)
    if outcome.buffer is not None and not given['as_json']:
        sys.stdout.buffer.write(outcome.buffer.read())
        sys.stdout.buffer.flush()
    elif given['as_json']:
        print_json([_as_json(url, outcome)])
    elif not given['quiet']:
        click.echo(outcome.path)


def _get_many(manager: 'DownloadManager', urls: list[str], given: dict[str, Any]) -> None:
    from dlmachine.cli.exit_codes import PARTIAL

    told: list[dict[str, Any]] = []
    failed = []
    words, place = request_words(given), _destination(given)
    with ending_at_once():
        for item in manager.download_many(urls, place, workers=given['jobs'], **words):
            if item.fault is not None:
                failed.append(item.fault)
                click.echo(f'error: {item.fault}', err=True)
            elif item.outcome is not None:
                _warn_if_stale(item.outcome)
            if item.ok and not given['as_json'] and not given['quiet']:
                click.echo(item.path)
            told.append(_item_as_json(item))
    if given['as_json']:
        print_json(told)
    if failed:
        click.echo(f'{len(failed)} of {len(urls)} failed', err=True)
        if len(failed) == len(urls) and len({type(fault) for fault in failed}) == 1:
            fail(failed[0])
        sys.exit(PARTIAL)


def _warn_if_stale(outcome: 'Outcome') -> None:
    if outcome.fault is not None:
        click.echo(f'stale: {outcome.content}: {outcome.reason}', err=True)


@contextmanager
def _telling(verbosity: int) -> Iterator[None]:
    """Let the log of dlmachine go to stderr, as long as this lasts."""
    if not verbosity:
        yield
        return
    import logging

    logger, shown = logging.getLogger('dlmachine'), logging.StreamHandler(sys.stderr)
    shown.setFormatter(logging.Formatter('%(asctime)s %(levelname)-7s %(message)s', '%H:%M:%S'))
    before = logger.level
    logger.addHandler(shown)
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(shown)


def _item_as_json(item: 'BatchItem[Any]') -> dict[str, Any]:
    if item.outcome is not None:
        return _as_json(item.input, item.outcome)
    assert item.fault is not None  # noqa: S101 -- one of the two is always set
    return {'url': item.input, 'fault': fault_as_json(item.fault)}


def _as_json(url: str, outcome: 'Outcome') -> dict[str, Any]:
    from dlmachine.core.redact import redact_url

    record = outcome.record
    return {
        'url': redact_url(url),
        'path': outcome.path,
        'origin': outcome.origin.value,
        'reason': outcome.reason,
        'version': outcome.version,
        'tries': outcome.tries,
        'fault': None if outcome.fault is None else fault_as_json(outcome.fault),
        'size': None if record is None else record.size_bytes,
        'sha256': None if record is None else record.sha256,
    }


def _read_urls(path: str | None) -> list[str]:
    if path is None:
        return []
    try:
        with click.open_file(path, encoding='utf-8') as file:
            lines = [line.strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        msg = f'--input-file: {error}'
        raise click.UsageError(msg) from error
    return [line for line in lines if line and not line.startswith('#')]
