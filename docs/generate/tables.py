"""The tables of the reference: options, settings, environment, faults, commands, exit codes."""

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from inspect import cleandoc
from typing import Final

import click

from dlmachine.cli import exit_codes as codes
from dlmachine.cli import get, group
from dlmachine.cli.parameters.habits import IMPLIED
from dlmachine.cli.parameters.other_tools import ROWS, TOOLS, Row
from dlmachine.core.faults import FAULTS, Party
from dlmachine.core.spec.option_help import (
    DESCRIPTOR_HELP,
    EXTRACT_HELP,
    OPTION_HELP,
    OptionHelp,
)
from dlmachine.core.spec.option_table import OLD_NAMES, SYNONYMS
from dlmachine.errors import DownloadError
from dlmachine.options.environment import ENV_PREFIX
from dlmachine.options.lists import DESCRIBED_NAMES, MANAGER_HELP
from docs.generate.markdown import table

#: Characters of a default that fit in its column.
_MAX_DEFAULT: Final = 30
#: Options whose values, functions and tables, a variable cannot hold.
OF_PYTHON: Final = ('on_event', 'rules', 'validate')
_ACTORS: Final = {
    Party.CALLER: 'The request or the options are wrong; the caller has to change them.',
    Party.SERVER: 'The server responded, but not with the requested file.',
    Party.NETWORK: 'There was no connection, or it broke.',
    Party.LOCAL: 'A disk, a lock or the registry of this computer failed.',
}


def options() -> str:
    """Every option of a policy."""
    return _options(OPTION_HELP.values())


def request_options() -> str:
    """Every keyword of a descriptor."""
    return _options(DESCRIPTOR_HELP.values())


def extract_options() -> str:
    """Every keyword of an extraction, apart from its folder."""
    return _options(EXTRACT_HELP.values())


def _options(options: Iterable[OptionHelp]) -> str:
    synonyms: dict[str, list[str]] = {}
    for synonym, name in SYNONYMS.items():
        if synonym not in OLD_NAMES:
            synonyms.setdefault(name, []).append(f'`{synonym}`')
    rows = []
    for one in options:
        others = ', '.join(synonyms.get(one.name, ()))
        rows.append((*_option(one), f'{one.help} (also called {others})' if others else one.help))
    return table(('option', 'type', 'default', 'what it is for'), rows)


def _option(option: OptionHelp) -> tuple[str, ...]:
    types = ', '.join(f'`{kind}`' for kind in option.type.split(' | '))
    unit = f' ({option.unit})' if option.unit else ''
    default = option.default
    if len(default) > _MAX_DEFAULT:
        default = f"{default.partition(' ')[0]} …'"
    return (f'`{option.name}`', types + unit, f'`{default}`')


def settings() -> str:
    """The settings of a manager that are not options of a single download."""
    rows = [(*_option(option), option.help) for option in MANAGER_HELP.values()]
    rows += [
        (*_option(DESCRIPTOR_HELP[name]), 'default for every request') for name in DESCRIBED_NAMES
    ]
    return table(('setting', 'type', 'default', 'what it is for'), rows)


def environment() -> str:
    """The environment variable of each setting."""
    helps = {
        **{name: option.help for name, option in {**MANAGER_HELP, **OPTION_HELP}.items()},
        **dict.fromkeys(DESCRIBED_NAMES, 'default for every request'),
    }
    rows = [
        (f'`{ENV_PREFIX}{name.upper()}`', text)
        for name, text in helps.items()
        if name not in OF_PYTHON
    ]
    return table(('variable', 'what it is for'), rows)


def faults() -> str:
    """Every fault, sorted by who must act."""
    parts: list[str] = []
    for party in Party:
        rows = [
            (
                f'`{fault.__name__}`',
                f'`{fault.code}`',
                _first_paragraph(fault.__doc__),
                ', '.join(f'`{field.name}`' for field in fields(fault)),
            )
            for fault in FAULTS
            if fault.party is party
        ]
        heads = ('fault', 'code', 'what it says', 'fields')
        parts += [f'### {party.value.capitalize()}', _ACTORS[party], table(heads, rows)]
    return '\n\n'.join(parts)


