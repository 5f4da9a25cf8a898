"""`dlmachine audit`: a dry run over many downloads."""

import sys
from typing import TYPE_CHECKING, Any

import click
from returns.pipeline import is_successful

from dlmachine.cli.common import (
    destination,
    fail,
    fault_as_json,
    managing,
    print_json,
    size_text,
)
from dlmachine.cli.parameters.options import (
    Command,
    config_option,
    json_option,
    outside_option,
    table_option,
)
from dlmachine.cli.parameters.values import FILE
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.auditor import AuditRow
    from dlmachine.core.spec.policy import Policy
    from dlmachine.manager import DownloadManager


@click.command('audit', cls=Command)
@click.argument('file', type=FILE, metavar='FILE')
@outside_option
@table_option('path')
@config_option
@table_option('offline', help='Assume that there is no network.')
@table_option('check_freshness', help='Assume that every copy is checked.')
@json_option
def command(file: str, **given: Any) -> None:
    """Show what the downloads of FILE would do, without doing it.

    Each is a hit, stale, changed, missing, or would fail. FILE is a list of URLs (- is stdin), or a
    TOML, YAML or JSON manifest. No request is sent, and nothing is written. Exit code: 10 if
    anything would be downloaded, else 1 if anything would fail, else 0.
    """
    from dlmachine.auditor import AuditStatus, audit, summarize
    from dlmachine.cli.exit_codes import CHANGES_PENDING, GENERIC
    from dlmachine.documents import read_text
    from dlmachine.manifest import parse_lines, read_manifest

    with managing(given) as manager:
        described = manager.config.described
        policy = _policy_of_get(manager, given)
        if file == '-':
            read = read_text(sys.stdin.buffer.read(), 'stdin').map(
                lambda text: parse_lines(text.split('\n'), policy, described, 'stdin')
            )
        else:
            read = read_manifest(file, policy, described, allow_outside=given['allow_outside'])
        if not is_successful(read):
            fail(read.failure())
        with manager.adapters() as world:
            rows = []
            for row in audit(read.unwrap(), world):
                rows.append(row)
                if not given['as_json']:
                    click.echo(_line(row))
    summary = summarize(rows)
    if given['as_json']:
        print_json([_as_json(row) for row in rows])
    click.echo(
        f'{len(rows)} in all: {summary.counted}; {size_text(summary.stored_bytes)} stored', err=True
    )
    if summary.counts[AuditStatus.MISSING] or summary.counts[AuditStatus.CHANGED]:
        sys.exit(CHANGES_PENDING)
    if summary.counts.get(AuditStatus.WOULD_FAIL, 0):
        sys.exit(GENERIC)


def _policy_of_get(manager: 'DownloadManager', given: dict[str, Any]) -> 'Policy':
    # Without a cache, `dlmachine get` downloads into the current folder, not into memory.
    from dlmachine.core.spec.options import parse_policy
    from dlmachine.errors import unwrap

    dest = destination({'output': None, 'folder': None, **given}, manager)
    return manager.policy if dest is None else unwrap(parse_policy({'dest': dest}, manager.policy))


def _line(row: 'AuditRow') -> str:
    size = size_text(row.size_bytes)
    return printable(f'{row.status.value:10}  {size:>10}  {row.name or row.url}  {row.reason}')


def _as_json(row: 'AuditRow') -> dict[str, Any]:
    return {
        'name': row.name,
        'url': row.url,
        'status': row.status.value,
        'reason': row.reason,
        'size': row.size_bytes,
        'age_seconds': None if row.age is None else row.age.total_seconds(),
        'path': row.path,
        'fault': None if row.fault is None else fault_as_json(row.fault),
    }
