"""Outcome: the result of a successful download.  Pure."""

from collections.abc import Mapping
from dataclasses import field, fields
from datetime import timedelta
from enum import Enum
from io import BytesIO
from typing import Any, Final, TypeAlias

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.caching.cache_status import CacheStatus, Forward
from dlmachine.core.caching.freshness import Assessment
from dlmachine.core.caching.storing import storable_fields
from dlmachine.core.decision.verdict import Reason
from dlmachine.core.faults import Fault, HttpStatus
from dlmachine.core.frozen import frozen
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import KEPT_METHODS
from dlmachine.core.protocol.effects import Effect
from dlmachine.core.protocol.events import Event
from dlmachine.core.protocol.redact_event import redact_step
from dlmachine.core.spec.reuse import Extract, ExtractArchive, Extracted


class Origin(Enum):
    """The source of the bytes."""

    CACHE = 'cache'
    NETWORK = 'network'
    STALE = 'stale'


#: Why a request went to the server, by the reason of the decision; otherwise nothing was stored.
_FORWARDED: Final = {
    Reason.FORCED.value: Forward.REQUEST,
    Reason.MEMORY.value: Forward.BYPASS,
    Reason.NOT_REUSABLE.value: Forward.VARY_MISS,
    Reason.PART_LEFT.value: Forward.PARTIAL,
    Reason.STALE.value: Forward.STALE,
    Reason.CHECK_ASKED.value: Forward.REQUEST,
    Reason.CHECK_AT_PATH.value: Forward.REQUEST,
}


@frozen
class Outcome:
    """The file as a path or a buffer, its origin and its record.

    Exactly one of `path` and `buffer` is set. `reason` is why the cache or the network was used,
    `record` the record of the download (None for an entry that another program stored without
    one), `version` the version of the cache entry. `is_validated` says that the server confirmed
    that the stored copy is current. `story` lists each effect with its event, in order. If an
    existing copy was used because the download failed (`Origin.STALE`), `fault` is why it failed;
    with `any_status`, it is the response with an error status.
    `assessment` is the age and the lifetime of a stored copy, if they decided that it is used.
    `is_not_modified` says that a copy answered the caller's own condition with 304. `extracted` are
    the files of the archive, if the option `extract` was set.
    """

    origin: Origin
    reason: str
    key: str
    path: str | None = None
    buffer: BytesIO | None = None
    version: int | None = None
    # `Any`, so that type checkers require no check for None if only dlmachine stores files.
    record: DownloadRecord | Any = field(default=None, repr=False)
    is_validated: bool = False
    tries: int = 0
    fault: Fault | None = None
    assessment: Assessment | None = None
    is_not_modified: bool = False
    extracted: Extracted | Any = None
    # Not in `repr`: the story has unredacted responses, in which a server may echo secrets.
    story: tuple[tuple[Effect, Event], ...] = field(default=(), repr=False)

    def __getstate__(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The state for pickle, which may be stored: all secrets in the story are masked."""
        shown = tuple(redact_step(effect, event) for effect, event in self.story)
        names = tuple(each.name for each in fields(self))
        values = tuple(shown if name == 'story' else getattr(self, name) for name in names)
        return values, getattr(self, '__dict__', {})

    @property
    def status(self) -> int:
        """The status of the response that the content is from; 0 if none is on record."""
        if self.origin is Origin.NETWORK and isinstance(self.fault, HttpStatus):
            return self.fault.status
        if self.is_not_modified:
            return 304
        return 0 if self.record is None else int(self.record.http_code)

    @property
    def headers(self) -> Headers:
        """The fields of the response, secrets masked.

        Those of a stored copy are without the fields of the connection, and have its Age (RFC 9111
        section 5.1), if that decided.
        """
        if self.origin is Origin.NETWORK and isinstance(self.fault, HttpStatus):
            return Headers(self.fault.headers)
        found = Headers(() if self.record is None else self.record.response_headers)
        if self.origin is Origin.NETWORK:
            return found
        found = storable_fields(found)
        if self.assessment is None or self.is_validated:
            return found
        return found.with_field('Age', str(self.assessment.age))

    @property
    def cache_status(self) -> CacheStatus:
        """How the cache handled the request, in the words of RFC 9211."""
        if self.origin is Origin.NETWORK:
            forward = _FORWARDED.get(self.reason, Forward.URI_MISS)
            if self.record is not None and self.record.method not in KEPT_METHODS:
                forward = Forward.METHOD
            is_stored = self.version is not None
            return CacheStatus(forward=forward, forward_status=self.status, is_stored=is_stored)
        if self.is_validated:
            is_fresh = self.assessment is not None and self.assessment.is_fresh
            forward = Forward.REQUEST if is_fresh else Forward.STALE
            return CacheStatus(forward=forward, is_stored=True)
        fault = self.fault
        if self.origin is Origin.STALE:
            status = fault.status if isinstance(fault, HttpStatus) else None
            return CacheStatus(forward=Forward.STALE, forward_status=status)
        ttl = None if self.assessment is None else self.assessment.fresh_for
        return CacheStatus(ttl=ttl)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about the content, for example that it is of another kind than its name says."""
        return () if self.record is None else self.record.notes

    def to_dict(self) -> dict[str, Any]:
        """The outcome as JSON has it: a `path` of None stands for bytes in memory."""
        record, folder = self.record, self.extracted
        return {
            'path': self.path,
            'origin': self.origin.value,
            'reason': self.reason,
            'version': self.version,
            'size': None if record is None else record.size_bytes,
            'sha256': None if record is None else record.sha256,
            'notes': list(self.notes),
            'extracted': None if folder is None else folder.to_dict(),
            'tries': self.tries,
            'fault': None if self.fault is None else self.fault.to_dict(),
        }

    @property
    def content(self) -> str | BytesIO:
        """The folder of the extracted files, the path, or the buffer: what `download` returns."""
        if self.extracted is not None:
            return self.extracted.folder
        if self.path is not None:
            return self.path
        if self.buffer is not None:
            return self.buffer
        msg = 'an outcome has a path or a buffer'
        raise AssertionError(msg)


def extraction_of(outcome: Outcome, wanted: Extract, patience: timedelta) -> ExtractArchive:
    """The effect that extracts a downloaded file; it has a path."""
    from dlmachine.core.archives.extracted_folder import name_folder

    path, record = str(outcome.path), outcome.record
    cache = '' if outcome.version is None else path.rpartition('/')[0]
    name = ('' if record is None else record.filename) or path.rpartition('/')[2]
    return ExtractArchive(
        archive=path,
        name=name,
        source=path if record is None else record.url,
        sha256='' if record is None else record.sha256,
        mtime_ns=None if record is None else record.mtime_ns,
        folder=wanted.into.rstrip('/')
        or wanted.into
        or name_folder(path, wanted.selection, name, cache),
        wanted=wanted,
        patience=patience,
    )


#: How a run ends.
Ending: TypeAlias = Outcome | Fault
