"""The decision how to obtain a file, as a value.

Pure.
"""

from enum import Enum

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.caching.freshness import Assessment
from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.frozen import frozen
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.secrets.secret_names import SecretNames
from dlmachine.core.sources.address import Source
from dlmachine.core.spec.destination import Destination
from dlmachine.core.spec.key_names import without_parameters


class Verdict(Enum):
    """The ways to obtain a file."""

    USE_CACHED = 'use cached'
    REVALIDATE = 'revalidate'
    FETCH = 'fetch'
    RESUME = 'resume'


class Reason(Enum):
    """The reason for a verdict; the value is the text that users read.

    Stored plans contain the values: add a changed one to `plan.former_names`.
    """

    STORED = 'the cache has a usable version'
    STORED_MEANWHILE = 'another download stored a version while this one waited'
    OFFLINE = 'offline: the newest stored version is used without a check'
    FRESH = 'the stored copy is fresh'
    STALE = 'the stored copy is stale: check whether it is current'
    NOT_REUSABLE = 'by the rules of HTTP no stored copy answers this request'
    CHECK_ASKED = 'freshness is always: check whether the stored version is current'
    FORCED = 'force_download is set'
    NOT_STORED = 'the file is not in the cache'
    NONE_USABLE = 'no stored version is complete and within the allowed dates and sizes'
    CHANGED = 'the stored file has changed: it is used if it has the recorded digest'
    RESIZED = 'the stored file has changed: its size differs from the recorded size'
    SAME_CONTENT = 'an entry of the cache has the expected checksum'
    EARLIER_KEY = 'an entry of the cache is of the same URL, but for parameters that do not count'
    RECORDED = 'the file is recorded for this download, and unchanged'
    CHECK_AT_PATH = 'the file is recorded: check whether it is current'
    FITS = 'the file there is not recorded: it is used if it has the expected checksum'
    KEPT = 'a file is there, and if_exists is keep'
    REPLACED = 'the file there is not recorded for this download: it is replaced'
    PATH_GIVEN = 'the destination is a path'
    MEMORY = 'the destination is memory'
    PART_LEFT = 'an earlier download of this file can be resumed'


@frozen
class Address:
    """One URL to request, and the backend for its scheme.

    `ignored` are the query parameters that count neither in the cache key nor for a part.
    """

    url: str
    backend: str
    secret_names: SecretNames = ()
    ignored: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The digest of the URL in the note of a part."""
        return url_digest(without_parameters(self.url, self.ignored))

    def __repr__(self) -> str:
        """Show the URL with secrets masked, and the backend."""
        return f'Address({redact_url(self.url, self.secret_names)!r}, {self.backend!r})'


@frozen(kw_only=False)
class Decision:
    """A verdict with its reason, and the values for carrying it out.

    `entry` is the stored copy to use or to revalidate, `addresses` are the URLs to request in
    this order, `part` the part to resume, `notes` remarks for the user. `arithmetic` says in words
    how fresh the copy is, and `assessment` in numbers, if that decided. `source` is the record
    whose files its repository must list before the URL is known.
    """

    verdict: Verdict
    reason: Reason
    destination: Destination
    entry: CacheEntry | None = None
    addresses: tuple[Address, ...] = ()
    part: PartSeen | None = None
    notes: tuple[str, ...] = ()
    arithmetic: str = ''
    assessment: Assessment | None = None
    source: Source | None = None

    @property
    def is_of_other_key(self) -> bool:
        """Whether the stored copy is an entry of another key, to be recorded under this one."""
        return self.reason is Reason.SAME_CONTENT or self.reason is Reason.EARLIER_KEY
