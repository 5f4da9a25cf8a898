"""`dlmachine cache verify` and `dlmachine cache doctor`: find and repair problems."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.cache_folder import opened, reading
from dlmachine.cli.common import (
    print_json,
    size_text,
)
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, json_option, own_option, table_option
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.core.maintenance.findings import Finding
    from dlmachine.core.maintenance.verification import Repaired
    from dlmachine.core.protocol.ports import Clock, Locks
    from dlmachine_adapters.cachedir.connection import Registry
    from dlmachine_adapters.cachedir.listing import Listed
    from dlmachine_adapters.maintenance.verify import Checked


@click.command('verify', cls=Command)
@table_option('path')
@config_option
@own_option(
    '--fix',
    is_flag=True,
    help='Put wrong files into quarantine; mark their rows, or extract them again.',
)
@json_option
def verify(*, fix: bool, **given: Any) -> None:
    """Compare the digest of every stored file, and of what was extracted, with its record.

    Exit code 9 if a file is wrong, missing or unreadable, also with --fix: run it again to see
    whether everything is repaired. Files of other programs have no record and count as unknown.
    """
    from dlmachine.cli.exit_codes import INTEGRITY
    from dlmachine.core.maintenance.verification import CopyState

    counts = {condition.value: 0 for condition in CopyState}
    results, is_sound, fixed = [], True, 0
    # A folder that does not exist is probably a mistyped name; it must not count as a sound cache.
    with reading(given, must_exist=True) as (registry, entries):
        for checked in _checked(registry, entries):
            counts[checked.condition.value] += 1
            repaired = None
            if not checked.condition.is_sound:
                is_sound = False
                if fix:
                    repaired = _repair(registry, checked)
                    fixed += repaired.is_done
                if not given['as_json']:
                    click.echo(printable(_checked_line(checked, repaired)))
            if given['as_json']:
                results.append(_checked_as_json(checked, repaired))
    if given['as_json']:
        print_json(results)
    shown = ', '.join(f'{count} {name}' for name, count in counts.items())
    click.echo(f'{shown}; {fixed} fixed' if fix else shown, err=True)
    if not is_sound:
        sys.exit(INTEGRITY)


def _checked(registry: 'Registry', entries: 'Iterable[Listed]') -> 'Iterator[Checked]':
    """Check each entry, and then what was extracted from it."""
    from dlmachine_adapters.maintenance.verify import check_entry
    from dlmachine_adapters.maintenance.verify_extracted import check_extracted

    for entry in entries:
        checked = check_entry(registry, entry)
        if checked is not None:
            yield checked
            # All of it, because a repair of one file repairs the others of its folder.
            yield from [*check_extracted(entry)]


def _repair(registry: 'Registry', checked: 'Checked') -> 'Repaired':
    from dlmachine.core.maintenance.findings import EntryId
    from dlmachine_adapters.maintenance.verify import Repairer
    from dlmachine_adapters.maintenance.verify_extracted import repair_extracted

    tools, entry = _tools(registry.folder), checked.entry
    if checked.folder:
        return repair_extracted(checked, *tools)
    named = EntryId(item_id=entry.item_id, version=entry.version, key=entry.key)
    return Repairer(registry, *tools).repair(named, entry.path)


@click.command('doctor', cls=Command)
@table_option('path')
@config_option
@own_option('--fix', is_flag=True, help='Repair what is safe to repair.')
@own_option('--probe', is_flag=True, help='Test locks, links and renames; this writes files.')
@json_option
def doctor(*, fix: bool, probe: bool, **given: Any) -> None:
    """Look for leftover, lost or damaged files in the cache folder.

    Without --fix and --probe nothing is written. Exit code 1 if there is a problem, also with
    --fix: run it again to see whether everything is repaired.
    """
    from dlmachine.cli.exit_codes import GENERIC
    from dlmachine_adapters.maintenance.repair import FindingRepairer

    counts: Counter[str] = Counter()
    results = []
    with opened(given) as registry:
        locks, clock = _tools(registry.folder)
        repairer = FindingRepairer(registry, locks, clock)
        for finding in _findings(registry, clock.now(), probe=probe):
            # Repaired at once: the next findings are read from the repaired registry.
            repaired = repairer.repair(finding) if fix else None
            counts['problem' if finding.is_problem else 'note'] += 1
            counts['fixed'] += repaired is not None and repaired.is_done
            if given['as_json']:
                results.append(_finding_as_json(finding, repaired))
            else:
                click.echo(printable(_finding_line(finding, repaired)))
    if given['as_json']:
        is_healthy = not counts['problem']
        print_json({'folder': registry.folder, 'healthy': is_healthy, 'findings': results})
    shown = ', '.join(_counted(counts[name], name) for name in ('problem', 'note'))
    click.echo(f'{shown}; {counts["fixed"]} fixed' if fix else shown, err=True)
    if counts['problem']:
        sys.exit(GENERIC)


def _findings(registry: 'Registry', now: datetime, *, probe: bool) -> 'Iterator[Finding]':
    from dlmachine.core.maintenance.checks import check_capabilities
    from dlmachine_adapters.maintenance.diagnose import diagnose
    from dlmachine_adapters.maintenance.fs_probe import find_capabilities

    yield from diagnose(registry, now)
    if probe and Path(registry.folder).is_dir():
        yield from check_capabilities(registry.folder, find_capabilities(registry.folder))


def _tools(folder: str) -> 'tuple[Locks, Clock]':
    from dlmachine_adapters.files.locks import FolderLocks
    from dlmachine_adapters.runtime.clock import SystemClock

    clock = SystemClock()
    return FolderLocks(folder, clock), clock


def _checked_line(checked: 'Checked', repaired: 'Repaired | None') -> str:
    entry = checked.entry
    line = f'{checked.condition.value}  {checked.path}  {entry.url}'
    if checked.found.problem is not None:
        line += f'  ({checked.found.problem})'
    return line + repaired_text(repaired)


def _finding_line(finding: 'Finding', repaired: 'Repaired | None') -> str:
    level = 'problem' if finding.is_problem else 'note'
    known = [] if finding.size_bytes is None else [size_text(finding.size_bytes)]
    known += [] if finding.age is None else [f'{age_text(finding.age)} old']
    about = f' ({", ".join(known)})' if known else ''
    line = f'{level:7}  {finding.kind.value:16}  {finding.place}{about}  {finding.text}'
    return line + repaired_text(repaired)


def repaired_text(repaired: 'Repaired | None') -> str:
    """What a repair did, for the end of a line; empty without one."""
    if repaired is None:
        return ''
    if not repaired.is_done:
        return f'  -> not fixed: {repaired.text}'
    moved = '' if repaired.moved_to is None else f'; the file is now {repaired.moved_to}'
    return f'  -> fixed: {repaired.text}{moved}'


def _checked_as_json(checked: 'Checked', repaired: 'Repaired | None') -> dict[str, Any]:
    return {
        'path': checked.path,
        'url': checked.entry.url,
        'verdict': checked.condition.value,
        'expected': checked.expected,
        'found': checked.found.sha256,
        'problem': checked.found.problem,
        'mended': None if repaired is None else repaired.to_dict(),
    }


def _finding_as_json(finding: 'Finding', repaired: 'Repaired | None') -> dict[str, Any]:
    return {
        'kind': finding.kind.value,
        'place': finding.place,
        'problem': finding.is_problem,
        'text': finding.text,
        'size': finding.size_bytes,
        'age_seconds': None if finding.age is None else finding.age.total_seconds(),
        'cure': finding.repair.value,
        'mended': None if repaired is None else repaired.to_dict(),
    }


def _counted(count: int, name: str) -> str:
    return f'{count} {name}' if count == 1 else f'{count} {name}s'


def age_text(age: timedelta) -> str:
    """Format an age.

    >>> age_text(timedelta(seconds=7)), age_text(timedelta(hours=3)), age_text(timedelta(days=9))
    ('7 s', '3 h', '9 days')
    """
    seconds = max(age.total_seconds(), 0.0)
    for unit, length in (('days', 86_400), ('h', 3_600), ('min', 60)):
        if seconds >= 2 * length:
            return f'{seconds / length:.0f} {unit}'
    return f'{seconds:.0f} s'
