"""Decisions about the body of a response: store it, skip it, or reject the response.  Pure."""

from enum import Enum
from typing import TypeAlias

from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.integrity.representation import Said


class Left(Enum):
    """Why a body is left unread."""

    REDIRECT = 'a redirect'
    NOT_MODIFIED = 'not modified'
    SAME_COPY = 'the same as the stored copy'
    ERROR = 'an error'


@frozen
class TakeBody:
    """Write the body into the part from `offset` on.

    `wire_bytes` is the length that the server promised (None: it did not), `limit_bytes`
    the most that the whole may have, `decoder` the coding to undo, `validator` the strong
    validator of what is received, for going on after an interruption at `address`, and `said`
    what is known of the whole. `algorithms` are the digests to compute besides SHA-256;
    `checks_gzip` asks whether the whole is one sound gzip stream.

    Where `whole_bytes` is set, the body is a range of a whole of that size: what the part
    holds in the `held` spans behind it stays.
    """

    offset: int = 0
    wire_bytes: int | None = None
    limit_bytes: int | None = None
    decoder: str | None = None
    validator: str | None = None
    address: str = ''
    said: Said = Said()
    algorithms: tuple[str, ...] = ()
    checks_gzip: bool = False
    whole_bytes: int | None = None
    held: Spans = ()


@frozen(kw_only=False)
class LeaveBody:
    """The body is of no use; the answer is."""

    why: Left


@frozen(kw_only=False)
class RefuseBody:
    """The response cannot be used, for this fault."""

    fault: Fault


BodyDecision: TypeAlias = TakeBody | LeaveBody | RefuseBody
