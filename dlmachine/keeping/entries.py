"""The entries of a cache: filtered, sorted, and added up.

Memory grows with the number of entries only by what a sort needs: a key and a number each.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from heapq import nsmallest
from itertools import islice
from pathlib import PurePath
from typing import Any, Final

from dlmachine.core.cache.entries import Status
from dlmachine.core.faults import InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.entry_filters import parse_filters
from dlmachine.core.maintenance.listed_entry import FIELDS, GROUPS, SORTS, ListedEntry
from dlmachine.errors import error_for, unwrap
from dlmachine.keeping.arguments import count, texts
from dlmachine.keeping.pruning import touching
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.entry_files import see_extracted
from dlmachine_adapters.cachedir.listing import Listed, list_entries, list_some
from dlmachine_adapters.keeping.pins import pinned_items
from dlmachine_adapters.uses.use_log import read_uses

_STATUS: Final = {status.value: status.name.lower() for status in Status}
#: The sort keys; times ascend, so that the longest unused and the oldest come first.
_ORDERS: Final[Mapping[str, Callable[[ListedEntry], Any]]] = {
    'size': lambda entry: -(entry.total_bytes or 0),
    'used': lambda entry: entry.last_use.timestamp(),
    'age': lambda entry: entry.stored_at.timestamp(),
    'url': lambda entry: entry.url,
}


@frozen
class Usage:
    """What entries with the same host, extension or status take up."""

    name: str
    count: int
    size_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """The sum as JSON has it."""
        return {'name': self.name, 'count': self.count, 'size': self.size_bytes}


def find_entries(
    registry: Registry, filters: object, sort: str | None, limit: object, now: float
) -> Iterator[ListedEntry]:
    """Entries that meet all filters, in an order.  Raises: RequestError, LocalError."""
    conditions = unwrap(parse_filters(texts('filters', filters)))
    most = count('limit', limit)
    if sort is not None and sort not in SORTS:
        problem = f'must be {", ".join(SORTS[:-1])} or {SORTS[-1]}, not {shown_value(sort)}'
        raise error_for(InvalidInput(where='sort', problem=problem))

    def found() -> Iterator[tuple[Listed, ListedEntry]]:
        for listed, entry in _with_uses(registry, list_entries(registry)):
            if all(one.matches(entry, now) for one in conditions):
                yield listed, entry

    return _ordered(registry, found(), sort, most)


def _ordered(
    registry: Registry,
    found: Iterator[tuple[Listed, ListedEntry]],
    sort: str | None,
    limit: int | None,
) -> Iterator[ListedEntry]:
    with touching(registry):
        if sort is None:
            yield from islice((entry for _, entry in found), limit)
            return
        order = _ORDERS[sort]
        keys = ((order(entry), listed.row_id) for listed, entry in found)
        chosen = iter(sorted(keys) if limit is None else nsmallest(limit, keys))
        pages = iter(lambda: [row_id for _, row_id in islice(chosen, 500)], [])
        listed = (one for page in pages for one in list_some(registry, page))
        yield from (entry for _, entry in _with_uses(registry, listed))


def add_up(entries: Iterable[ListedEntry], by: str) -> list[Usage]:
    """The sizes of entries by a field, the largest first.  Raises: RequestError."""
    if by not in GROUPS:
        problem = f'must be {", ".join(GROUPS[:-1])} or {GROUPS[-1]}, not {shown_value(by)}'
        raise error_for(InvalidInput(where='by', problem=problem))
    totals: dict[str, tuple[int, int]] = {}
    for entry in entries:
        name = str(FIELDS[by](entry, 0))
        number, size = totals.get(name, (0, 0))
        totals[name] = number + 1, size + (entry.total_bytes or 0)
    usages = (Usage(name=name, count=one[0], size_bytes=one[1]) for name, one in totals.items())
    return sorted(usages, key=lambda usage: (-usage.size_bytes, usage.name))


def _with_uses(
    registry: Registry, listed: Iterable[Listed]
) -> Iterator[tuple[Listed, ListedEntry]]:
    uses, pinned = read_uses(registry.folder)[1], pinned_items(registry)
    extracted = see_extracted(registry.folder)
    for one in listed:
        used = uses.get(f'{one.item_id}-{one.version}')
        yield (
            one,
            ListedEntry(
                url=one.url,
                path=one.path,
                file_name=one.file_name,
                version=one.version,
                status=_STATUS.get(one.status, str(one.status)),
                size_bytes=one.file_bytes,
                stored_at=one.stored_at,
                used_at=None if used is None else datetime.fromtimestamp(used, UTC),
                is_pinned=one.item_id in pinned,
                item_id=one.item_id,
                key=one.key,
                record=one.record,
                extracted_bytes=extracted.get(PurePath(one.path).name, 0),
            ),
        )
