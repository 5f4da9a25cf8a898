"""Errors of usage, as click words them, without the secrets that were typed.

Click quotes what it does not understand: a URL with a password that stands where an option or
a number is expected would be shown on a terminal, and kept in a log.
"""

import os
import sys
from collections.abc import Iterable, Iterator

import click

#: Environment variables that hold a default of a flag: of now, and of before.
WORKERS = ('DLMACHINE_WORKERS', 'DLMACHINE_JOBS')


def show_usage_error(error: click.ClickException) -> None:
    """Say on stderr what is wrong with the arguments, and where help is."""
    context = getattr(error, 'ctx', None)
    if context is not None:
        click.echo(context.get_usage(), err=True)
        name = f"'{context.command_path} {context.help_option_names[-1]}'"
        click.echo(f'Try {name} for help.\n', err=True)
    words = (*sys.argv[1:], *(os.environ.get(name, '') for name in WORKERS))
    click.echo(f'Error: {masked(error.format_message(), words)}', err=True)


def masked(message: str, words: Iterable[str]) -> str:
    """A message with the secrets masked that stand in the words it quotes.

    >>> masked("No such option '--http://me:pw@h/'.", ['--http://me:pw@h/'])
    "No such option '--http://***@h/'."
    """
    from dlmachine.core.faults.printing import printable, shortened
    from dlmachine.core.secrets.redact import redact_value

    pieces = {piece for word in words for piece in _pieces(word)}
    for piece in sorted(pieces, key=len, reverse=True):
        shown = shortened(str(redact_value(piece)))
        if shown != piece:
            for quoted in (piece, repr(piece)[1:-1]):
                message = message.replace(quoted, shown)
    return '\n'.join(printable(line) for line in message.split('\n'))


def _pieces(word: str) -> Iterator[str]:
    # As click takes an argument apart: dashes, the name of an option, and its value.
    bare = word.lstrip('-')
    name, _, value = bare.partition('=')
    yield from (piece for piece in (bare, name, value, word[2:]) if piece)
