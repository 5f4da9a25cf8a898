"""`dlmachine cache`: what is stored."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.common import (
    cache_option,
    config_option,
    fail,
    json_option,
    managing,
    print_json,
    size_text,
)

if TYPE_CHECKING:
    from dlmachine_adapters.listing import Listed
    from dlmachine_adapters.registry import Registry


@click.group('cache')
def command() -> None:
    """List, show, verify and remove cached files."""


@command.command('dir')
@cache_option
@config_option
def show_folder(**given: Any) -> None:
    """Print the cache folder."""
    click.echo(_folder(given))


@command.command('ls')
@cache_option
@config_option
@json_option
def list_all(**given: Any) -> None:
    """List the stored versions: date, size, version, URL."""
    with _reading(given) as (_, entries):
        if given['as_json']:
            print_json([_as_json(entry) for entry in entries])
            return
        for entry in entries:
            size = size_text(entry.file_bytes)
            date = f'{entry.stored_at:%Y-%m-%d %H:%M:%S}'
            click.echo(f'{date}  {size:>10}  v{entry.version}  {entry.url or entry.file_name}')


@command.command('info')
@click.argument('what', metavar='URL|FILE|KEY')
@cache_option
@config_option
@json_option
def show_info(what: str, **given: Any) -> None:
    """Show all that is known of a stored file."""
    with _reading(given) as (_, entries):
        found = [entry for entry in entries if _is_meant(entry, what)]
    if not found:
        _miss(what)
    if given['as_json']:
        print_json([_as_json(entry) for entry in found])
        return
    for entry in found:
        for name, value in _as_json(entry).items():
            if isinstance(value, dict):
                for inner, one in value.items():
                    click.echo(f'{inner:18}  {one}')
            else:
                click.echo(f'{name:18}  {value}')
        click.echo()


@command.command('verify')
@cache_option
@config_option
@json_option
def verify(**given: Any) -> None:
    """Compute the digest of every stored file and compare; exit code 9 on a mismatch."""
    from dlmachine.cli.exit_codes import INTEGRITY

    counts = {'whole': 0, 'wrong': 0, 'missing': 0, 'unknown': 0}
    told = []
    with _reading(given) as (_, entries):
        for entry in entries:
            verdict = _judge(entry)
            counts[verdict] += 1
            told.append({'path': entry.path, 'url': entry.url, 'verdict': verdict})
            if verdict in {'wrong', 'missing'} and not given['as_json']:
                click.echo(f'{verdict}  {entry.path}  {entry.url}')
    if given['as_json']:
        print_json(told)
    click.echo(', '.join(f'{count} {name}' for name, count in counts.items()), err=True)
    if counts['wrong'] or counts['missing']:
        sys.exit(INTEGRITY)


@command.command('rm')
@click.argument('what', nargs=-1, required=True, metavar='URL|FILE|KEY...')
@cache_option
@config_option
@click.option('-y', '--yes', is_flag=True, help='Do not ask.')
@click.option('--dry-run', is_flag=True, help='Show what would be removed.')
def remove(what: tuple[str, ...], *, yes: bool, dry_run: bool, **given: Any) -> None:
    """Remove stored files, all versions of each."""
    from dlmachine_adapters.listing import remove_entry

    with _reading(given) as (registry, entries):
        found = [entry for entry in entries if any(_is_meant(entry, one) for one in what)]
        if not found:
            _miss(', '.join(what))
        for entry in found:
            click.echo(f'{entry.path}  {entry.url}')
        if dry_run:
            return
        if not yes:
            click.confirm(f'Remove {len(found)}?', abort=True, err=True)
        for entry in found:
            remove_entry(registry, entry)


def _folder(given: dict[str, Any]) -> str:
    from dlmachine_adapters.world import cache_folder

    with managing(given) as manager:
        folder = cache_folder(manager.config.path, manager.config.pkg)
    if folder is None:
        msg = 'there is no cache: give --cache, or set path= in the configuration'
        raise click.UsageError(msg)
    return folder


@contextmanager
def _reading(given: dict[str, Any]) -> 'Iterator[tuple[Registry, Iterator[Listed]]]':
    import sqlite3

    from dlmachine.core.faults import CacheUnusable
    from dlmachine_adapters.listing import list_entries
    from dlmachine_adapters.registry import Registry

    registry = Registry(_folder(given))
    try:
        yield registry, list_entries(registry)
    except (sqlite3.Error, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        fail(CacheUnusable(path=registry.path, problem=str(error)))
    finally:
        registry.close()


def _is_meant(entry: 'Listed', what: str) -> bool:
    from dlmachine.core.redact import redact_url
    from dlmachine.core.url import parse_url

    url = parse_url(what).map(lambda parsed: redact_url(str(parsed))).value_or(what)
    is_key = len(what) >= 8 and (entry.key or '').startswith(what)
    return (
        is_key or url == entry.url or str(Path(what).absolute()) == str(Path(entry.path).absolute())
    )


def _judge(entry: 'Listed') -> str:
    if entry.record is None or not entry.is_ready:
        return 'unknown'
    try:
        with Path(entry.path).open('rb') as file:
            digest = file_digest(file, 'sha256').hexdigest()
    except OSError:
        return 'missing'
    return 'whole' if digest == entry.record.sha256 else 'wrong'


def _as_json(entry: 'Listed') -> dict[str, Any]:
    import json

    return {
        'url': entry.url,
        'path': entry.path,
        'version': entry.version,
        'ready': entry.is_ready,
        'stored_at': entry.stored_at.isoformat(),
        'file_bytes': entry.file_bytes,
        'key': entry.key,
        'record': None if entry.record is None else json.loads(entry.record.to_json()),
    }


def _miss(what: str) -> None:
    from dlmachine.cli.exit_codes import GENERIC

    click.echo(f'error: nothing stored matches {what}', err=True)
    sys.exit(GENERIC)
