"""The use of a cache entry with another key.  Pure."""

from dlmachine.core.cache.entries import CacheEntry, without_single_use
from dlmachine.core.cache.freshness import assess_entry
from dlmachine.core.cache.other_keys import choose_by_content, choose_by_url, others_wanted
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Reason
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness


def find_other(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot
) -> tuple[Reason, CacheEntry] | None:
    """The entry whose bytes are used, and why; None if the file is downloaded.

    Bytes with the expected checksum are right at any time. An entry that was stored with an earlier
    key is used only as long as it need not be checked.
    """
    others = () if snapshot.cache is None else without_single_use(snapshot.cache.others)
    if not others or others_wanted(descriptor, policy, snapshot.key) is None:
        return None
    entry = choose_by_content(others, policy)
    if entry is not None:
        return Reason.SAME_CONTENT, entry
    entry = None if isinstance(policy.dest, ToPath) else choose_by_url(others, descriptor, policy)
    if entry is None or not _lasts(entry, policy, snapshot):
        return None
    return Reason.EARLIER_KEY, entry


def bytes_of(record: DownloadRecord) -> str:
    """Where the bytes of an entry come from, in words."""
    return f'the bytes are those of {record.url}'


def other_notes(reason: Reason, entry: CacheEntry) -> tuple[str, ...]:
    """The note of a plan that uses the entry of another key."""
    is_other = reason is Reason.SAME_CONTENT or reason is Reason.EARLIER_KEY
    return (bytes_of(entry.record),) if is_other and entry.record is not None else ()


def _lasts(entry: CacheEntry, policy: Policy, snapshot: Snapshot) -> bool:
    rule = policy.freshness_rule(is_at_path=False)
    if rule is Freshness.STORED or policy.offline:
        return True
    return not isinstance(rule, Freshness) and assess_entry(entry, rule, snapshot.now).is_fresh


def index_notes(snapshot: Snapshot) -> tuple[str, ...]:
    """Notes of a plan about an index of a folder that cannot be read."""
    file = snapshot.file
    if file is None or file.fault is None:
        return ()
    return (f'the files here count as not recorded: {file.fault.what()}',)
