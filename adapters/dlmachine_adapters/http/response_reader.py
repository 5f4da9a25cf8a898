"""Reception: one answer as it comes in, whatever library brings it.

At the head the core is asked what to do with the body; then bytes go to the part in large
pieces; at the end it is told as `Answered` or `Interrupted`. Both backends share this, so
what they report of the same bytes on the wire is the same.
"""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

from dlmachine.core.faults import AnswerUnusable, BodyTruncated, Fault, SchemeRefused
from dlmachine.core.http.content_codings import read_codings
from dlmachine.core.http.error_text import MAX_ERROR_BYTES, is_readable, read_error_text
from dlmachine.core.http.framing import find_framing, find_head_problem
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import Head
from dlmachine.core.protocol.body_decision import LeaveBody, Left, RefuseBody, TakeBody
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Answered, Interrupted
from dlmachine.core.protocol.ports import Clock, PartError, Sink
from dlmachine.core.secrets.redact import scrub
from dlmachine.core.transfer.read_response import decide_body
from dlmachine_adapters.http.deadlines import LimitPassed
from dlmachine_adapters.http.public_suffixes import with_public_suffixes
from dlmachine_adapters.parts.inflating import INFLATED_BYTES, inflate_start

#: Small pieces are put together up to this size: each costs a call, a hash and a write.
_PIECE_BYTES: Final = 1 << 20
#: ... but not for longer than this, so that progress moves on a slow line too.
_PIECE_SECONDS: Final = 0.2
#: An unwanted body up to this size is read, since that is cheaper than a new connection.
MAX_DRAINED_BYTES: Final = 65_536


class HeadError(Exception):
    """An invalid head; the text says what the server did."""


