"""What is put into the pages when they are built: tables and diagrams made from the code.

A page asks for one with a line `<!-- generated: NAME -->`, up to `<!-- end -->`; what stands
between the two is replaced.
"""

import html
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

import click
import state_diagram

from dlmachine.cli import exit_codes, group
from dlmachine.config import DESCRIBED_NAMES, ENV_PREFIX, MANAGER_HELP
from dlmachine.core.faults import FAULTS, Party
from dlmachine.core.spec.options import OPTIONS, SYNONYMS
from dlmachine.core.spec.policy import Policy

_MARKED: Final = re.compile(
    r'(?P<start><!-- generated: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end -->)', re.DOTALL
)
_ACTORS: Final = {
    Party.CALLER: 'you: the request or the options are wrong',
    Party.SERVER: "the server's people: it answered, but not with what was asked for",
    Party.NETWORK: 'whoever looks after the network in between',
    Party.MACHINE: 'the owner of this machine',
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page."""
    return fill(markdown)


def fill(markdown: str) -> str:
    """The page with everything in it that is generated."""
    return _MARKED.sub(
        lambda found: f'{found["start"]}\n{GENERATED[found["name"]]()}\n\n{found["end"]}', markdown
    )


def options_table() -> str:
    """Every option, with its default and what it is for."""
    named: dict[str, list[str]] = {}
    for synonym, name in SYNONYMS.items():
        named.setdefault(name, []).append(f'`{synonym}`')
    policy = Policy()
    rows = ['| option | default | what it is for | also called |', '| --- | --- | --- | --- |']
    for name, option in OPTIONS.items():
        value: Any = policy
        for field in option.field.split('.'):
            value = getattr(value, field)
        others = ', '.join(named.get(name, ()))
        text = html.escape(option.help, quote=False)
        rows.append(f'| `{name}` | {_show(name, value)} | {text} | {others} |')
    return '\n'.join(rows)


def settings_table() -> str:
    """The settings of a manager that are no options of a single download."""
    rows = ['| setting | what it is for |', '| --- | --- |']
    rows += [f'| `{name}` | {text} |' for name, text in MANAGER_HELP.items()]
    rows += [f'| `{name}` | default for every request |' for name in DESCRIBED_NAMES]
    return '\n'.join(rows)


def environment_table() -> str:
    """The environment variable of each setting."""
    names = (*MANAGER_HELP, *OPTIONS, *DESCRIBED_NAMES)
    return ', '.join(f'`{ENV_PREFIX}{name.upper()}`' for name in names)


def faults_table() -> str:
    """Every fault, sorted by who must act."""
    lines: list[str] = []
    for party in Party:
        lines += [f'### {party.value.capitalize()}', '', f'To act: {_ACTORS[party]}.', '']
        lines += ['| fault | code | what it says | fields |', '| --- | --- | --- | --- |']
        for fault in FAULTS:
            if fault.party is party:
                said = ', '.join(f'`{field.name}`' for field in fields(fault))
                row = (f'`{fault.__name__}`', f'`{fault.code}`', _first_line(fault), said)
                lines.append(f'| {" | ".join(row)} |')
        lines.append('')
    return '\n'.join(lines).rstrip()


def state_drawing() -> str:
    """The state diagram, as Mermaid."""
    return f'```mermaid\n{state_diagram.draw()}\n```'


def commands() -> str:
    """What each command says of itself."""
    lines: list[str] = []
    for name, command in _walk(group, 'dlmachine'):
        told = command.get_help(click.Context(command, info_name=name, max_content_width=90))
        lines += [f'### {name}', '', '```text', told, '```', '']
    return '\n'.join(lines).rstrip()


def exit_codes_table() -> str:
    """The exit codes, and the faults that end in each."""
    numbers = {
        value: name.lower().replace('_', ' ')
        for name, value in vars(exit_codes).items()
        if name.isupper() and isinstance(value, int)
    }
    rows = ['| code | name | faults |', '| --- | --- | --- |']
    for number, name in sorted(numbers.items()):
        faults = [f'`{kind.code}`' for kind, code in exit_codes.CODES.items() if code == number]
        rows.append(f'| {number} | {name} | {", ".join(faults)} |')
    return '\n'.join(rows)


def _walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for part in command.list_commands(context):
            found = command.get_command(context, part)
            if found is not None:
                yield from _walk(found, f'{name} {part}')


GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    'options': options_table,
    'settings': settings_table,
    'environment': environment_table,
    'faults': faults_table,
    'commands': commands,
    'exit-codes': exit_codes_table,
    'state-diagram': state_drawing,
    'transitions': state_diagram.tabulate,
}


def _show(name: str, value: object) -> str:
    match value:
        case None:
            return 'none'
        case bool():
            return f'`{value}`'
        case timedelta():
            return f'{value.total_seconds():g} s'
        case Enum():
            return f'`{value.value}`'
        case str() | int() | datetime():
            return f'`{value}`'
        case _ if name == 'dest':
            return 'the cache, else memory'
        case _:
            return f'`{value}`'


def _first_line(kind: type) -> str:
    text = ' '.join((kind.__doc__ or '').split('\n\n')[0].split())
    return text.replace('|', '\\|')
