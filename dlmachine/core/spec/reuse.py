"""Whether and how a copy that is there already is used, and what is extracted from it.

Pure. A copy is an entry of the cache, or the recorded file at a path.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from dlmachine.core.frozen import frozen
from dlmachine.core.text.durations import parse_duration, show_duration

if TYPE_CHECKING:  # Most downloads are not extracted.
    from dlmachine.core.archives.extraction import ExtractionLimits, Selection


class Freshness(Enum):
    """How long a stored copy is used without asking the server, by name.

    `STORED`: for ever, which is the default in the cache. `ALWAYS`: never, which is the default at
    a path; one conditional request is sent (RFC 9110 section 13), and a copy that is current is not
    transferred again. `HTTP`: as long as the server and the request say, by the rules of RFC 9111
    for a private cache.
    """

    STORED = 'stored'
    ALWAYS = 'always'
    HTTP = 'http'


#: How long a stored copy is used without asking the server; a duration counts from the download,
#: or from when the server last confirmed the copy.
FreshnessRule: TypeAlias = Freshness | timedelta


class IfExists(Enum):
    """What happens to a file at the destination that is not recorded as this download.

    `REPLACE`: it is replaced, which is the default if the caller named the path. `REFUSE`: it stays
    and the download fails, which is the default if the URL or the server named the file. `KEEP`: it
    is used as it is, unless it is empty; a file that is recorded is then used without a request,
    too, unless a freshness is given.
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


#: Not found, and gone (RFC 9110 sections 15.5.5 and 15.5.11).
MISSING: Final = (404, 410)
_DAY: Final = 86_400


@frozen
class RememberMissing:
    """How long a file that no server has is not asked for again, and by which statuses.

    >>> print(RememberMissing(lasts=timedelta(days=7)))
    7d
    >>> print(RememberMissing(lasts=timedelta(hours=36), statuses=(403, 404)))
    129600s for 403, 404
    """

    lasts: timedelta
    statuses: tuple[int, ...] = MISSING

    def __str__(self) -> str:
        """The text that the option has."""
        seconds = self.lasts.total_seconds()
        shown = f'{self.lasts.days}d' if seconds % _DAY == 0 else f'{seconds:g}s'
        listed = ', '.join(map(str, self.statuses))
        return shown if self.statuses == MISSING else f'{shown} for {listed}'


def parse_remember_missing(value: object) -> RememberMissing | None:
    """The value from a duration, from a text, or from a mapping; None if it is not one.

    >>> print(parse_remember_missing('7d'), '|', parse_remember_missing('12h for 403, 404'))
    7d | 43200s for 403, 404
    >>> print(parse_remember_missing({'for': '7d', 'statuses': [404]}))
    7d for 404
    """
    lasts, statuses = value, object()
    if isinstance(value, RememberMissing):
        lasts, statuses = value.lasts, value.statuses
    elif isinstance(value, Mapping) and value.keys() <= {'for', 'statuses'}:
        lasts, statuses = value.get('for'), value.get('statuses', MISSING)
    elif isinstance(value, str):
        lasts, is_listed, listed = value.partition(' for ')
        statuses = listed.split(',') if is_listed else MISSING
    elif isinstance(value, timedelta):
        statuses = MISSING
    if isinstance(lasts, str):
        lasts = parse_duration(lasts)
    if not isinstance(lasts, timedelta) or not isinstance(statuses, (list, tuple)):
        return None
    numbers = tuple(dict.fromkeys(_read_status(status) for status in statuses))
    is_valid = numbers and None not in numbers and lasts > timedelta(0)
    return RememberMissing(lasts=lasts, statuses=numbers) if is_valid else None  # type: ignore[arg-type]


