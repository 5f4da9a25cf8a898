"""Filters of the entries of a cache, such as `size>1GB` or `host=*.ebi.ac.uk`.  Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.listed_entry import FIELDS, ListedEntry
from dlmachine.core.spec.option_parsers import read_age, read_bool, read_count, read_size
from dlmachine.core.text.glob import is_like

_FILTER: Final = re.compile(r'\s*+([a-z_]++)\s*+(>=|<=|!=|=|>|<)(.*)', re.DOTALL)
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    '=': eq, '!=': ne, '>': gt, '<': lt, '>=': ge, '<=': le,
}  # fmt: skip
#: Longer than any URL that servers accept.
_MAX_CHARS: Final = 10_000
_EQUAL: Final = frozenset({'=', '!='})
_EXAMPLE: Final = "Write it like 'size>1GB', 'age>90d' or 'host=*.example.org'"


@frozen
class Filter:
    """A condition on one field of an entry; `value` is a number, a truth value or a pattern."""

    field: str
    operator: str
    value: Any

    def matches(self, entry: ListedEntry, now: float) -> bool:
        """Whether an entry meets it; one whose value is unknown does not."""
        found = FIELDS[self.field](entry, now)
        if found is None:
            return False
        if isinstance(self.value, str):
            return is_like(str(found), self.value) is (self.operator == '=')
        return _COMPARE[self.operator](found, self.value)


def parse_filter(text: str) -> Result[Filter, Fault]:
    """Parse a filter.  Faults: `InvalidInput`, with the known fields.

    >>> parse_filter('size > 1GB').unwrap()
    Filter(field='size', operator='>', value=1000000000)
    """
    if len(text) > _MAX_CHARS:
        return _refused(text, f'has more than {_MAX_CHARS} characters', _EXAMPLE)
    parts = _FILTER.fullmatch(text)
    field, operator, written = ('', '', '') if parts is None else parts.groups()
    written = written.strip()
    if not written:
        return _refused(text, 'is not a filter', _EXAMPLE)
    if field not in FIELDS:
        return _refused(text, f'has no known field; they are {", ".join(FIELDS)}', _EXAMPLE)
    read = _READERS.get(field)
    if read is None:
        if operator not in _EQUAL:
            return _refused(text, f'compares text; write {field}= or {field}!=', _EXAMPLE)
        return Success(Filter(field=field, operator=operator, value=written))
    value = read(f'filter {field}', written)
    if not is_successful(value):
        return Failure(value.failure())
    found = value.unwrap()
    seconds = found.total_seconds() if isinstance(found, timedelta) else found
    return Success(Filter(field=field, operator=operator, value=seconds))


def parse_filters(texts: Iterable[str]) -> Result[tuple[Filter, ...], Fault]:
    """Parse filters, all of which an entry must meet.  Faults: as `parse_filter`."""
    filters: list[Filter] = []
    for text in texts:
        parsed = parse_filter(text)
        if not is_successful(parsed):
            return Failure(parsed.failure())
        filters.append(parsed.unwrap())
    return Success(tuple(filters))


def _refused(text: str, problem: str, advice: str) -> Result[Filter, Fault]:
    where = f'filter {shown_value(text)}'
    return Failure(InvalidInput(where=where, problem=problem, advice=advice))


#: Parsers of values that are not patterns.
_READERS: Final[Mapping[str, Callable[[str, object], Result[object, Fault]]]] = {
    'size': read_size,
    'age': read_age,
    'used': read_age,
    'version': read_count,
    'pinned': read_bool,
}
