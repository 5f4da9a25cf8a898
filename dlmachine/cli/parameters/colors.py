"""Lines on stderr that begin with their kind, such as `error:`, in its colour on a terminal."""

import os
from typing import Final

import click

#: The values of `--color`.
WHEN: Final = ('auto', 'always', 'never')
_COLORS: Final = {'error': 'red', 'warning': 'yellow', 'stale': 'yellow', 'note': 'cyan'}


def tell(kind: str, text: str) -> None:
    """Print a line to stderr."""
    head = click.style(f'{kind}:', fg=_COLORS[kind.lower()], bold=True)
    context = click.get_current_context(silent=True)
    color = None if context is None else context.color
    click.echo(f'{head} {text}', err=True, color=_by_environment() if color is None else color)


def choose_color(ctx: click.Context, param: click.Parameter, when: str | None) -> None:
    """Note the value of `--color` in the context of a command."""
    ctx.color = {'always': True, 'never': False}.get(when or '')


def _by_environment() -> bool | None:
    """Whether the environment wants colours; None: on a terminal only.

    NO_COLOR counts before FORCE_COLOR, both only if they are not empty.
    """
    if os.environ.get('NO_COLOR') or os.environ.get('TERM') == 'dumb':
        return False
    return True if os.environ.get('FORCE_COLOR') else None