def _read_status(value: object) -> int | None:
    text = str(value).strip()
    return int(text) if re.fullmatch('[45][0-9]{2}', text) else None


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
    """The times between which a version must have been stored, exclusive; both with a zone.

    An end may also be an age, which `at` turns into a time before the window is used.
    """

    newer_than: datetime | timedelta | None = None
    older_than: datetime | timedelta | None = None

    def at(self, now: datetime) -> 'Window':
        """The same window with times for ages, seen from a time.

        A version that is as old as `newer_than` allows is in it, so that 0 asks for a new one.

        >>> week = Window(newer_than=timedelta(days=7))
        >>> print(week.at(datetime(2024, 5, 8, tzinfo=UTC)))
        newer than 2024-04-30T23:59:59.999999+00:00
        """
        return Window(
            newer_than=_time_of(self.newer_than, now - timedelta.resolution),
            older_than=_time_of(self.older_than, now),
        )

    def holds(self, at: datetime) -> bool:
        """Whether a time is in the window, which has no ages."""
        return (self.newer_than is None or at > self.newer_than) and (  # type: ignore[operator]
            self.older_than is None or at < self.older_than  # type: ignore[operator]
        )

    def __str__(self) -> str:
        """The window in words, for messages."""
        ends = (('newer than', self.newer_than), ('older than', self.older_than))
        shown = (f'{word} {_show_end(end)}' for word, end in ends if end is not None)
        return ' and '.join(shown) or 'of any date'


#: The window of a policy that does not ask for one.
ANY_TIME: Final = Window()


def _time_of(end: datetime | timedelta | None, now: datetime) -> datetime | None:
    if not isinstance(end, timedelta):
        return end
    try:
        return now - end
    except OverflowError:  # Longer ago than any date.
        return datetime.min.replace(tzinfo=UTC)


def _show_end(end: datetime | timedelta) -> str:
    return show_duration(end.total_seconds()) if isinstance(end, timedelta) else end.isoformat()


@frozen
class Extract:
    """How a download is extracted, with the keywords of `dlmachine.extract`.

    `into` is the folder, or empty for one that is named after the archive. With `deep` the files
    that are there already are compared by their digests, otherwise by size and time of change.

    >>> print(Extract(into='tables', members=('*.tsv',), strip=1))
    into tables, members *.tsv, strip 1
    """

    into: str = ''
    members: tuple[str, ...] | None = None
    strip: int = 0
    max_members: int = 100_000
    max_extracted_bytes: int | None = None
    max_ratio: int = 1_000
    deep: bool = False

    @property
    def selection(self) -> 'Selection':
        """Which members, and how many folders are taken off."""
        from dlmachine.core.archives.extraction import Selection

        return Selection(members=self.members, strip=self.strip)

    @property
    def limits(self) -> 'ExtractionLimits':
        """The limits against archives that would fill the disk."""
        from dlmachine.core.archives.extraction import ExtractionLimits

        return ExtractionLimits(
            max_members=self.max_members,
            max_extracted_bytes=self.max_extracted_bytes,
            max_ratio=self.max_ratio,
        )

    def __str__(self) -> str:
        """The folder and the members, for users."""
        texts = (
            f'into {self.into}' if self.into else 'into a folder named after the archive',
            '' if self.members is None else f'members {" ".join(self.members)}',
            f'strip {self.strip}' if self.strip else '',
        )
        return ', '.join(filter(None, texts))


@frozen
class ExtractArchive:
    """Extract an archive into a folder, unless its files are there.  `ArchiveExtracted`.

    `name` tells how it is packed if its bytes do not, `source` is the URL or the path for the
    record. `sha256` is the digest that the archive had at its modification time `mtime_ns`; empty:
    it is not known. `patience` is the wait for another extraction into the same folder.
    """

    archive: str
    name: str
    source: str
    sha256: str = ''
    mtime_ns: int | None = None
    folder: str
    wanted: Extract
    patience: timedelta


@frozen
class Extracted:
    """The files of an archive in a folder.

    `files` are their paths, in the order of the archive, symbolic links included. `restored` are
    those that this call has written: all of them, none, or those that were missing or changed.
    """

    folder: str
    files: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it."""
        return {'folder': self.folder, 'files': [*self.files], 'restored': [*self.restored]}
