"""Which entries of a cache a pin is about."""

from collections.abc import Iterable
from pathlib import PurePath

from dlmachine.core.cache.key import cache_key
from dlmachine.core.faults import InvalidInput
from dlmachine.core.faults.printing import printable
from dlmachine.core.maintenance.findings import ENTRY_NAME
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.errors import error_for
from dlmachine.keeping.pruning import touching
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.naming import item_id_of
from dlmachine_adapters.keeping.pins import known_items, pin, unpin


def change_pins(
    registry: Registry, named: Iterable[tuple[object, str]], *, is_pinned: bool
) -> list[str]:
    """Pin or unpin entries, each given by its name and its item id; the item ids.

    Raises: RequestError for one that is not in the cache; LocalError.
    """
    found = list(named)
    with touching(registry):
        items = [item for _, item in found]
        unknown = set(items) - known_items(registry, items)
        if not unknown and is_pinned:
            unknown |= pin(registry, items)
        elif not unknown:
            unpin(registry, items)
    for name, item in found:
        if item in unknown:
            raise error_for(not_stored(name))
    return items


def not_stored(name: object) -> InvalidInput:
    """The fault for a URL or a file that is not in the cache."""
    shown = printable(redact_url(name) if isinstance(name, str) else str(name))
    advice = 'Download it first; dlmachine cache ls shows what is stored'
    return InvalidInput(where=shown, problem='is not in the cache', advice=advice)


def item_of_file(path: str) -> str:
    """The item id of the entry whose file has this path; empty if its name is not that of one."""
    found = ENTRY_NAME.fullmatch(PurePath(path).name)
    return '' if found is None else found['version_id'].partition('-')[0]


def item_of_request(descriptor: Descriptor) -> str:
    """The item id of the entry of a request."""
    return item_id_of(cache_key(descriptor))
