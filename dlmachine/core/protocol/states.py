"""The states of a run, as values.  Pure.

A state has all that is known in it, and no field that is set later; `machine.advance` gives the
next state. The name of a state says what is being done.
"""

from typing import TYPE_CHECKING, TypeAlias

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import MetadataUpdate
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.attempts import Attempts
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import AcquireLock, Effect, Exchange, ExchangeSegments
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.outcome import Outcome

if TYPE_CHECKING:  # A hit needs no repository.
    from dlmachine.core.sources.inquiry import Inquiry


@frozen
class CheckingCopy:
    """Checking that the chosen stored copy still exists, and has the expected checksum."""

    job: Job
    entry: CacheEntry


@frozen
class _JobState:
    """A state that needs nothing but its job."""

    job: Job


class ReadingChecksums(_JobState):
    """Reading a checksum file."""

    __slots__ = ()


@frozen
class ReadingSource:
    """Asking a data repository for the files of a record."""

    job: Job
    inquiry: 'Inquiry'


@frozen
class Locking:
    """Waiting for the lock."""

    job: Job
    lock: AcquireLock


class Observing(_JobState):
    """Observing again, with the lock held, or without it where locks do not work."""

    __slots__ = ()


class FillingCache(_JobState):
    """Downloading into the cache, from which a file at a path is then filled."""

    __slots__ = ()


class Opening(_JobState):
    """Opening a part."""

    __slots__ = ()


@frozen
class Authorizing:
    """Reading cookies or a secret, or logging in by a form.

    The secret is that of `auth`, or the password of the proxy.

    `refusal` is the fault to end with if the secret is the refused one again.
    """

    job: Job
    attempts: Attempts
    refusal: Fault | None = None


@frozen
class Exchanging:
    """Waiting for the response to a request."""

    job: Job
    attempts: Attempts
    exchange: Exchange


@frozen
class Segmenting:
    """Waiting for several segments; the `head` showed that the server supports ranges.

    `whole` is the body that all of them make.
    """

    job: Job
    attempts: Attempts
    exchange: Exchange
    head: ResponseHead
    asked: ExchangeSegments
    whole: StoreBody


@frozen
class Reassembling:
    """Reading the complete file, since all segments are in the part."""

    job: Job
    attempts: Attempts
    exchange: Exchange
    head: ResponseHead
    whole: StoreBody


@frozen
class Validating:
    """Running the caller's `validate`; the bytes in the part passed all other checks.

    `is_pieced` says that they are from several responses.
    """

    job: Job
    attempts: Attempts
    exchange: Exchange
    record: DownloadRecord
    is_pieced: bool = False


@frozen
class Waiting:
    """Waiting before the next round."""

    job: Job
    attempts: Attempts


@frozen
class KeepingChanged:
    """Moving a changed file out of the way."""

    job: Job
    record: DownloadRecord
    version: int


@frozen
class KeepingExisting:
    """Checking a file with the name of the new one, which is used instead of it.

    `record` is that of the new one; None if its body was not received.
    """

    job: Job
    record: DownloadRecord | None
    version: int
    outcome: Outcome


@frozen
class Publishing:
    """Publishing the checked bytes at their destination."""

    job: Job
    record: DownloadRecord
    version: int
    conflicts: int = 0


@frozen
class Recording:
    """Writing to the registry; `published` is the new file, `end` the result of the run."""

    job: Job
    update: MetadataUpdate
    end: Outcome | Fault
    published: str | None = None
    conflicts: int = 0
    keep_part: bool = False


@frozen
class RemovingVersions:
    """Removing earlier versions."""

    job: Job
    outcome: Outcome


@frozen
class Unpublishing:
    """Removing the published file, because it could not be recorded."""

    job: Job
    fault: Fault


@frozen
class FallingBack:
    """Checking that a stored copy still exists, to use it after a failure."""

    job: Job
    outcome: Outcome
    fault: Fault
    keep_part: bool = False


@frozen
class _Ending:
    """A state at the end of a run; `end` is its result."""

    job: Job
    end: Outcome | Fault


class Discarding(_Ending):
    """Closing the part."""

    __slots__ = ()


class Invalidating(_Ending):
    """Marking stored responses as invalid."""

    __slots__ = ()


class Releasing(_Ending):
    """Releasing the lock."""

    __slots__ = ()


@frozen
class Extracting:
    """Extracting the archive, which is downloaded and recorded."""

    job: Job
    outcome: Outcome


@frozen
class Finished:
    """The run succeeded."""

    outcome: Outcome


@frozen
class Failed:
    """The run failed."""

    fault: Fault


State: TypeAlias = (
    CheckingCopy | ReadingChecksums | ReadingSource | Locking | Observing | FillingCache | Opening
    | Authorizing | Exchanging | Segmenting | Reassembling | Validating | Waiting | KeepingChanged
    | KeepingExisting | Publishing | Recording | RemovingVersions | Unpublishing | FallingBack
    | Discarding | Invalidating | Releasing | Extracting | Finished | Failed
)  # fmt: skip


@frozen
class Step:
    """The next state, and the effect to perform in it, if any; `update` goes with `Record`."""

    state: State
    effect: Effect | None = None
    update: MetadataUpdate | None = None
