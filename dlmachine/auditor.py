"""Audit: a dry run over many downloads.

Each row is one observation and one plan, made when the row is requested. Nothing is requested from
a server, except by a probe, and nothing is written. The result is what a download would do, because
both use the same planner.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from returns.pipeline import is_successful
from returns.result import Result

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.key import shown_url
from dlmachine.core.decision.folder_state import Unpack, decide_folder, describe_work
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Reason, Verdict
from dlmachine.core.faults import Cancelled, Fault, InvalidInput
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.manifest.item import Item
from dlmachine.core.plan.audit_row import AuditRow, AuditStatus, AuditSummary
from dlmachine.core.plan.plan import Plan, plan
from dlmachine.core.probe.result import KnownVersion, ProbeResult, ProbeStatus
from dlmachine.core.protocol.effects import CheckCopy, ExtractArchive
from dlmachine.core.protocol.events import CopyConfirmed
from dlmachine.core.protocol.ports import World
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath
from dlmachine.core.spec.policy import Policy
from dlmachine.errors import error_for
from dlmachine.manifest import make_item
from dlmachine.notebooks.columns import AUDIT
from dlmachine.notebooks.rows import Rows
from dlmachine.options.rules import Defaults

_BY_VERDICT: Final[Mapping[Verdict, AuditStatus]] = {
    Verdict.USE_CACHED: AuditStatus.HIT,
    Verdict.REVALIDATE: AuditStatus.STALE,
    Verdict.FETCH: AuditStatus.MISSING,
    Verdict.RESUME: AuditStatus.MISSING,
}

_SAME_BYTES: Final = 'the stored file was touched, and has the recorded digest'
_OTHER_BYTES: Final = 'the file was read, and does not have the expected digest'
#: Items that are probed at a time; `max_per_host` and `rate` limit the requests further.
_PROBES: Final = 8


def audit(
    items: Iterable[Item | Descriptor | str],
    world: World,
    policy: Policy | None = None,
    *,
    probe: bool = False,
    deep: bool = False,
    known: Mapping[str, KnownVersion] | None = None,
) -> Rows[AuditRow]:
    """One row for each item, in order, made when it is requested; only reads.

    The policy applies to URLs and descriptors; entries of a manifest have their own options. With
    `deep`, stored and extracted files are read, and compared with their digests. With `probe`, the
    server of each item is asked about the file, for a few items at a time. The answer is compared
    with the `known` version under the item's name, or else with the stored copy.

    Raises: RequestError if `items` is not a list or another iterable of several.
    """
    check_items(items)
    parsed = (_as_item(item, policy or Policy()) for item in items)
    if probe:
        return Rows(_probe_items(parsed, world, known or {}, deep=deep), AUDIT)
    return Rows((_audit_item(item, world, deep=deep) for item in parsed), AUDIT)


def check_items(items: object) -> None:
    """Raises: RequestError if `items` is one item, or a Result."""
    if isinstance(items, (str, Descriptor, Result)):
        advice = 'Pass dm.unwrap(items)' if isinstance(items, Result) else 'Pass a list'
        problem = f'must be a list, not {type(items).__name__}'
        raise error_for(InvalidInput(where='items', problem=problem, advice=advice))


def _as_item(item: Item | Descriptor | str, policy: Policy) -> Item:
    if isinstance(item, Item):
        return item
    if not isinstance(item, Descriptor):
        return make_item({'url': item}, Defaults(policy=policy))
    url = shown_url(item)
    return Item(name=url, url=url, descriptor=item, policy=policy)


def summarize(rows: Iterable[AuditRow]) -> AuditSummary:
    """Count rows.

    >>> row = AuditRow(name='a', url='http://h/a', status=AuditStatus.HIT, reason='', size_bytes=5)
    >>> print(summarize([row, row]))
    2 hit, 0 stale, 0 missing, 0 would-fail; 10 bytes stored
    """
    counted: Counter[AuditStatus] = Counter()
    stored_bytes = 0
    for row in rows:
        counted[row.status] += 1
        stored_bytes += row.size_bytes or 0
    counts = {status: counted[status] for status in AuditStatus}
    return AuditSummary(counts=counts, stored_bytes=stored_bytes)


def _probe_items(
    items: Iterable[Item], world: World, known: Mapping[str, KnownVersion], *, deep: bool
) -> Iterator[AuditRow]:
    from concurrent.futures import Future, ThreadPoolExecutor

    pool, running = ThreadPoolExecutor(_PROBES), deque[Future[AuditRow]]()
    try:
        for item in items:
            running.append(pool.submit(_audit_item, item, world, known, deep=deep))
            if len(running) == 2 * _PROBES:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        # The manager ends what still runs.
        pool.shutdown(wait=False, cancel_futures=True)


def _audit_item(
    item: Item,
    world: World,
    probed: Mapping[str, KnownVersion] | None = None,
    *,
    deep: bool = False,
) -> AuditRow:
    if item.descriptor is None:
        fault = item.fault or InvalidInput(where=item.name, problem='has no descriptor')
        return _failing(item, item.url, fault)
    url = shown_url(item.descriptor)
    snapshot = world.observe(item.descriptor, item.policy)
    planned = plan(item.descriptor, item.policy, snapshot)
    if is_successful(planned):
        made = planned.unwrap()
        row = _planned_row(item, url, made)
        row = _read_bytes(row, made, item.policy.checksum, world) if deep else row
        row = _look_at_folder(row, made, world, deep=deep)
    else:
        row = _failing(item, url, planned.failure())
    if probed is None:
        return row
    return replace(row, probe=_probe(item, snapshot, world, probed.get(item.name)))


def _read_bytes(row: AuditRow, made: Plan, checksum: Checksum | None, world: World) -> AuditRow:
    entry = made.entry
    if entry is None:
        return row
    expected = checksum if entry.record is None else Checksum('sha256', entry.record.sha256)
    if expected is None:
        return row  # Another program stored it, so its digest is not known.
    found = world.files.confirm(CheckCopy(path=entry.path, size_bytes=None, checksum=expected))
    if isinstance(found, CopyConfirmed):
        reason = _SAME_BYTES if made.reason is Reason.CHANGED else row.reason
        return replace(row, status=_BY_VERDICT[made.verdict], reason=reason)
    status = AuditStatus.UNKNOWN if made.reason is Reason.FITS else AuditStatus.CHANGED
    return replace(row, status=status, reason=_OTHER_BYTES)


def _look_at_folder(row: AuditRow, made: Plan, world: World, *, deep: bool) -> AuditRow:
    """Add what is to be extracted; extracting needs no request if the archive is there."""
    effect = made.effects[-1] if made.effects else None
    if row.status is not AuditStatus.HIT or not isinstance(effect, ExtractArchive):
        return row
    effect = replace(effect, wanted=replace(effect.wanted, deep=deep or effect.wanted.deep))
    seen = world.files.see_extracted(effect)
    sha256 = effect.sha256 or ('' if seen.record is None else seen.record.sha256)
    todo = decide_folder(effect, sha256, seen)
    if todo is None:
        return row
    if isinstance(todo, Unpack):
        return replace(row, reason=f'{row.reason}; {describe_work(todo)}')
    return replace(row, status=AuditStatus.WOULD_FAIL, reason=str(todo), fault=todo)


def _probe(
    item: Item, snapshot: Snapshot, world: World, known: KnownVersion | None
) -> ProbeResult | None:
    from dlmachine.execution.probing import probe

    if item.descriptor is None:
        return None
    probed = probe(item.descriptor, item.policy, snapshot, world, known)
    if is_successful(probed):
        return probed.unwrap()
    fault = probed.failure()
    if isinstance(fault, Cancelled):
        raise error_for(fault)
    return ProbeResult(
        url=shown_url(item.descriptor), status=ProbeStatus.SKIPPED, reason=str(fault), fault=fault
    )


def _failing(item: Item, url: str, fault: Fault) -> AuditRow:
    return AuditRow(
        name=item.name, url=url, status=AuditStatus.WOULD_FAIL, reason=str(fault), fault=fault
    )


def _planned_row(item: Item, url: str, made: Plan) -> AuditRow:
    entry = made.entry
    path = made.destination.path if isinstance(made.destination, AtPath) else None
    return AuditRow(
        name=item.name,
        url=url,
        status=_status(made),
        reason=made.decision.arithmetic or made.reason.value,
        size_bytes=None if entry is None else _size(entry),
        age=None if entry is None else made.snapshot.now - entry.stored_at,
        path=path if entry is None else entry.path,
        record=None if entry is None else entry.record,
    )


def _status(made: Plan) -> AuditStatus:
    if made.reason in {Reason.FITS, Reason.REPLACED}:
        return AuditStatus.UNKNOWN
    is_touched = made.entry is not None and made.entry.has_changed
    if is_touched or made.reason is Reason.RESIZED:
        return AuditStatus.CHANGED
    return _BY_VERDICT[made.verdict]


def _size(entry: CacheEntry) -> int | None:
    return entry.file_bytes if entry.size_bytes is None else entry.size_bytes
