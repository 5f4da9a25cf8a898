"""Dates that decide about freshness (RFC 9110 section 5.6.7, RFC 9111 section 4.2).

Pure. Only the three formats of HTTP are dates here, because any other text in Expires means a time
in the past (RFC 9111 section 5.3). Case does not count (section 4.2).
"""

from datetime import UTC, datetime
from typing import Final

from dlmachine.core.regex import regex

_MONTHS: Final = (
    'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec',
)  # fmt: skip
_DAY: Final = r'(?:mon|tue|wed|thu|fri|sat|sun)'
_LONG_DAY: Final = r'(?:mon|tues|wednes|thurs|fri|satur|sun)day'
_TIME: Final = r'(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})'
_FORMATS: Final = tuple(
    regex(form)
    for form in (
        rf'{_DAY}, (?P<day>[0-9]{{2}}) (?P<month>[a-z]{{3}}) (?P<year>[0-9]{{4}}) {_TIME} gmt',
        rf'{_LONG_DAY}, (?P<day>[0-9]{{2}})-(?P<month>[a-z]{{3}})-(?P<year>[0-9]{{2}}) {_TIME} gmt',
        rf'{_DAY} (?P<month>[a-z]{{3}}) (?P<day>[0-9 ][0-9]) {_TIME} (?P<year>[0-9]{{4}})',
    )
)
_MAX_CHARS: Final = 40


def parse_exact_date(text: str | None, near: datetime) -> datetime | None:
    """The time in a date of HTTP; None if the text is not one.

    A year of two digits that seems to be more than 50 years after `near` is in the past
    (RFC 9110 section 5.6.7).

    >>> near = datetime(2024, 5, 1, tzinfo=UTC)
    >>> parse_exact_date('Sunday, 06-Nov-94 08:49:37 GMT', near).isoformat()
    '1994-11-06T08:49:37+00:00'
    >>> parse_exact_date('0', near) is None
    True
    """
    if text is None or len(text) > _MAX_CHARS:
        return None
    lowered = text.strip(' \t').lower()
    found = next((match for form in _FORMATS if (match := form.fullmatch(lowered))), None)
    if found is None or found['month'] not in _MONTHS:
        return None
    day, hour, minute, second = (int(found[name]) for name in ('day', 'hour', 'minute', 'second'))
    year, month = int(found['year']), _MONTHS.index(found['month']) + 1
    if len(found['year']) == 2:
        year += near.year // 100 * 100
        year -= 100 if year > near.year + 50 else 0
    try:
        # A leap second is the last second of its minute.
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
