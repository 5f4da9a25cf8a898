"""Parse the date in a cookie's Expires as leniently as RFC 6265 section 5.1.1.  Pure."""

import re
from datetime import UTC, datetime
from typing import Final

from dlmachine.core.regex import regex

_DELIMITERS: Final = regex(r'[\t\x20-/;-@\[-`{-~]+')
_TIME: Final = regex(r'(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D|\Z)', re.ASCII)
_DAY: Final = regex(r'(\d{1,2})(?:\D|\Z)', re.ASCII)
_YEAR: Final = regex(r'(\d{2,4})(?:\D|\Z)', re.ASCII)
_MONTHS: Final = (
    'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec',
)  # fmt: skip
_FIRST_YEAR: Final = 1601
#: The limit for a date and for each cookie attribute; longer ones are ignored.
_MAX_CHARACTERS: Final = 1_024


def parse_cookie_date(text: str) -> datetime | None:
    """Return the time in UTC, or None if the text is not a date.

    >>> parse_cookie_date('Wed, 01-May-24 12:00:00 GMT').isoformat()
    '2024-05-01T12:00:00+00:00'
    >>> parse_cookie_date('tomorrow')
    """
    if len(text) > _MAX_CHARACTERS:
        return None
    found: dict[str, tuple[int, ...]] = {}
    for token in _DELIMITERS.split(text):
        _take(token, found)
    if len(found) < 4:
        return None
    (year,), (month,), (day,) = found['year'], found['month'], found['day']
    hour, minute, second = found['time']
    year = _full_year(year)
    if year < _FIRST_YEAR:
        return None
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # Not an existing day or hour.
        return None


def _take(token: str, found: dict[str, tuple[int, ...]]) -> None:
    # The kinds are tried in this order, and the first token of a kind counts.
    for kind, pattern in (('time', _TIME), ('day', _DAY)):
        match = pattern.match(token)
        if kind not in found and match is not None:
            found[kind] = tuple(map(int, match.groups()))
            return
    month = token[:3].lower()
    if 'month' not in found and month in _MONTHS:
        found['month'] = (_MONTHS.index(month) + 1,)
        return
    match = _YEAR.match(token)
    if 'year' not in found and match is not None:
        found['year'] = (int(match[1]),)


def _full_year(year: int) -> int:
    if year > 99:
        return year
    return year + (2000 if year < 70 else 1900)
