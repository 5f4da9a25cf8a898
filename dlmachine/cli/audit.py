"""`dlmachine audit`: a dry run over many downloads."""

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli import common
from dlmachine.cli.batch.inputs import read_items
from dlmachine.cli.parameters import options
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.flags import fault_in_flags
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dlmachine.core.plan.audit_row import AuditRow
    from dlmachine.manager import DownloadManager


@click.command('audit', cls=Command)
@click.argument('file', type=FILE, metavar='FILE', required=False)
@options.input_options
@options.folder_option(help='Folder of the files.')
@options.table_option('path')
@options.config_option
@options.table_option('offline', help='Assume that there is no network.')
@options.table_option(
    'freshness', help='Assume that stored copies are used for this long without a check.'
)
@options.table_option('check_freshness', help='Assume that the server is asked about every copy.')
@options.own_option(
    '--probe', is_flag=True, help='Also ask the servers about each file, without its body.'
)
@options.own_option(
    '--deep', is_flag=True, help='Read the stored files, and compare their digests.'
)
@options.json_option
def command(file: str | None, **given: Any) -> None:
    """Show what the downloads of FILE would do, without doing it.

    Each is a hit, stale, changed, missing, or would fail. FILE is a list of URLs (- is stdin), a
    checksum file, or a TOML, YAML or JSON manifest. No request is sent, and nothing is written.
    With --probe, one HEAD (or a GET of one byte) tells if each file is alive, moved, changed, gone,
    forbidden or unreachable. Exit code: 10 if anything would be downloaded or has changed, else 1
    if anything would fail or could not be seen, else 0.
    """
    from dlmachine.auditor import summarize
    from dlmachine.cli.exit_codes import CHANGES_PENDING, GENERIC
    from dlmachine.cli.folder.output import print_json_list
    from dlmachine.core.plan.audit_row import AuditStatus
    from dlmachine.core.probe.result import ProbeStatus

    given['output'] = None
    common.check_destination(given)
    path = given['input_file'] if file is None else file
    if path is None or None not in {file, given['input_file']}:
        raise click.UsageError('Pass one file: FILE, or --input-file FILE')
    rows: list[AuditRow] = []
    with common.managing(given) as manager:
        found = _kept(_audit(manager, path, given), rows)
        if given['as_json']:
            print_json_list(_as_json(row) for row in found)
        else:
            for row in found:
                click.echo(_line(row))
    summary = summarize(rows)
    click.echo(
        f'{len(rows)} in all: {summary.counted}; {common.size_text(summary.stored_bytes)} stored',
        err=True,
    )
    pending = (AuditStatus.MISSING, AuditStatus.CHANGED, AuditStatus.UNKNOWN)
    probes = [row.probe for row in rows if row.probe is not None]
    if probes:
        counts = Counter(one.status.value for one in probes)
        click.echo(', '.join(f'{count} {name}' for name, count in counts.items()), err=True)
    is_changed = any(one.status is ProbeStatus.CHANGED for one in probes)
    if any(summary.counts[status] for status in pending) or is_changed:
        sys.exit(CHANGES_PENDING)
    is_lost = any(not one.ok and one.status is not ProbeStatus.SKIPPED for one in probes)
    if summary.counts.get(AuditStatus.WOULD_FAIL, 0) or is_lost:
        sys.exit(GENERIC)


def _audit(manager: 'DownloadManager', path: str, given: dict[str, Any]) -> 'Iterable[AuditRow]':
    from dlmachine.auditor import audit
    from dlmachine.targets import item_of

    items = list(read_items(path, manager, given))
    pairs = common.prepared(items, common.destination(given, manager), manager, {})
    with manager.adapters() as world:
        found = (item_of(one, ready, {}, manager.config) for one, ready in pairs)
        if not given['probe']:
            return audit(found, world, deep=given['deep'])
        from dlmachine.locks.lockfile import locked_versions

        known = locked_versions(path, items)
        return audit(found, world, probe=True, deep=given['deep'], known=known)


def _kept(found: 'Iterable[AuditRow]', rows: 'list[AuditRow]') -> 'Iterator[AuditRow]':
    from dlmachine.core.frozen import replace

    for row in found:
        rows.append(replace(row, record=None))  # The records of many rows need much memory.
        yield row


def _line(row: 'AuditRow') -> str:
    size = common.size_text(row.size_bytes)
    reason = row.reason if row.fault is None else fault_in_flags(row.fault)
    line = f'{row.status.value:10}  {size:>10}  {row.name or row.url}  {reason}'
    probe = '' if row.probe is None else f'  [{row.probe.status.value}: {row.probe.reason}]'
    return printable(f'{line}{probe}')


def _as_json(row: 'AuditRow') -> dict[str, Any]:
    values = row.to_dict()
    if row.fault is not None:
        values['fault'] = common.fault_as_json(row.fault)
    if row.probe is None:
        del values['probe']
    return values
