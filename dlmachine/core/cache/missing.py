"""Remembered misses: files that no server had when it was asked.

Pure. A miss replaces a download only; a stored copy is still checked with the server.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from dlmachine.core.frozen import frozen


@frozen
class Miss:
    """A download that failed because the file is missing.

    `url` is the masked URL, `status` the last answer, `at` when it was given, and `until` when the
    miss ends for all, however long a later policy would remember it. `sources` stands for all URLs
    that were asked.
    """

    key: str
    url: str
    status: int
    at: datetime
    until: datetime
    sources: str = ''

    def ends_at(self, lasts: timedelta) -> datetime:
        """When it ends for a policy that remembers so long: the earlier of both ends.

        >>> from datetime import UTC
        >>> at = datetime(2024, 5, 1, tzinfo=UTC)
        >>> miss = Miss(key='', url='', status=404, at=at, until=at + timedelta(days=7))
        >>> miss.ends_at(timedelta(days=1)).day, miss.ends_at(timedelta(days=30)).day
        (2, 8)
        """
        return end_of(self.at, min(lasts, self.until - self.at))

    def holds(self, lasts: timedelta, now: datetime) -> bool:
        """Whether it still holds; one from the future does not, because a clock was set back."""
        return self.at <= now < self.ends_at(lasts)


def sources_of(addresses: Iterable[str]) -> str:
    """What stands for a set of URLs, secrets and all: a digest."""
    return sha256('\n'.join(sorted(addresses)).encode('utf-8', 'surrogateescape')).hexdigest()


def end_of(at: datetime, lasts: timedelta) -> datetime:
    """The end of a duration; the last time that there is if it would end later."""
    try:
        return at + lasts
    except OverflowError:
        return datetime.max.replace(tzinfo=at.tzinfo)
