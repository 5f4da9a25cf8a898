"""The progress of downloads, as events for a display or for a caller's function.  Pure."""

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any, TypeAlias

from dlmachine.core.faults import Fault
from dlmachine.core.faults.base import FaultBase
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.outcome import Outcome


@frozen
class ProgressBase:
    """The base class of the events."""

    def to_dict(self) -> dict[str, Any]:
        """The event as JSON has it: its name, and its fields, durations in seconds.

        >>> DownloadAdvanced(index=0, done_bytes=1, total_bytes=None).to_dict()
        {'event': 'DownloadAdvanced', 'index': 0, 'done_bytes': 1, 'total_bytes': None}
        """
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            'event': type(self).__name__,
            **{name: _as_json(value) for name, value in values.items()},
        }


def _as_json(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.to_dict() if isinstance(value, (Outcome, FaultBase)) else value


@frozen
class BatchStarted(ProgressBase):
    """A batch begins; `total` is the number of its downloads, None if it is not known yet."""

    total: int | None


@frozen
class DownloadStarted(ProgressBase):
    """A download begins: `name` is that of the file in its URL, `url` the URL, masked.

    `index` is the position of the download in its batch; 0 for a single one.
    """

    index: int
    name: str
    url: str


@frozen
class DownloadAdvanced(ProgressBase):
    """A download has `done_bytes` of `total_bytes` now; the total is None if it is not known.

    Comes at the beginning of a body, and for each piece that is stored: up to 1 MiB, or what came
    within 0.2 s. A download that begins again has fewer bytes than before.
    """

    index: int
    done_bytes: int
    total_bytes: int | None


@frozen
class DownloadWaiting(ProgressBase):
    """A download begins to wait before the next attempt: for how long, and why."""

    index: int
    duration: timedelta
    reason: str


@frozen
class DownloadFinished(ProgressBase):
    """A download is done; the outcome says whether anything was transferred."""

    index: int
    outcome: Outcome


@frozen
class DownloadFailed(ProgressBase):
    """A download failed."""

    index: int
    fault: Fault


ProgressEvent: TypeAlias = (
    BatchStarted
    | DownloadStarted
    | DownloadAdvanced
    | DownloadWaiting
    | DownloadFinished
    | DownloadFailed
)
#: A function that is called with each event.
OnProgress: TypeAlias = Callable[[ProgressEvent], None]
