"""Where a file of a report comes from, as names and values."""

from collections.abc import Iterator
from datetime import datetime

from dlmachine.core.report.rows import ReportRow
from dlmachine.notebooks.markup import Html, element


def facts_of(row: ReportRow) -> Iterator[tuple[str, object]]:
    """What is known of a file, without what is not."""
    for name, value in _facts(row):
        if value:
            yield name, value


def _facts(row: ReportRow) -> Iterator[tuple[str, object]]:
    record = row.record
    yield 'Requested', _link(row.url)
    if record is not None:
        method = '' if record.method == 'GET' else f'{record.method} '
        final = record.urls[-1] if record.urls else ''
        yield 'Method', method.strip()
        yield 'Served by', record.served_by if record.served_by != row.url else ''
        yield 'Final URL', final if final not in {row.url, record.served_by} else ''
        yield 'Source', ', '.join(f'{name}: {value}' for name, value in record.source)
    yield 'Path', _code(row.path)
    yield 'Stored', _time(row.stored_at)
    if record is not None:
        yield 'Downloaded', _time(record.finished_at)
        yield 'Last checked', _time(record.validated_at)
        yield 'Bytes', f'{record.size_bytes:,}'
        yield 'SHA-256', _code(record.sha256)
        yield 'Verified by', ', '.join(f'{name} ({by})' for name, by in record.verified_by)
        yield 'ETag', _code(record.etag)
        yield 'Last-Modified', record.last_modified
        yield 'TLS', '' if record.verified_tls else 'the certificate was not checked'
        by = f'dlmachine {record.dlmachine_version}'.strip()
        backend = f'{record.backend} {record.backend_version}'.strip()
        yield 'Downloaded by', f'{by}, {backend}' if backend else by
        yield 'Notes', '; '.join(record.notes)
    yield 'Version', '' if row.version is None else str(row.version)
    yield 'Pinned', 'yes' if row.is_pinned else ''


def _link(url: str) -> object:
    # A masked URL leads nowhere, and a URL of another scheme may do anything.
    if url.startswith(('https://', 'http://')) and '***' not in url:
        return element('a', url, href=url, rel='noopener noreferrer')
    return url


def _code(text: str | None) -> Html | None:
    return element('code', text) if text else None


def _time(at: datetime | None) -> str:
    return '' if at is None else f'{at:%Y-%m-%d %H:%M:%S} UTC'
