"""Whether and how a copy that is there already is used.

Pure. A copy is an entry of the cache, or the recorded file at a path.
"""

from datetime import datetime
from enum import Enum

from dlmachine.core.frozen import frozen


class Freshness(Enum):
    """How long a stored copy is used without asking the server.

    `STORED`: for ever, which is the default in the cache. `ALWAYS`: never, which is the default at
    a path; one conditional request is sent (RFC 9110 section 13), and a copy that is current is not
    transferred again.
    """

    STORED = 'stored'
    ALWAYS = 'always'


class IfExists(Enum):
    """What happens to a file at the destination that is not recorded as this download.

    `REPLACE`: it is replaced, which is the default if the caller named the path. `REFUSE`: it stays
    and the download fails, which is the default if the URL or the server named the file. `KEEP`: it
    is used as it is, unless it is empty.
    """

    REPLACE = 'replace'
    REFUSE = 'refuse'
    KEEP = 'keep'


class Link(Enum):
    """How a file at a path is linked to the cache: as another name, or as a symbolic link."""

    HARD = 'hard'
    SYMBOLIC = 'symbolic'


class FileTime(Enum):
    """Which modification time a file gets: `SERVER` is that of Last-Modified."""

    SERVER = 'server'


class CheckMethod(Enum):
    """How a stored copy is compared with the file on the server.

    `AUTO`: by the recorded validators, or without them by the digest of a new download.
    """

    AUTO = 'auto'
    ETAG = 'etag'
    MODIFIED = 'modified'
    SIZE = 'size'
    HASH = 'hash'


@frozen
class Window:
    """The times between which a version must have been stored, exclusive; both with a zone."""

    newer_than: datetime | None = None
    older_than: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether a time is in the window."""
        return (self.newer_than is None or at > self.newer_than) and (
            self.older_than is None or at < self.older_than
        )

    def __str__(self) -> str:
        """The window in words, for messages."""
        ends = (('newer than', self.newer_than), ('older than', self.older_than))
        return (
            ' and '.join(f'{word} {end.isoformat()}' for word, end in ends if end) or 'of any date'
        )
