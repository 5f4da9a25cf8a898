"""Usage errors in click's words, with secrets masked.

Click quotes arguments that it does not understand: a URL with a password, in place of an option or
a number, would be shown on the terminal and in logs.
"""

import os
import sys
from collections.abc import Iterable, Iterator

import click

from dlmachine.cli.parameters.colors import tell

#: Environment variables with a default for --workers: the present and the former name.
WORKERS = ('DLMACHINE_WORKERS', 'DLMACHINE_JOBS')


def show_usage_error(error: click.ClickException) -> None:
    """Print to stderr what is wrong with the arguments, and where to find help."""
    context = getattr(error, 'ctx', None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)  # The whole help.
        return
    if context is not None:
        click.echo(context.get_usage(), err=True)
        name = f"'{context.command_path} {context.help_option_names[-1]}'"
        click.echo(f'Try {name} for help.\n', err=True)
    words = (*sys.argv[1:], *(os.environ.get(name, '') for name in WORKERS))
    tell('Error', masked(error.format_message(), words))


def masked(message: str, words: Iterable[str]) -> str:
    """Mask the secrets of these words in a message.

    >>> masked("No such option '--http://me:pw@h/'.", ['--http://me:pw@h/'])
    "No such option '--http://***@h/'."
    """
    from dlmachine.core.faults.printing import printable, shortened
    from dlmachine.core.secrets.configuration import redact_value

    pieces = {piece for word in words for piece in _pieces(word)}
    for piece in sorted(pieces, key=len, reverse=True):
        shown = shortened(str(redact_value(piece)))
        if shown != piece:
            for quoted in (piece, repr(piece)[1:-1]):
                message = message.replace(quoted, shown)
    return '\n'.join(printable(line) for line in message.split('\n'))


def _pieces(word: str) -> Iterator[str]:
    # Like click's own parsing of an argument: dashes, the name of an option, its value.
    bare = word.lstrip('-')
    name, _, value = bare.partition('=')
    yield from (piece for piece in (bare, name, value, word[2:]) if piece)
