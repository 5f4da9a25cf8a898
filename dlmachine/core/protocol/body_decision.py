"""Decisions about the body of a response: store it, skip it, or reject the response.  Pure."""

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from dlmachine.core.deprecation import renamed
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.integrity.representation import Promise, Representation


class SkipReason(Enum):
    """Why a body is not stored."""

    REDIRECT = 'a redirect'
    NOT_MODIFIED = 'not modified'
    SAME_COPY = 'the same as the stored copy'
    ERROR = 'an error'
    PROBE = 'a probe'
    NO_CONTENT = 'a response without content'


@frozen
class StoreBody:
    """Write the body into the part, beginning at `offset`.

    `wire_bytes` is the Content-Length (None: unknown), `limit_bytes` the maximum size of the file,
    `decoder` the content coding to decode. To resume later, `validator` is the strong validator of
    the received representation, `url_digest` the digest of the URL that issued it, and
    `representation` what is known of the complete file. `promises` are the digests that servers
    announced for it (as `Representation.promised`), `algorithms` the digests to compute besides
    SHA-256; `checks_gzip` checks that the file is one valid gzip stream.

    `new_path` is where the file will be published, if only a new file may have that path: another
    file there is a reason to refuse the body.

    If `whole_bytes` is set, the body is a range of a file of that size, and the `held` spans that
    the part has after it are kept.
    """

    offset: int = 0
    wire_bytes: int | None = None
    limit_bytes: int | None = None
    decoder: str | None = None
    validator: str | None = None
    url_digest: str = ''
    representation: Representation = Representation()
    promises: tuple[Promise, ...] = ()
    algorithms: tuple[str, ...] = ()
    checks_gzip: bool = False
    whole_bytes: int | None = None
    held: Spans = ()
    new_path: str = ''


@frozen(kw_only=False)
class SkipBody:
    """The response is useful without its body."""

    why: SkipReason


@frozen(kw_only=False)
class RejectResponse:
    """The response cannot be used, for this fault."""

    fault: Fault


BodyDecision: TypeAlias = StoreBody | SkipBody | RejectResponse

if not TYPE_CHECKING:  # Type checkers would accept any name.
    __getattr__ = renamed(
        globals(),
        LeaveBody='SkipBody',
        Left='SkipReason',
        RefuseBody='RejectResponse',
        TakeBody='StoreBody',
    )
