"""Lay out the lines of a display: amounts, times, bars, and names that are cut to fit.  Pure."""

import unicodedata
from typing import Final

from dlmachine.core.frozen import frozen

_UNITS: Final = ('B', 'KiB', 'MiB', 'GiB', 'TiB')
#: A line has a bar if at least this much room is left for it.
_MIN_BAR: Final = 6
_MAX_BAR: Final = 40
#: A name keeps this much room; what else a line says gives way.
_MIN_NAME: Final = 8


@frozen(kw_only=False)
class Marks:
    """The characters of a display: done and open parts of a bar, and what stands for a cut."""

    done: str
    open: str
    cut: str


UNICODE: Final = Marks('━', '─', '…')
ASCII: Final = Marks('#', '-', '~')


def amount(done: int, total: int | None = None) -> str:
    """Bytes, of a total if it is known, in one unit.

    >>> amount(512), amount(5_242_880), amount(47_000_000, 125_829_120)
    ('512 B', '5.0 MiB', '44.8/120.0 MiB')
    """
    power = 0
    while power < len(_UNITS) - 1 and max(done, total or 0) >= 1024 ** (power + 1):
        power += 1
    digits = 1 if power else 0
    numbers = [done] if total is None else [done, total]
    text = '/'.join(f'{number / 1024**power:.{digits}f}' for number in numbers)
    return f'{text} {_UNITS[power]}'


def clock(seconds: float) -> str:
    """A duration as minutes and seconds, with hours if there are any.

    >>> clock(8.4), clock(312), clock(40_000)
    ('0:08', '5:12', '11:06:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{rest:02}' if hours else f'{minutes}:{rest:02}'


def cells(text: str) -> int:
    """The columns of a terminal that a text takes.

    >>> cells('data'), cells('数据')
    (4, 4)
    """
    return sum(
        0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in 'WF')
        for one in text
    )


def shorten(text: str, width: int, marks: Marks = UNICODE) -> str:
    """Cut a text before its last part: names of files often differ at their ends.

    >>> shorten('interactions_2024.tsv.gz', 14), shorten('t.csv', 14)
    ('int…024.tsv.gz', 't.csv')
    """
    if cells(text) <= width:
        return text
    head, tail = _fitting(text, width // 4), _fitting(text[::-1], width - width // 4 - 1)[::-1]
    return f'{head}{marks.cut}{tail}'


def _fitting(text: str, width: int) -> str:
    while cells(text) > width:
        text = text[:-1]
    return text


def name_width(names: list[str], width: int) -> int:
    """The room for names that stand below each other: at most a third of the line."""
    return min(max(map(cells, names), default=0), max(width // 3, _MIN_NAME))


def row(
    pieces: list[str],
    fraction: float | None,
    width: int,
    marks: Marks,
    name: str = '',
    name_room: int = 0,
) -> str:
    """A line: a name, a bar if there is room, and as many of the pieces as fit."""
    least = min(name_room, _MIN_NAME) + 1 if name else 0
    kept = list(pieces)
    while len(kept) > 1 and least + cells(' '.join(kept)) > width:
        kept.pop()
    text = ' '.join(kept)
    room = width - cells(text) - 1
    bar_room = min(room - (name_room + 1 if name else 0), _MAX_BAR)
    parts = []
    if name:
        has_bar = fraction is not None and bar_room >= _MIN_BAR
        parts.append(_padded(name, name_room if has_bar else min(room, name_room), marks))
    if fraction is not None and bar_room >= _MIN_BAR:
        filled = round(min(max(fraction, 0.0), 1.0) * bar_room)
        parts.append(marks.done * filled + marks.open * (bar_room - filled))
    return ' '.join([*parts, text])


def note(name: str, name_room: int, text: str, width: int, marks: Marks) -> str:
    """A line with a name and a text instead of a bar, which is cut at its end."""
    line = f'{_padded(name, name_room, marks)} {text}'
    return line if cells(line) <= width else _fitting(line, width - 1) + marks.cut


def _padded(name: str, width: int, marks: Marks) -> str:
    short = shorten(name, width, marks)
    return short + ' ' * (width - cells(short))
