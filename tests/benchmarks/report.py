"""Reports: a table for people, JSON for programs."""

import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Row
from tests.benchmarks.work import Work

_MIB = 1 << 20


def show(work: Work, rows: Mapping[str, Row]) -> str:
    """A Markdown table of a workload, and its targets."""
    each = f'µs/{work.unit}' if work.unit else ''
    head = ['', 's', 'ratio', 'CPU s', 'ratio', 'peak MiB', *([each] if each else []), '']
    lines = [f'### {work.name}: {work.title}', '', _line(head), _line(['---'] * len(head))]
    reference = rows.get(work.reference)
    for row in rows.values():
        cells = _cells(row, reference, has_each=bool(each))
        lines.append(_line([*cells, *[''] * (len(head) - 1 - len(cells)), _words(row)]))
    lines += [
        '',
        f'Ratios are to {work.reference}, for one {work.unit or "run"}. Load: {load()}.',
        '',
    ]
    for text, most, figure in aims(work, rows):
        met = 'not measured' if figure is None else 'met' if figure <= most else '**missed**'
        reported = '' if figure is None else f'{figure:.2f}, '
        lines.append(f'- {text}: {reported}at most {most:g}: {met}')
    return '\n'.join([*lines, ''])


def aims(work: Work, rows: Mapping[str, Row]) -> list[tuple[str, float, float | None]]:
    """The targets, and the results."""
    return [(target.text, target.most, target.figure(rows)) for target in work.targets]


def as_json(work: Work, rows: Mapping[str, Row]) -> dict[str, Any]:
    """The same as JSON, with every run."""
    reference = rows.get(work.reference)
    return {
        'name': work.name,
        'title': work.title,
        'reference': work.reference,
        'unit': work.unit,
        'load': load(),
        'rows': [
            {
                'name': name,
                'note': row.entry.note,
                'absent': row.entry.absent,
                'problem': row.problem,
                'units': row.entry.units,
                'ratio': _ratio(row, reference),
                'runs': [
                    {
                        'wall_s': run.wall,
                        'cpu_s': run.cpu,
                        'peak_bytes': run.peak,
                        'extras': dict(run.extras),
                    }
                    for run in row.runs
                ],
            }
            for name, row in rows.items()
        ],
        'targets': [
            {'text': text, 'most': most, 'figure': figure}
            for text, most, figure in aims(work, rows)
        ],
    }


def machine() -> dict[str, str]:
    """The computer and the time of the measurement."""
    return {
        'date': datetime.now(UTC).strftime('%Y-%m-%d'),
        'system': f'{platform.system()} {platform.release()} {platform.machine()}',
        'processor': _processor(),
        'cores': str(os.cpu_count()),
        'load': load(),
        'python': sys.version.split()[0],
    }


def load() -> str:
    """The number of processes that want to run, over the last minute; it should not exceed the cores."""
    return f'{os.getloadavg()[0]:.2f}'


def _processor() -> str:
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor()


def _cells(row: Row, reference: Row | None, *, has_each: bool) -> list[str]:
    if not row.runs:
        return [row.entry.name]
    cells = [
        row.entry.name,
        f'{row.wall:.3f}',
        _two_digits(_ratio(row, reference)),
        f'{row.cpu:.3f}',
        _two_digits(None if reference is None else row.ratio_to(reference, lambda run: run.cpu)),
        f'{row.peak / _MIB:.1f}',
    ]
    return [*cells, f'{row.each * 1e6:,.0f}'] if has_each else cells


def _ratio(row: Row, reference: Row | None) -> float | None:
    return None if reference is None else row.ratio_to(reference, lambda run: run.wall)


def _two_digits(figure: float | None) -> str:
    return '' if figure is None else f'{figure:.2f}'


def _words(row: Row) -> str:
    last = row.runs[-1].extras if row.runs else {}
    reported = [f'{name}: {value}' for name, value in last.items() if name in _TOLD]
    absent = f'left out: {row.entry.absent}' if row.entry.absent else ''
    once = 'one run' if len(row.runs) == 1 and row.entry.is_slow else ''
    problem = f'failed: {row.problem}' if row.problem else ''
    return '; '.join(word for word in (row.entry.note, *reported, once, absent, problem) if word)


_TOLD = frozenset({'connections', 'requests', 'writes', 'registry_mib'})


def _line(cells: list[str]) -> str:
    return f'| {" | ".join(cells)} |'