class Reception:
    """The answer to one exchange; used by one thread."""

    def __init__(
        self,
        effect: Exchange,
        part: Sink,
        clock: Clock,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Fill the part; `check` is called during long work, and raises LimitPassed to end it."""
        self._effect = effect
        self._part = part
        self._clock = clock
        self._check = check
        self._head: Head | None = None
        self._decision: TakeBody | LeaveBody | RefuseBody | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._written_at = 0.0
        self._wire_bytes = 0
        self._is_readable = True
        self._error = bytearray()
        self._drained_bytes = 0

    @property
    def is_wanted(self) -> bool:
        """Whether the body goes to the part."""
        return isinstance(self._decision, TakeBody)

    @property
    def has_head(self) -> bool:
        """Whether the head is there."""
        return self._head is not None

    def begin(self, head: Head) -> None:
        """The head is there: decide about the body.  Raises: PartError."""
        self._head = head = with_public_suffixes(head)
        problem = find_head_problem(head)
        if problem is not None:
            self._is_readable = False
            self._decision = RefuseBody(self.unusable(problem))
            return
        self._decision = decision = decide_body(self._effect, head)
        if isinstance(decision, TakeBody):
            self._part.begin(decision)

    def is_worth_draining(self) -> bool:
        """Whether an unwanted body is read, so that the connection can be used again."""
        head = self._head
        if head is None or not isinstance(self._decision, LeaveBody):
            return False
        framing = find_framing(head)
        length = framing.length_bytes
        return framing.is_chunked or (length is not None and length <= MAX_DRAINED_BYTES)

    def is_worth_reading(self) -> bool:
        """Whether to read an unwanted body: it explains an error, or ends soon."""
        return self._is_telling() or self.is_worth_draining()

    def drain(self, data: bytes) -> bool:
        """Take bytes of an unwanted body; return whether more of them are useful."""
        self._drained_bytes += len(data)
        if self._is_telling():
            self._error += data[: MAX_ERROR_BYTES - len(self._error)]
            if len(self._error) < MAX_ERROR_BYTES:
                return True
        return self.is_worth_draining() and self._drained_bytes <= MAX_DRAINED_BYTES

    def _is_telling(self) -> bool:
        is_error = isinstance(self._decision, LeaveBody) and self._decision.why is Left.ERROR
        return is_error and self._head is not None and is_readable(self._head)

    def take(self, data: bytes, now: float) -> None:
        """Bytes from the wire, at a moment in seconds.  Raises: PartError."""
        if self.hold(data):
            self.write_held()
        else:
            self.write_if_due(now)

    def hold(self, data: bytes) -> bool:
        """Keep bytes from the wire; whether there are enough to be written."""
        self._held.append(data)
        self._held_bytes += len(data)
        return self._held_bytes >= _PIECE_BYTES

    def write_if_due(self, now: float) -> None:
        """Write what is held if it has been for a while.  Raises: PartError."""
        if now - self._written_at >= _PIECE_SECONDS:
            self.write_held()

    def write_held(self) -> None:
        """Write the buffered bytes.  Raises: PartError, LimitPassed."""
        if self._held:
            held, self._held = self._held, []
            self._wire_bytes += self._held_bytes
            self._held_bytes = 0
            self._write(held[0] if len(held) == 1 else b''.join(held))
        # Not before: after a slow write the next piece may be a large one too.
        self._written_at = monotonic()

    def complete(self) -> Answered | Interrupted:
        """The body has ended as the protocol has it."""
        head, taking = self._head, self._decision
        if head is None:
            return self.broken(AnswerUnusable(url=self._url, problem='the server sent no response'))
        if not isinstance(taking, TakeBody):
            return self._without_body(head, is_whole=len(self._error) < MAX_ERROR_BYTES)
        if taking.wire_bytes not in {None, self._wire_bytes + self._held_bytes}:
            return self.broken(self.truncated())
        try:
            self.write_held()
            received = self._part.finish()
        except PartError as error:
            return self._interrupted(error.fault)
        return Answered(at=self._clock.now(), head=head, received=received)

    def broken(self, fault: Fault) -> Answered | Interrupted:
        """It broke off: what came before is kept; if the body was not wanted, nothing is lost."""
        if self._head is not None and not self.is_wanted and self._decision is not None:
            return self._without_body(self._head, is_whole=False)
        try:
            with suppress(LimitPassed):
                self.write_held()
        except PartError as error:
            return self._interrupted(error.fault)
        return self._interrupted(fault)

    def spoiled(self, error: PartError) -> Interrupted:
        """The part takes no more."""
        return self._interrupted(error.fault)

    def truncated(self) -> BodyTruncated:
        """What a body that ends early is called."""
        taking = self._decision
        expected = taking.wire_bytes if isinstance(taking, TakeBody) else None
        return BodyTruncated(
            url=self._url,
            received_bytes=self._wire_bytes + self._held_bytes,
            expected_bytes=expected,
        )

    def unusable(self, problem: str) -> AnswerUnusable:
        """The fault for a response with an invalid head."""
        told = scrub(f'the server {problem}', self._effect.request.secrets())
        return AnswerUnusable(url=self._url, problem=told)

    def _write(self, data: bytes) -> None:
        taking, write = self._decision, self._part.write
        if not isinstance(taking, TakeBody) or not (taking.decoder or taking.checks_gzip):
            write(data)
            return
        for start in range(0, len(data), INFLATED_BYTES):
            if start:
                self._check()
            write(data[start : start + INFLATED_BYTES])

    @property
    def _url(self) -> str:
        return self._effect.request.shown_url

    def _without_body(self, head: Head, *, is_whole: bool) -> Answered | Interrupted:
        if isinstance(self._decision, RefuseBody):
            return self._interrupted(self._decision.fault)
        text = ''
        if self._error:
            redactor, body = self._effect.request.redactor, bytes(self._error)
            codings = read_codings(head.headers)
            if codings:
                body, is_whole = inflate_start(codings[0], body, MAX_ERROR_BYTES)
            secrets, names = redactor.secrets, redactor.names
            text = read_error_text(head, body, secrets, is_whole=is_whole, declared=names)
        return Answered(at=self._clock.now(), head=head, error_text=text)

    def _interrupted(self, fault: Fault) -> Interrupted:
        # Libraries stop at different lines of an invalid head; here the complete head is rejected.
        head = self._head if self._is_readable else None
        return Interrupted(
            at=self._clock.now(), fault=fault, head=head, part_bytes=self._part.size_bytes
        )


def scheme_of(request: Request) -> str:
    """The scheme of a request's URL, which is in normal form."""
    return request.url.partition(':')[0]


def find_refused(effect: Exchange, schemes: tuple[str, ...]) -> Fault | None:
    """The fault of a request whose scheme a backend does not speak, or None."""
    scheme = scheme_of(effect.request)
    if scheme in schemes:
        return None
    url = effect.request.shown_url
    return SchemeRefused(url=url, scheme=scheme, allowed=schemes)
