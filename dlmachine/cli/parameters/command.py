"""A command, with sections in its help, and the flags that every command has."""

import os
from typing import Any, Final

import click

from dlmachine.cli.parameters.colors import WHEN, choose_color, tell
from dlmachine.cli.parameters.flags import renamed
from dlmachine.options.environment import ENV_PREFIX

#: Where a command notes its arguments in its context.
WORDS: Final = 'dlmachine.words'


class Flag(click.Option):
    """An option of a command, in a section of its help."""

    def __init__(self, *args: Any, section: str = 'Options', **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class _ColorFlag(Flag):
    def __init__(self) -> None:
        super().__init__(
            ['--color'],
            type=click.Choice(WHEN),
            expose_value=False,
            is_eager=True,
            callback=choose_color,
            help='Colours in messages; auto: on a terminal, and as NO_COLOR and FORCE_COLOR say.',
        )


class _NoConfigFlag(Flag):
    def __init__(self) -> None:
        super().__init__(
            ['--no-config'],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_ignore_user_file,
            help="Ignore the user's configuration file.",
        )


def _ignore_user_file(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value:
        name = f'{ENV_PREFIX}CONFIG'
        before = os.environ.get(name, '')
        os.environ[name] = os.devnull
        # An empty variable counts as unset.
        ctx.call_on_close(lambda: os.environ.update({name: before}))


class Command(click.Command):
    """A command with sections in its help; it accepts the former names of its flags."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        common: list[Flag] = [_ColorFlag()]
        if any(param.name == 'config' for param in self.params):
            common.append(_NoConfigFlag())
        # The last of the options without a section.
        self.params += common

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; warn about former flags."""
        own = [flag for param in self.params for flag in param.opts]
        words = list(renamed(args, own))
        for word, old in words:
            if old:
                tell('warning', f'{old} is now called {word.partition("=")[0]}')
        ctx.meta[WORDS] = plain = [word for word, _ in words]
        try:
            if any(len(word) == len('-nc') and word.startswith('-n') for word in plain):
                from dlmachine.cli.parameters.hinting import refuse_joined

                refuse_joined(plain)
            return super().parse_args(ctx, list(plain))
        except click.UsageError as error:
            from dlmachine.cli.parameters.hinting import advised

            raise advised(error, plain) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                section = getattr(param, 'section', 'Options')
                sections.setdefault(section, []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)
