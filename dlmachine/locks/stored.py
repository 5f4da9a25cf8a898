"""How the entries of a locked manifest use files that are stored already."""

from dlmachine.config import Config
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.spec.reuse import Freshness
from dlmachine.manifest import Item
from dlmachine.paths import DestInput, path_text


def take_bytes(item: Item, sha256: str) -> Item:
    """The same entry, whose file must have these bytes; no server can know better."""
    policy = replace(
        item.policy,
        checksum=Checksum('sha256', sha256),
        checksum_file=None,
        freshness=Freshness.STORED,
        check_freshness=False,
    )
    return replace(item, policy=policy)


def use_stored(item: Item) -> Item:
    """The same entry, for which a stored copy is used unasked, unless its options say otherwise."""
    policy = item.policy
    if policy.freshness is not None or policy.check_freshness:
        return item
    return replace(item, policy=replace(policy, freshness=Freshness.STORED))


def ask_server(item: Item) -> Item:
    """The same entry, for which the server is asked whether a stored copy is current."""
    policy = replace(item.policy, freshness=Freshness.ALWAYS, check_freshness=False)
    return replace(item, policy=policy)


def via_cache(item: Item, dest: DestInput, config: Config) -> Item:
    """The same entry, whose file in a folder comes from the cache, if there is one."""
    has_cache = config.path is not None or config.pkg is not None
    if not has_cache or not isinstance(path_text(dest), str) or item.policy.fills_from_cache:
        return item
    return replace(item, policy=replace(item.policy, via_cache=True))
