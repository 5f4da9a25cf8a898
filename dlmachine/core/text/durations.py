"""Times and durations in words: as users write them, and as plans show them.  Pure."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from dlmachine.core.regex import regex

#: Seconds in each unit, from the largest on; a month has 30 days, a year 365.
_UNITS: Final = {'y': 31_536_000, 'w': 604_800, 'd': 86_400, 'h': 3_600, 'min': 60, 's': 1}
_WORDS: Final = {
    **dict.fromkeys(('s', 'sec', 'secs', 'second', 'seconds'), 's'),
    **dict.fromkeys(('m', 'min', 'mins', 'minute', 'minutes'), 'min'),
    **dict.fromkeys(('h', 'hr', 'hrs', 'hour', 'hours'), 'h'),
    **dict.fromkeys(('d', 'day', 'days'), 'd'),
    **dict.fromkeys(('w', 'week', 'weeks'), 'w'),
    **dict.fromkeys(('y', 'yr', 'yrs', 'year', 'years'), 'y'),
}
_PART: Final = regex(r'([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([a-z]+)\s*')
_MAX_CHARS: Final = 100
#: The units in which a duration is shown.
#: Each unit that is shown, with the next smaller one, and their lengths in seconds.
_PAIRS: Final = ((86_400, 'd', 3_600, 'h'), (3_600, 'h', 60, 'min'), (60, 'min', 1, 's'))


def parse_duration(text: str) -> timedelta | None:
    """The duration in a text such as `7d`, `12 h` or `1h30m`; None if it is not one.

    The units are s, m (minutes), h, d, w and y (365 days). A month is not a unit, because `m` would
    be taken for it.

    >>> parse_duration('7d').days, parse_duration('1h30m').total_seconds()
    (7, 5400.0)
    >>> parse_duration('7') is None
    True
    """
    rest, seconds = text.strip().lower(), 0.0
    if not rest or len(rest) > _MAX_CHARS:
        return None
    while rest:
        part = _PART.match(rest)
        unit = None if part is None else _WORDS.get(part[2])
        if part is None or unit is None:
            return None
        seconds += float(part[1]) * _UNITS[unit]
        rest = rest[part.end() :]
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        return None


def parse_instant(value: object) -> datetime | timedelta | None:
    """A time with a zone, or an age, from a value or a text; None if it is neither.

    A date is the beginning of its day; what has no zone is in UTC.

    >>> parse_instant('2024-05-01').isoformat(), parse_instant('7d').days
    ('2024-05-01T00:00:00+00:00', 7)
    """
    found: object = parse_duration(value) if isinstance(value, str) else value
    if isinstance(value, str) and found is None:
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day, tzinfo=UTC)
    if isinstance(found, datetime):
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return found if isinstance(found, timedelta) else None


# Cached, because fresh copies are shown with the same lifetimes and ages again and again.
@lru_cache(maxsize=1_024)
def show_duration(seconds: float) -> str:
    """A duration in its two largest units, rounded down.

    >>> show_duration(11_520), show_duration(6 * 3600), show_duration(0.4), show_duration(700_000)
    ('3 h 12 min', '6 h', '0 s', '8 d 2 h')
    """
    rest = int(seconds)
    for length, unit, next_length, next_unit in _PAIRS:
        if rest >= length:
            more = rest % length // next_length
            return f'{rest // length} {unit}' + (f' {more} {next_unit}' if more else '')
    return f'{rest} s' if rest > 0 else '0 s'
