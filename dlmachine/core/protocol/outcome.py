"""Outcome: the result of a successful download.  Pure."""

from collections.abc import Mapping
from dataclasses import field, fields
from enum import Enum
from io import BytesIO
from typing import Any

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.effects import Effect
from dlmachine.core.protocol.events import Event
from dlmachine.core.protocol.redact_event import redact_step


class Origin(Enum):
    """The source of the bytes."""

    CACHE = 'cache'
    NETWORK = 'network'
    STALE = 'stale'


@frozen
class Outcome:
    """The file as a path or a buffer, its origin and its record.

    Exactly one of `path` and `buffer` is set. `reason` is why the cache or the network was used,
    `record` the record of the download (None for an entry that another program stored without
    one), `version` the version of the cache entry. `is_validated` says that the server confirmed
    that the stored copy is current. `story` lists each effect with its event, in order. If an
    existing copy was used because the download failed (`Origin.STALE`), `fault` is why it failed.
    """

    origin: Origin
    reason: str
    key: str
    path: str | None = None
    buffer: BytesIO | None = None
    version: int | None = None
    # `Any`, so that type checkers require no check for None if only dlmachine stores files.
    record: DownloadRecord | Any = None
    is_validated: bool = False
    tries: int = 0
    fault: Fault | None = None
    # Not in `repr`: the story has unredacted responses, in which a server may echo secrets.
    story: tuple[tuple[Effect, Event], ...] = field(default=(), repr=False)

    def __getstate__(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The state for pickle, which may be stored: all secrets in the story are masked."""
        shown = tuple(redact_step(effect, event) for effect, event in self.story)
        names = tuple(each.name for each in fields(self))
        values = tuple(shown if name == 'story' else getattr(self, name) for name in names)
        return values, getattr(self, '__dict__', {})

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about the content, for example that it is of another kind than its name says."""
        return () if self.record is None else self.record.notes

    @property
    def content(self) -> str | BytesIO:
        """The path, or the buffer: what `download` returns."""
        if self.path is not None:
            return self.path
        if self.buffer is not None:
            return self.buffer
        msg = 'an outcome has a path or a buffer'
        raise AssertionError(msg)
