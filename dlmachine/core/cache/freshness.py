"""The choice of a stored version, whether it is fresh, and the condition for revalidating it.

Pure. A stored copy is used without a check unless the policy requires one. A check is one
conditional GET (RFC 9110 section 13), without a HEAD before it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.caching.freshness import MAX_SKEW, Assessment, assess_copy
from dlmachine.core.frozen import frozen
from dlmachine.core.http.validators import parse_etag, parse_http_date
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import CheckMethod, Window


def choose_version(
    entries: Iterable[CacheEntry],
    policy: Policy,
    window: Window | None = None,
    *,
    now: datetime | None = None,
) -> CacheEntry | None:
    """The newest usable version in the window, by default that of the policy; None without one.

    A version whose record has another digest than the requested one, or whose size is outside
    `min_bytes` and `max_bytes`, is not usable. One that was stored later than `now`, before the
    clock was set back, counts as older than all others. Of dates within a minute, which may be of
    different clocks, the numbers of the versions tell which is newer.
    """
    window, newest = window or policy.window, None
    for entry in entries:
        if (
            entry.is_usable
            and window.holds(entry.stored_at)
            and _is_wanted(entry, policy)
            and (newest is None or _is_newer(entry, newest, now))
        ):
            newest = entry
    return newest


def assess_entry(entry: CacheEntry, lasts: timedelta, now: datetime) -> Assessment:
    """How fresh a stored copy is if it is so for this long.

    Its age counts from when the server last confirmed it, else from when it was stored.
    """
    record = entry.record
    confirmed = None if record is None else record.validated_at
    return assess_copy(confirmed or entry.stored_at, lasts, now)


def _is_newer(entry: CacheEntry, other: CacheEntry, now: datetime | None) -> bool:
    one, two = _rank(entry, now), _rank(other, now)
    apart = abs((entry.stored_at - other.stored_at).total_seconds())
    if entry.is_own and other.is_own and one[0] == two[0] and apart <= MAX_SKEW:
        return entry.version > other.version
    return one > two


def _rank(entry: CacheEntry, now: datetime | None) -> tuple[bool, datetime, bool, int]:
    is_possible = now is None or (entry.stored_at - now).total_seconds() <= MAX_SKEW
    return is_possible, entry.stored_at, entry.is_own, entry.version


def _is_wanted(entry: CacheEntry, policy: Policy) -> bool:
    size, least, most = entry.file_bytes or 0, policy.min_bytes, policy.max_bytes
    if (least is not None and size < least) or (most is not None and size > most):
        return False
    checksum = policy.checksum
    return checksum is None or recorded_digest(entry.record, checksum) in {None, checksum.hex}


def must_read(entry: CacheEntry, checksum: Checksum | None) -> Checksum | None:
    """The digest to verify in a stored copy before use; None if no check is needed.

    The expected checksum if the record does not have it; otherwise the recorded digest if the
    modification time of the file has changed.
    """
    if checksum is not None and recorded_digest(entry.record, checksum) is None:
        return checksum
    record = None if entry.is_as_recorded else entry.record
    return None if record is None else Checksum('sha256', record.sha256)


def recorded_digest(record: DownloadRecord | None, checksum: Checksum | None) -> str | None:
    """The recorded digest by the algorithm of the checksum; None if it is not recorded."""
    if record is None or checksum is None:
        return None
    return {**dict(record.digests), 'sha256': record.sha256}.get(checksum.algorithm)


@frozen
class Condition:
    """The condition of a request that revalidates a stored copy.

    `headers` are sent; the response is compared with the other fields. If all are empty, the file
    is downloaded and compared by its digest.
    """

    headers: tuple[tuple[str, str], ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    size_bytes: int | None = None


def build_condition(entry: CacheEntry, method: CheckMethod) -> Condition:
    """The condition for a stored copy by a method, which is never replaced by a weaker one.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> seen = DownloadRecord(
    ...     url='http://h/', started_at=at, finished_at=at, size_bytes=3, sha256='ab', etag='"v1"'
    ... )
    >>> stored = CacheEntry(
    ...     version=1, status=3, stored_at=at, path='p', file_bytes=3, size_bytes=3, record=seen
    ... )
    >>> build_condition(stored, CheckMethod.AUTO).headers
    (('If-None-Match', '"v1"'),)
    >>> build_condition(stored, CheckMethod.HASH).headers
    ()
    """
    record, size = entry.record, entry.file_bytes
    if method is CheckMethod.SIZE:
        return Condition(size_bytes=size)
    if record is None or method is CheckMethod.HASH:
        return Condition()
    etag = parse_etag(record.etag) if method is not CheckMethod.MODIFIED else None
    modified = record.last_modified if method is not CheckMethod.ETAG else None
    modified = modified if parse_http_date(modified) else None
    headers = (('If-None-Match', etag), ('If-Modified-Since', modified))
    sent = tuple((name, value) for name, value in headers if value is not None)
    if not sent:
        return Condition()
    return Condition(headers=sent, etag=etag, last_modified=modified, size_bytes=size)
