"""How values look in a notebook: small tables in HTML, without scripts.

They take their colours from the page, so that they suit light and dark ones. All text is escaped,
and contains no secrets. Other values are shown by their `repr`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from dlmachine.core.faults.base import FaultBase
from dlmachine.core.maintenance.listed_entry import ListedEntry
from dlmachine.core.plan.audit_row import AuditRow
from dlmachine.core.plan.plan import Plan
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.notebooks.markup import text_of
from dlmachine_adapters.progress.layout import amount

_CELL: Final = 'style="text-align:left;vertical-align:top;overflow-wrap:anywhere;min-width:4em"'
#: A short text, such as a size or a status, stays in one line.
_WORD: Final = 'style="text-align:left;vertical-align:top;white-space:nowrap"'
_WORD_CHARS: Final = 20
#: How many texts of a list are shown.
_MAX_TEXTS: Final = 10
#: A line of a plan: a word and what it says, or a number and an effect.
_LINE: Final = r' *(.+?\.(?= )|.+?(?=  )) +(.+)'


def html_of(value: object) -> str | None:
    """A value as HTML; None for a value of another type.

    >>> from dlmachine.core.faults import InvalidInput
    >>> html = html_of(InvalidInput(where='<b>', problem='is bad'))
    >>> '<b>' in html, '&lt;b&gt; is bad' in html
    (False, True)
    """
    match value:
        case Plan():
            return _plan(value)
        case Outcome():
            return _outcome(value)
        case AuditRow():
            return _facts(
                f'{value.status.value}: {value.name or value.url}',
                ('URL', value.url),
                ('reason', value.reason),
                ('size', _size(value.size_bytes)),
                ('age', value.age),
                ('path', value.path),
                ('error', value.fault),
            )
        case ListedEntry():
            return _facts(
                f'{value.status}: {value.url or value.file_name}',
                ('path', value.path),
                ('version', value.version),
                ('size', _size(value.size_bytes)),
                ('stored', f'{value.stored_at:%Y-%m-%d %H:%M:%S} UTC'),
                ('last use', f'{value.last_use:%Y-%m-%d %H:%M:%S} UTC'),
                ('pinned', 'yes' if value.is_pinned else None),
            )
        case FaultBase():
            tries = value.tries if value.tries > 1 else None
            facts = ('advice', value.remedy()), ('requests', tries)
            return _facts(f'{value.code}: {value.what()}', *facts)
        case _:
            return _other(value)


def table_of(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as HTML; None is an empty cell.

    >>> table_of('1 of 1', ['name'], [['a&b']]).count('a&amp;b')
    1
    """
    head = ''.join(f'<th {_CELL}>{text_of(name)}</th>' for name in columns)
    body = ''.join(f'<tr>{"".join(map(_cell, row))}</tr>' for row in rows)
    return f'{_title(title)}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(value: object) -> str:
    text = text_of(value)
    return f'<td {_CELL if len(text) > _WORD_CHARS else _WORD}>{text}</td>'


def _plan(plan: Plan) -> str:
    title, *lines = str(plan).split('\n')
    found = [re.fullmatch(_LINE, line) for line in lines]
    facts = [
        ('', line) if one is None else (one[1], one[2])
        for one, line in zip(found, lines, strict=True)
    ]
    return _facts(title, *facts)


def _other(value: object) -> str | None:
    to_dict = getattr(value, 'to_dict', None)
    if to_dict is None:
        return None
    texts = {
        name: ', '.join(map(str, one[:_MAX_TEXTS])) if isinstance(one, list) else one
        for name, one in to_dict().items()
        if not isinstance(one, dict)
    }
    return _facts(type(value).__name__, *texts.items())


def _outcome(outcome: Outcome) -> str:
    record = outcome.record
    facts = [
        ('path', outcome.path),
        ('reason', outcome.reason),
        ('version', outcome.version),
        ('requests', outcome.tries),
        ('error', outcome.fault),
    ]
    if record is not None:
        facts += [('URL', record.url), ('size', _size(record.size_bytes))]
        facts += [('SHA-256', record.sha256), *(('note', note) for note in outcome.notes)]
    where = 'memory' if outcome.path is None else 'a file'
    return _facts(f'{outcome.origin.value}: in {where}', *facts)


def _facts(title: str, *facts: tuple[str, object]) -> str:
    rows = ''.join(
        f'<tr><th {_CELL} scope="row">{text_of(name)}</th><td {_CELL}>{text_of(value)}</td></tr>'
        for name, value in facts
        if value
    )
    return f'{_title(title)}<table><tbody>{rows}</tbody></table>'


def _title(title: str) -> str:
    return f'<div style="overflow-wrap:anywhere"><strong>{text_of(title)}</strong></div>'


def _size(size_bytes: int | None) -> str | None:
    return None if size_bytes is None else amount(size_bytes)
