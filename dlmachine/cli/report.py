"""What the commands write: results to stdout, words for people to stderr.

Colour and tables are for terminals; a script reads plain text or JSON.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from dlmachine.cli.exit_codes import exit_code
from dlmachine.core.faults import Fault
from dlmachine.core.outcome import Outcome


def say(text: str) -> None:
    """One line for people, on stderr."""
    click.echo(f'dlmachine: {text}', err=True)


def write_json(value: object) -> None:
    """A value for programs, on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def fault_fields(fault: Fault) -> dict[str, Any]:
    """A fault for programs; `code` is stable between versions."""
    return {
        'ok': False,
        'code': fault.code,
        'party': fault.party.value,
        'message': fault.what(),
        'remedy': fault.remedy(),
        'tries': fault.tries,
        'exit_code': int(exit_code(fault)),
    }


def outcome_fields(outcome: Outcome) -> dict[str, Any]:
    """An outcome for programs."""
    record = outcome.record
    return {
        'ok': True,
        'path': outcome.path,
        'origin': outcome.origin.value,
        'reason': outcome.reason,
        'validated': outcome.is_validated,
        'sha256': None if record is None else record.sha256,
        'size': None if record is None else record.size_bytes,
        'tries': outcome.tries,
        'key': outcome.key,
        'version': outcome.version,
    }


def write_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout: drawn on a terminal, fields between tabs elsewhere."""
    if not is_terminal():
        for row in rows:
            click.echo('\t'.join(_one_line(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        # Text is data here, and may have brackets that mean no markup.
        table.add_row(*(cell.replace('[', r'\[') for cell in row))
    Console(no_color='NO_COLOR' in os.environ, highlight=False).print(table)


def is_terminal() -> bool:
    """Whether stdout is a terminal that can draw."""
    return sys.stdout.isatty() and os.environ.get('TERM') != 'dumb'


def show_bytes(count: int | None) -> str:
    """A number of bytes for people; empty where it is not known."""
    return '' if count is None else f'{count:,}'


def _one_line(text: str) -> str:
    return ' '.join(text.split())
