"""Entries of other cache keys whose bytes are those that a download would bring.

Pure. With a checksum, an entry with that content is used, from any URL. Without one, an entry is
the same download if its URL differs only in query parameters that do not count in the key: it was
stored before they were left out.
"""

from collections.abc import Iterable, Sequence

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.freshness import choose_version, recorded_digest
from dlmachine.core.cache.key import identifying_headers, shown_url
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen
from dlmachine.core.http.body import NoBody
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import DEFAULT_FIELDS
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.secrets.redact import MASK
from dlmachine.core.secrets.secret_names import is_secret_name
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Auto, ToMemory
from dlmachine.core.spec.key_names import without_parameters
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness

#: The methods whose response depends on nothing but the request.
_METHODS = frozenset({'GET', 'POST'})


@frozen
class OthersWanted:
    """What to search for: entries with a checksum, and those of a masked URL with a query.

    `but_key` is the key of the download, whose own entries are not searched for; empty for a file
    at a path, for which they count as well.
    """

    checksum: Checksum | None = None
    url: str = ''
    but_key: str = ''

    def may_be(self, record: DownloadRecord) -> bool:
        """Whether an entry with this record is searched for."""
        digest = recorded_digest(record, self.checksum)
        is_same = self.checksum is not None and digest == self.checksum.hex
        return is_same or bool(self.url and record.url.startswith(f'{self.url}?'))


def others_wanted(descriptor: Descriptor, policy: Policy, key: str) -> OthersWanted | None:
    """What to search for if no copy of the download itself is used; None for nothing."""
    if policy.checksum is None and not descriptor.key_ignores_query:
        return None  # As for most downloads.
    if policy.force_download or descriptor.method not in _METHODS:
        return None
    is_at_path = not isinstance(policy.dest, Auto)
    if isinstance(policy.dest, ToMemory) or (is_at_path and policy.fills_from_cache):
        return None
    if policy.freshness_rule(is_at_path=is_at_path) is Freshness.ALWAYS:
        return None
    is_bare = isinstance(descriptor.body, NoBody)
    is_renamed = descriptor.key_ignores_query and is_bare and not is_at_path
    url = shown_url(descriptor).partition('?')[0] if is_renamed else ''
    if policy.checksum is None and not url:
        return None
    return OthersWanted(checksum=policy.checksum, url=url, but_key='' if is_at_path else key)


def choose_by_content(others: Iterable[CacheEntry], policy: Policy) -> CacheEntry | None:
    """The newest entry with the expected checksum; None without one."""
    checksum = policy.checksum
    if checksum is None:
        return None
    fitting = (one for one in others if recorded_digest(one.record, checksum) == checksum.hex)
    return choose_version((one for one in fitting if not one.has_changed), policy)


def choose_by_url(
    others: Iterable[CacheEntry], descriptor: Descriptor, policy: Policy
) -> CacheEntry | None:
    """The newest entry of a request that differs in parameters that do not count only, or None.

    Secrets are masked in a record, so a request with other secrets than those has no such entry.
    """
    sent = descriptor.headers.with_defaults(*DEFAULT_FIELDS)
    wanted = identifying_headers(sent, descriptor.key_without)
    url = without_parameters(shown_url(descriptor), descriptor.key_ignores_query)
    if MASK in url or any(is_secret_name(name, descriptor.secret_names) for name, _ in wanted):
        return None
    same = (one for one in others if not one.has_changed and _is_same(one, descriptor, url, wanted))
    return choose_version(same, policy)


def _is_same(
    entry: CacheEntry, descriptor: Descriptor, url: str, wanted: Sequence[list[str]]
) -> bool:
    record = entry.record
    if record is None or record.method != descriptor.method or record.body_kind is not None:
        return False
    if without_parameters(record.url, descriptor.key_ignores_query) != url:
        return False
    return identifying_headers(Headers(record.request_headers), descriptor.key_without) == wanted
