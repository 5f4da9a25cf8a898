"""The columns of tables: for each kind of row, the values that a table has."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dlmachine.core.frozen import frozen
from dlmachine_adapters.progress.layout import amount


@frozen
class Columns:
    """The columns of a kind of row.

    `places` maps each name to the place of its value in the row's dict, such as `record.sha256`.
    `shown` are the names that a small table in a notebook has.
    """

    places: Mapping[str, str]
    shown: tuple[str, ...]

    def values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The values of one row; None where it has none.

        >>> columns = columns_of('url', 'record.sha256', shown=('url',))
        >>> columns.values({'url': 'https://h/a', 'record': None})
        {'url': 'https://h/a', 'sha256': None}
        """
        return {name: _find(row, place.split('.')) for name, place in self.places.items()}

    def cells(self, values: Mapping[str, Any]) -> tuple[object, ...]:
        """The values that a small table has: sizes with a unit, times without their fractions.

        >>> columns = columns_of('ok', 'size', 'stored_at', shown=('ok', 'size', 'stored_at'))
        >>> columns.cells({'ok': True, 'size': 2048, 'stored_at': '2024-05-01T10:00:00.123+00:00'})
        ('ok', '2.0 KiB', '2024-05-01 10:00:00')
        """
        return tuple(_cell(name, values[name]) for name in self.shown)


def columns_of(*places: str, shown: tuple[str, ...], **renamed: str) -> Columns:
    """Columns with the last part of each place as their names, and those under other names."""
    names = {place.rpartition('.')[2]: place for place in places}
    return Columns(places={**names, **renamed}, shown=shown)


def _cell(name: str, value: object) -> object:
    if name == 'ok':
        return 'ok' if value else 'failed'
    if name == 'size' and isinstance(value, int):
        return amount(value)
    if name.endswith('_at') and isinstance(value, str):
        return value[:19].replace('T', ' ')
    return value


def _find(row: Any, place: Sequence[str]) -> Any:
    for name in place:
        if row is None:
            return None
        row = row[name]
    return row


_ERROR: Final = {'error': 'fault.code', 'message': 'fault.message'}

AUDIT: Final = columns_of(
    'name', 'url', 'status', 'reason', 'size', 'age_seconds', 'path', 'record.sha256',
    shown=('status', 'name', 'size', 'reason'),
    probe='probe.status', probe_reason='probe.reason', **_ERROR,
)  # fmt: skip
ENTRIES: Final = columns_of(
    'url', 'path', 'version', 'status', 'stored_at', 'used_at', 'pinned', 'key', 'record.sha256',
    'record.etag', 'record.last_modified',
    shown=('status', 'url', 'version', 'size', 'stored_at'),
    size='file_bytes',
)  # fmt: skip
FILES: Final = columns_of(
    'path', 'url', 'version', 'state', 'cached', 'stored_at', 'key', 'record.sha256', 'record.etag',
    'record.last_modified',
    shown=('state', 'path', 'url', 'version', 'size', 'stored_at'),
    size='file_bytes',
)  # fmt: skip
CHECKS: Final = columns_of(
    'path', 'url', 'verdict', 'expected', 'found', 'problem', 'moved_from',
    shown=('verdict', 'path', 'problem'),
    mended='mended.done',
)  # fmt: skip
PROVENANCE: Final = columns_of(
    'path', 'state', 'url', 'method', 'served_by', 'final_url', 'started_at', 'finished_at',
    'validated_at', 'size', 'sha256', 'verified_by', 'etag', 'last_modified', 'verified_tls',
    'source', 'notes', 'version', 'backend', 'dlmachine_version',
    shown=('path', 'url', 'finished_at', 'size', 'sha256'),
)  # fmt: skip
ADOPTED: Final = columns_of(
    'ok', 'name', 'url', 'path', 'how', shown=('how', 'name', 'path', 'message'), **_ERROR
)
USAGE: Final = columns_of('name', 'count', 'size', shown=('name', 'count', 'size'))
MEMBERS: Final = columns_of(
    'name', 'kind', 'size', 'packed', 'mode', 'modified_at', 'link', 'encrypted',
    shown=('kind', 'name', 'size', 'modified_at'),
)  # fmt: skip
RESULTS: Final = columns_of(
    'index', 'name', 'url', 'ok', 'path', 'origin', 'size', 'sha256', 'version', 'tries', 'error',
    'message',
    shown=('ok', 'name', 'path', 'origin', 'size', 'message'),
)  # fmt: skip
