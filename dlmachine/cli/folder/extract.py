"""`dlmachine extract`: the members of an archive as files of a folder."""

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dlmachine.cli.common import extract_words, managing, print_json, size_text
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import (
    config_option,
    extract_options,
    json_option,
    own_option,
    table_option,
)
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable
from dlmachine.core.http.url import is_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmachine.core.archives.member import Member
    from dlmachine.core.protocol.outcome import Outcome

Decorated = TypeVar('Decorated', bound=Callable[..., Any])


def keyword_options(command: Decorated) -> Decorated:
    """Add the options for the keywords of `dlmachine.extract`."""
    for option in reversed(extract_options(own_option)):
        command = option(command)
    return command


@click.command('extract', cls=Command)
@click.argument('what', type=FILE, metavar='FILE|URL')
@click.argument('folder', type=FILE, metavar='[DIR]', required=False)
@own_option('-l', '--list', 'is_list', is_flag=True, help='List the members; extract nothing.')
@keyword_options
@own_option('--ask-password', is_flag=True, help='Ask for the password of a ZIP archive.')
@table_option('path')
@config_option
@json_option
def command(what: str, folder: str | None, **given: Any) -> None:
    """Extract an archive, or a compressed file, into a folder of its own.

    The default folder is the name of the file without its extensions, in the current folder. If it
    is there from an earlier extraction, its files are checked, and those that are missing or have
    changed are restored. A URL is downloaded into the cache first.
    """
    from dlmachine.core.archives.packing import archive_stem
    from dlmachine.reading.extract import extract

    with managing(given) as manager:
        source: Outcome | str = manager.fetch(what) if is_url(what) else what
        if not isinstance(source, str) and source.path is None:
            raise click.UsageError(
                'A URL needs a cache: pass --cache, or set it in the configuration'
            )
        if given['is_list']:
            _list(source, as_json=given['as_json'])
            return
        name = source if isinstance(source, str) else source.record.filename
        target = folder or archive_stem(PurePath(name).name)
        done = extract(source, target, **_words(given))
    if given['as_json']:
        print_json(done.to_dict())
        return
    count = f'{len(done.files)} file{"" if len(done.files) == 1 else "s"}'
    state = {0: 'as before', len(done.files): 'extracted'}.get(len(done.restored))
    click.echo(printable(done.folder))
    click.echo(f'{count}, {state or f"{len(done.restored)} restored"}', err=True)


def _words(given: 'Mapping[str, Any]') -> dict[str, Any]:
    words = extract_words(given)
    if given['ask_password']:
        words['password'] = click.prompt('Password', hide_input=True, err=True)
    return words


def _list(source: 'Outcome | str', *, as_json: bool) -> None:
    from dlmachine.reading.open_file import members

    found = members(source)
    if as_json:
        print_json([_as_json(member) for member in found])
        return
    for member in found:
        arrow = f' -> {member.link}' if member.link else ''
        click.echo(printable(f'{size_text(member.size_bytes):>10}  {member.name}{arrow}'))


def _as_json(member: 'Member') -> dict[str, Any]:
    return {
        'name': member.name,
        'kind': member.kind.name.lower(),
        'size': member.size_bytes,
        'link': member.link or None,
        'modified': None if member.modified_at is None else member.modified_at.isoformat(),
        'encrypted': member.is_encrypted,
    }
