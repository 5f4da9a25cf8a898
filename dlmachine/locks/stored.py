"""How the entries of a locked manifest use files that are stored already."""

from hashlib import file_digest
from pathlib import Path

from dlmachine.config import Config
from dlmachine.core.frozen import replace
from dlmachine.core.manifest.item import Item
from dlmachine.core.manifest.lock import LockedFile
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness, IfExists
from dlmachine.paths import DestInput, path_text


class Pinned:
    """The policies of entries whose bytes are known: entries that share one share the new one."""

    def __init__(self) -> None:
        """Start without any."""
        self._changed: dict[int, tuple[Policy, Policy]] = {}

    def take_bytes(self, item: Item, sha256: str) -> Item:
        """The same entry, whose file must have these bytes; no server can know better."""
        found = self._changed.get(id(item.policy))
        if found is None:
            changed = replace(
                item.policy,
                checksum=None,
                checksum_file=None,
                freshness=Freshness.STORED,
                check_freshness=False,
            )
            # With the policy itself, so that its number is not given to another one.
            found = self._changed[id(item.policy)] = item.policy, changed
        return replace(item, policy=found[1], sha256=sha256)


def use_stored(item: Item) -> Item:
    """The same entry, for which a stored copy is used unasked, unless its options say otherwise."""
    policy = item.policy
    if policy.freshness is not None or policy.check_freshness:
        return item
    return replace(item, policy=replace(policy, freshness=Freshness.STORED))


def packed(item: Item) -> Item:
    """The same entry, whose archive is not extracted: a lockfile is about its bytes."""
    if item.policy.extract is None:
        return item
    return replace(item, policy=replace(item.policy, extract=None))


def ask_server(item: Item) -> Item:
    """The same entry, for which the server is asked whether a stored copy is current."""
    policy = replace(item.policy, freshness=Freshness.ALWAYS, check_freshness=False)
    return replace(item, policy=policy)


def renew(item: Item, former: LockedFile, folder: object) -> Item:
    """An entry that has changed since it was locked, perhaps to another URL.

    A stored file may be there because it has the locked bytes, so the server is asked, unless the
    entry has a checksum. The file with the locked bytes is replaced.
    """
    known = use_stored(item) if item.policy.checksum is not None else ask_server(item)
    is_named = isinstance(folder, str) and item.path is not None
    if item.policy.if_exists is not None or not is_named:
        return known
    if not _has_bytes(Path(str(folder), str(item.path)), former.sha256):
        return known
    return replace(known, policy=replace(known.policy, if_exists=IfExists.REPLACE))


def _has_bytes(path: Path, sha256: str) -> bool:
    try:
        with path.open('rb') as file:
            return file_digest(file, 'sha256').hexdigest() == sha256
    except OSError:
        return False


def via_cache(item: Item, dest: DestInput, config: Config) -> Item:
    """The same entry, whose file in a folder comes from the cache, if there is one."""
    is_at_path = isinstance(path_text(dest), str)
    if not config.has_cache or not is_at_path or item.policy.fills_from_cache:
        return item
    return replace(item, policy=replace(item.policy, via_cache=True))
