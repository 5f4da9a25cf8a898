"""A report as one page: no request, no dependency, every text from outside escaped."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib import resources
from itertools import zip_longest
from typing import Final

from dlmachine.core.report.report import Report, Share
from dlmachine.core.report.rows import Level, ReportRow
from dlmachine.core.version import VERSION
from dlmachine.notebooks.markup import Html, element, join
from dlmachine.reports import plots
from dlmachine.reports.provenance import facts_of
from dlmachine_adapters.progress.layout import amount

_SIGNS: Final = {Level.PROBLEM: '✕', Level.NOTICE: '!', Level.GOOD: '✓'}
_COLUMNS: Final = ('Status', 'File', 'Size', 'Age', 'Details')
_NO_PLOTS: Final = 'There are no plots, because matplotlib is not installed: pip install matplotlib'
_LEFT_OUT: Final = {
    Level.PROBLEM: 'with a problem',
    Level.NOTICE: 'stale, missing, unknown or not complete',
    Level.GOOD: 'in order',
}


def page_of(report: Report, *, with_plots: bool | None = None) -> str:
    """The page as a text; `with_plots` of None: if matplotlib is installed."""
    drawn = plots.has_plots() if with_plots is None else with_plots
    title = f'Report: {report.about}'
    body = join(
        element('h1', title),
        element('p', _about(report), class_='soft'),
        _chips(report),
        element('main', _overview(report, drawn=drawn), *_lists(report)),
        element('script', Html(_file('page.js'))),
    )
    head = join(
        element('meta', charset='utf-8'),
        element('meta', http_equiv='Content-Security-Policy', content=_policy()),
        element('meta', name='viewport', content='width=device-width, initial-scale=1'),
        element('meta', name='color-scheme', content='light dark'),
        element('meta', name='referrer', content='no-referrer'),
        element('title', title),
        element('link', rel='icon', href='data:,'),
        element('style', Html(_file('page.css'))),
    )
    page = element('html', element('head', head), element('body', body), lang='en')
    return f'<!DOCTYPE html>\n{page}\n'


@cache
def _file(name: str) -> str:
    return resources.files('dlmachine.reports').joinpath(name).read_text(encoding='utf-8')


def _policy() -> str:
    # Only this script may run, whatever a text says.
    digest = b64encode(sha256(_file('page.js').encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _about(report: Report) -> str:
    return (
        f'Made by dlmachine {VERSION} on {report.made_at:%Y-%m-%d at %H:%M} UTC. '
        f'{_counted(report.count, "file")}, {amount(report.size_bytes)} stored.'
    )


def _counted(count: int, word: str) -> str:
    return f'{count:,} {word}' if count == 1 else f'{count:,} {word}s'


def _chips(report: Report) -> Html:
    chips = (
        element(
            'li',
            element('b', f'{one.count:,}', class_=_level(one).value),
            f'{_SIGNS[_level(one)]} {one.name}',
        )
        for one in report.statuses
    )
    return element('ul', *chips, class_='chips', aria_label='Statuses')


def _level(share: Share) -> Level:
    return share.level or Level.GOOD


def _overview(report: Report, *, drawn: bool) -> Html:
    if not report.count:
        return element('section', element('h2', 'Nothing is stored'), class_='card')
    statuses, hosts, ages = report.statuses, report.hosts, report.ages
    titles = ('Files by status', 'Sizes by host', 'Files by age')
    tables = (_sums(statuses, 'Status'), _sums(hosts, 'Host'), _sums(ages, 'Age'))
    drawings: list[Html] = []
    if drawn:
        drawings = [
            plots.bars(statuses, titles[0]),
            plots.bars(hosts, titles[1], of_sizes=True),
            plots.bars(ages, titles[2]),
        ]
    cards = [
        element('section', element('h2', title), _drawing(drawing, table), class_='card')
        for title, drawing, table in zip_longest(titles, drawings, tables)
    ]
    note = None if drawn else element('p', _NO_PLOTS, class_='soft')
    return join(note, element('div', *cards, class_='grid'))


def _drawing(drawing: Html | None, table: Html) -> Html:
    if drawing is None:
        return table
    folded = element('details', element('summary', 'As a table'), table)
    return join(element('figure', drawing), folded)


def _sums(shares: Iterable[Share], name: str) -> Html:
    rows = (
        element(
            'tr',
            element('th', _breakable(one.name), scope='row', class_='wide'),
            _number(f'{one.count:,}', one.count),
            _number(amount(one.size_bytes), one.size_bytes),
        )
        for one in shares
    )
    numbers = (element('th', each, scope='col', class_='number') for each in ('Files', 'Size'))
    head = element('tr', element('th', name, scope='col'), *numbers)
    return element('table', element('thead', head), element('tbody', *rows))


def _breakable(host: str) -> Html:
    # Rather after a dot than within a word.
    return join(*(join(part, Html('<wbr>')) for part in re.split(r'(?<=\.)', host)))


def _number(text: str, value: object, label: str | None = None) -> Html:
    return element('td', text, class_='number', data_value=value, data_label=label)


def _lists(report: Report) -> Iterable[Html]:
    urgent = [row for row in report.rows if row.level is not Level.GOOD]
    others = [row for row in report.rows if row.level is Level.GOOD]
    if not report.rows:
        return
    field = element('input', type='search', id='find', autocomplete='off')
    label = element('label', 'Find in the lists', for_='find')
    yield element('div', label, field, element('output'), class_='find', hidden='hidden')
    if report.left_out:
        yield element('p', _left_out(report), class_='notice')
    yield from _list('Needs attention', urgent, report.made_at)
    yield from _list('All is well', others, report.made_at)


def _left_out(report: Report) -> str:
    shown = Counter(row.level for row in report.rows)
    missing = {level: report.count_of(level) - shown[level] for level in Level}
    parts = [f'{count:,} {_LEFT_OUT[level]}' for level, count in missing.items() if count]
    return (
        f'The lists have {len(report.rows):,} of {report.count:,} files, the urgent ones first. '
        f'Left out: {", ".join(parts)}. The numbers above count all.'
    )


def _list(title: str, rows: Sequence[ReportRow], now: datetime) -> Iterable[Html]:
    if not rows:
        return
    classes = (None, None, 'number', 'number', None)
    head = (
        element('th', name, scope='col', class_=kind)
        for name, kind in zip(_COLUMNS, classes, strict=True)
    )
    table = element(
        'table',
        element('caption', title),
        element('thead', element('tr', *head)),
        element('tbody', *(_row(row, now) for row in rows)),
        class_='files',
    )
    heading = element('h2', f'{title} ', element('span', f'({len(rows):,})', class_='soft'))
    yield element('section', heading, table, class_='card')


def _row(row: ReportRow, now: datetime) -> Html:
    age = None if row.stored_at is None else max((now - row.stored_at).total_seconds(), 0)
    status = element(
        'span', f'{_SIGNS[row.level]} {row.status}', class_=f'status {row.level.value}'
    )
    size = None if row.size_bytes is None else amount(row.size_bytes)
    url = None if row.url == row.name else element('div', row.url, class_='soft mono')
    facts = element('dl', *(join(element('dt', k), element('dd', v)) for k, v in facts_of(row)))
    return element(
        'tr',
        element('td', status),
        element('th', element('div', row.name, class_='name'), url, scope='row', class_='wide'),
        _number(size or '', row.size_bytes if row.size_bytes is not None else '', 'Size'),
        _number('' if age is None else age_text(age), '' if age is None else f'{age:.0f}', 'Age'),
        element(
            'td',
            element('div', row.reason) if row.reason else None,
            element('details', element('summary', 'Provenance'), facts),
            class_='wide',
        ),
    )


def age_text(seconds: float) -> str:
    """An age in its largest unit.

    >>> age_text(30), age_text(7_200), age_text(86_400 * 3), age_text(86_400 * 800)
    ('0 min', '2 h', '3 days', '2.2 years')
    """
    if seconds < 7_200:
        return f'{seconds / 60:.0f} min'
    if seconds < 2 * 86_400:
        return f'{seconds / 3_600:.0f} h'
    days = seconds / 86_400
    return f'{days:,.0f} days' if days < 365 else f'{days / 365:,.1f} years'