def exceptions() -> str:
    """Every exception, with the class of Python's own that it also belongs to."""
    rows = []
    for kind in every(DownloadError):
        bases = [base.__name__ for base in kind.__bases__ if base is not Exception]
        also = ', '.join(f'`{base}`' for base in bases)
        rows.append((f'`{kind.__name__}`', _first_paragraph(kind.__doc__), also))
    return table(('exception', 'when', 'is also a'), rows)


def every(kind: type[DownloadError]) -> Iterator[type[DownloadError]]:
    """A class and those that its module derives from it, each before its own."""
    yield kind
    for derived in kind.__subclasses__():
        if derived.__module__ == kind.__module__:
            yield from every(derived)


def exit_codes() -> str:
    """The exit codes, and the faults that end in each."""
    numbers = {
        value: name.lower().replace('_', ' ')
        for name, value in vars(codes).items()
        if name.isupper() and isinstance(value, int)
    }
    rows = [
        (
            str(number),
            name,
            ', '.join(f'`{kind.code}`' for kind, code in codes.CODES.items() if code == number),
        )
        for number, name in sorted(numbers.items())
    ]
    return table(('code', 'name', 'faults'), rows)


def commands() -> str:
    """Each command: its usage, what it does, its options."""
    parts: list[str] = []
    for name, command in _walk(group, 'dlmachine'):
        context = click.Context(command, info_name=name)
        usage = ' '.join((name, *command.collect_usage_pieces(context)))
        told = html.escape(cleandoc(command.help or '').replace('\b\n', ''), quote=False)
        parts += [f'### {name}', f'```text\n{usage}\n```', told]
        flags = [found for found in command.params if isinstance(found, click.Option)]
        records = [found.get_help_record(context) for found in flags]
        rows = [(_names(record[0]), record[1]) for record in records if record is not None]
        if rows:
            parts.append(table(('option', 'what it does'), rows))
    return '\n\n'.join(parts)


def _names(text: str) -> str:
    # Each by itself, because code is not broken in a cell.
    return ', '.join(f'`{name}`' for name in text.split(', '))


def _walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for part in command.list_commands(context):
            found = command.get_command(context, part)
            if found is not None:
                yield from _walk(found, f'{name} {part}')


def _first_paragraph(doc: str | None) -> str:
    return ' '.join((doc or '').split('\n\n')[0].split())


def other_tools() -> str:
    """The flags of other programs, and ours; those with another meaning here are in bold."""
    ours = {
        flag: (*param.opts, *param.secondary_opts)
        for param in get.command.params
        if isinstance(param, click.Option)
        for flag in (*param.opts, *param.secondary_opts)
    }
    parts: list[str] = []
    for section, found in ROWS.items():
        rows = [(_of_tools(row, ours), *_own(row, ours)) for row in found]
        parts += [f'## {section}', table(('curl, wget, aria2', 'dlmachine', 'note'), rows)]
    return '\n\n'.join(parts)


def _of_tools(row: Row, ours: Mapping[str, tuple[str, ...]]) -> str:
    return '; '.join(f'{tool} {_of_tool(row, tool, ours)}' for tool in TOOLS if row.flags(tool))


def _of_tool(row: Row, tool: str, ours: Mapping[str, tuple[str, ...]]) -> str:
    return ' '.join(
        f'**`{flag}`**' if _clashes(flag, row, ours) else f'`{flag}`' for flag in row.flags(tool)
    )


def _own(row: Row, ours: Mapping[str, tuple[str, ...]]) -> tuple[str, str]:
    clashing = {flag for tool in TOOLS for flag in row.flags(tool) if _clashes(flag, row, ours)}
    notes = [row.note] if row.note else []
    others = [(flag, _name(ours[flag])) for flag in sorted(clashing)]
    # A flag of that very name is bold, which says enough.
    notes += [f'`{flag}` here: {name}' for flag, name in others if name != f'`{flag}`']
    told = '; '.join(notes).replace('{a,b}', '`{a,b}`').replace('%header{name}', '`%header{name}`')
    return ' '.join(f'`{flag}`' for flag in row.ours.split()), told


def _clashes(flag: str, row: Row, ours: Mapping[str, tuple[str, ...]]) -> bool:
    if flag not in ours or (not row.ours and flag in {*IMPLIED, '-C', '--continue-at'}):
        return False
    return not set(ours[flag]) & set(row.ours.split())


def _name(flags: tuple[str, ...]) -> str:
    return f'`{next(flag for flag in flags if flag.startswith("--"))}`'
