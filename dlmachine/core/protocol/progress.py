"""The progress of downloads, as events for a display or for a caller's function.  Pure."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.outcome import Outcome


@frozen
class BatchStarted:
    """A batch begins; `total` is the number of its downloads, None if it is not known yet."""

    total: int | None


@frozen
class DownloadStarted:
    """A download begins: `name` is that of the file in its URL, `url` the URL, masked.

    `index` is the position of the download in its batch; 0 for a single one.
    """

    index: int
    name: str
    url: str


@frozen
class DownloadAdvanced:
    """A download has `done_bytes` of `total_bytes` now; the total is None if it is not known.

    Comes at the beginning of a body, and for each piece that is stored: up to 1 MiB, or what came
    within 0.2 s. A download that begins again has fewer bytes than before.
    """

    index: int
    done_bytes: int
    total_bytes: int | None


@frozen
class DownloadWaiting:
    """A download begins to wait before the next attempt: for how long, and why."""

    index: int
    duration: timedelta
    reason: str


@frozen
class DownloadFinished:
    """A download is done; the outcome says whether anything was transferred."""

    index: int
    outcome: Outcome


@frozen
class DownloadFailed:
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
