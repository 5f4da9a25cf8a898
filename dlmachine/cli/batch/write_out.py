r"""What `--write-out` prints for each download: text with variables, as curl has them.

Pure, except `read_format`. `%{name}` is a variable, `%header{name}` a field of the response, and
`%%` a percent sign; `\n`, `\r` and `\t` are a line break, a carriage return and a tab.
"""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from dlmachine.cli.exit_codes import exit_code
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.batch.items import BatchItem
    from dlmachine.core.cache.record import DownloadRecord

_PIECES: Final = re.compile(r'%%|%header\{([^{}]*)\}|%\{([^{}]*)\}|\\([nrt])')
_ESCAPES: Final = {'n': '\n', 'r': '\r', 't': '\t'}


def _url(item: Any) -> object:
    record = item.outcome.record if item.ok else None
    return record.urls[-1] if record is not None and record.urls else ''


def _content_type(item: Any) -> object:
    return _header(item, 'Content-Type')


def _header(item: Any, wanted: str) -> str:
    record = item.outcome.record if item.ok else None
    fields = () if record is None else record.response_headers
    return ', '.join(value for name, value in fields if name.lower() == wanted.lower())


def _seconds(item: Any) -> float:
    record = item.outcome.record if item.ok else None
    if record is None or not _is_transfer(item):
        return 0.0
    seconds: float = (record.finished_at - record.started_at).total_seconds()
    return max(seconds, 0.0)


def _is_transfer(item: Any) -> bool:
    return bool(item.ok and item.outcome.origin.value == 'network')


def _received(item: Any) -> int:
    record: DownloadRecord | None = item.outcome.record if _is_transfer(item) else None
    return 0 if record is None else record.size_bytes


def _code(item: Any) -> int:
    if not item.ok:
        return getattr(item.fault, 'status', None) or 0
    record: DownloadRecord | None = item.outcome.record
    return 0 if record is None else record.http_code


def _tries(item: Any) -> int:
    tries: int = item.outcome.tries if item.ok else item.fault.tries
    return tries


def _redirects(item: Any) -> int:
    record = item.outcome.record if item.ok else None
    return max(len(record.urls) - 1, 0) if record is not None else 0


def _of_row(name: str) -> Callable[[Any, Mapping[str, Any]], object]:
    return lambda _, row: row[name]


def _of_item(read: Callable[[Any], object]) -> Callable[[Any, Mapping[str, Any]], object]:
    return lambda item, _: read(item)


def _error(item: Any) -> str:
    return '' if item.ok else printable(str(item.fault))


#: The variables; those that curl lacks are in the row of `--json`.
VARIABLES: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], object]]] = {
    'content_type': _of_item(_content_type),
    'errormsg': _of_item(_error),
    'exitcode': _of_item(lambda item: 0 if item.ok else exit_code(item.fault)),
    'filename_effective': _of_row('path'),
    'http_code': _of_item(lambda item: f'{_code(item):03d}'),
    'json': lambda _, row: json.dumps(row, default=str),
    'num_redirects': _of_item(_redirects),
    'num_retries': _of_item(lambda item: max(_tries(item) - 1 - _redirects(item), 0)),
    'response_code': _of_item(lambda item: f'{_code(item):03d}'),
    'size_download': _of_item(_received),
    'speed_download': _of_item(
        lambda item: round(_received(item) / _seconds(item)) if _seconds(item) else 0
    ),
    'time_total': _of_item(lambda item: f'{_seconds(item):.6f}'),
    'url_effective': _of_item(_url),
    'urlnum': _of_row('index'),
    **{name: _of_row(name) for name in (
        'name', 'ok', 'origin', 'path', 'sha256', 'size', 'tries', 'url', 'version',
    )},
}  # fmt: skip


def read_format(text: str) -> str:
    """The format of a command line, which `@FILE` names.  Raises: UsageError."""
    from dlmachine.cli.parameters.body import MAX_TEXT_BYTES, read_file

    if text.startswith('@'):
        text = read_file(text[1:], '--write-out', MAX_TEXT_BYTES).decode('utf-8', 'replace')
    for found in _PIECES.finditer(text):
        name = found[2]
        if name is not None and name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, n=1)
            advice = f'; did you mean %{{{near[0]}}}?' if near else f': {", ".join(VARIABLES)}'
            msg = f'--write-out: there is no variable %{{{name}}}{advice}'
            raise click.UsageError(msg)
    return text


def write_out(text: str, item: 'BatchItem[Any]', row: Mapping[str, Any]) -> str:
    """The format with its variables for one result, whose row is that of `--json`."""

    def fill(found: re.Match[str]) -> str:
        if found[0] == '%%':
            return '%'
        if found[3]:
            return _ESCAPES[found[3]]
        value = _header(item, found[1]) if found[2] is None else VARIABLES[found[2]](item, row)
        return '' if value is None else printable(str(value))

    return _PIECES.sub(fill, text)
