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
    """Where the bytes came from."""

    CACHE = 'cache'
    NETWORK = 'network'
    STALE = 'stale'


@frozen
class Outcome:
    """The bytes, and how they were come by.

    Exactly one of `path` and `buffer` is set. `reason` says why it went that way, `record`
    what is known of the bytes (None for an entry that another program stored without
    saying), `version` which version of the cache entry it is. `is_validated` tells that the
    server was asked and said that the stored copy is current. `story` is each effect with
    the event that resulted, in order. Where a copy stands in for a new one that could not
    be had (`Origin.STALE`), `fault` is why.
    """

    origin: Origin
    reason: str
    key: str
    path: str | None = None
    buffer: BytesIO | None = None
    version: int | None = None
    # `Any`, so that checkers ask for no test where only dlmachine stores files.
    record: DownloadRecord | Any = None
    is_validated: bool = False
    tries: int = 0
    fault: Fault | None = None
    # Not for `repr`: answers are in it as they came, with whatever a server echoed.
    story: tuple[tuple[Effect, Event], ...] = field(default=(), repr=False)

    def __getstate__(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """For a pickle, which may be stored: the story's requests with every secret masked."""
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
