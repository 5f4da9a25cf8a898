"""Reads one response, for either backend.

After the head, the core decides what to do with the body; bytes are then written to the part in
large pieces; the result is `Responded` or `Interrupted`. Both backends share this, so that they
report the same for the same bytes on the wire.
"""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

from dlmachine.core.faults import AnswerUnusable, BodyTruncated, Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.content_codings import read_codings
from dlmachine.core.http.error_text import MAX_ERROR_BYTES, is_readable, read_error_text
from dlmachine.core.http.framing import find_framing, find_head_problem
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.body_decision import RejectResponse, SkipBody, SkipReason, StoreBody
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.ports import Clock, PartError, Sink
from dlmachine.core.secrets.redact import scrub
from dlmachine.core.transfer.read_response import decide_body
from dlmachine_adapters.http.deadlines import DeadlineExceeded
from dlmachine_adapters.http.public_suffixes import with_public_suffixes
from dlmachine_adapters.parts.inflating import INFLATED_BYTES, inflate_start

#: Small pieces are combined up to this size: each costs a call, a hash and a write.
_PIECE_BYTES: Final = 1 << 20
#: ... but not for longer than this, so that progress is visible on a slow connection.
_PIECE_SECONDS: Final = 0.2
#: An unwanted body up to this size is read, which is cheaper than a new connection.
MAX_DRAINED_BYTES: Final = 65_536


class HeadError(Exception):
    """An invalid head; the text says what the server did."""


class ResponseReader:
    """The response of one exchange; used by one thread."""

    def __init__(
        self, effect: Exchange, part: Sink, clock: Clock, check: Callable[[], None] = lambda: None
    ) -> None:
        """Fill the part; `check` is called during long work, and raises DeadlineExceeded."""
        self._effect = effect
        self._part = part
        self._clock = clock
        self._check = check
        self._head: ResponseHead | None = None
        self._decision: StoreBody | SkipBody | RejectResponse | None = None
        #: Whether the head has arrived, and whether the body is written to the part.
        self.has_head = self.is_wanted = False
        self._buffered: list[bytes] = []
        self._buffered_bytes = 0
        self._written_at = 0.0
        self._wire_bytes = self._counted_bytes = 0
        self._is_readable = True
        self._error = bytearray()
        self._drained_bytes = 0
        self._added: tuple[str, ...] = ()
        #: The proxy that forwards the request, masked.
        self.proxy = ''

    def hide(self, added: tuple[str, ...]) -> None:
        """Mask secrets that the backend sends besides those of the request."""
        request = self._effect.request
        request = replace(request, hidden=(*request.hidden, *added))
        self._effect, self._added = replace(self._effect, request=request), added

    def begin(self, head: ResponseHead) -> None:
        """Decide about the body after the head has arrived.  Raises: PartError."""
        self._head = head = with_public_suffixes(head)
        self.has_head = True
        problem = find_head_problem(head)
        if problem is not None:
            self._is_readable = False
            self._decision = RejectResponse(self.unusable(problem))
            return
        self._decision = decision = decide_body(self._effect, head)
        if isinstance(decision, StoreBody):
            self.is_wanted = True
            self._part.begin(decision)

    def is_worth_draining(self) -> bool:
        """Whether an unwanted body is read, so that the connection can be used again."""
        head = self._head
        if head is None or not isinstance(self._decision, SkipBody):
            return False
        if self._effect.request.method == 'HEAD':
            return True  # RFC 9110 section 9.3.2: there is no body, whatever the head says.
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
        is_error = isinstance(self._decision, SkipBody) and self._decision.why is SkipReason.ERROR
        return is_error and self._head is not None and is_readable(self._head)

    def take(self, data: bytes) -> None:
        """Take bytes from the wire.  Raises: PartError, DeadlineExceeded."""
        self._buffered.append(data)
        self._buffered_bytes += len(data)
        if self._buffered_bytes >= _PIECE_BYTES:
            self.flush()

    def take_count(self) -> int:
        """The bytes from the wire since the last call."""
        received = self._wire_bytes + self._buffered_bytes
        new, self._counted_bytes = received - self._counted_bytes, received
        return new

    def flush_if_due(self, now: float) -> bool:
        """Write the buffered bytes if they are old enough; return whether that took time.

        `now` is in seconds.  Raises: PartError, DeadlineExceeded.
        """
        if not self._buffered or now - self._written_at < _PIECE_SECONDS:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Write the buffered bytes.  Raises: PartError, DeadlineExceeded."""
        if self._buffered:
            held, self._buffered = self._buffered, []
            self._wire_bytes += self._buffered_bytes
            self._buffered_bytes = 0
            self._write(held[0] if len(held) == 1 else b''.join(held))
        # Set after the write: if it was slow, the next piece may be large, too.
        self._written_at = monotonic()

    def complete(self) -> Responded | Interrupted:
        """End the body after its last byte."""
        head, taking = self._head, self._decision
        if head is None:
            return self.broken(AnswerUnusable(url=self._url, problem='the server sent no response'))
        if not isinstance(taking, StoreBody):
            return self._without_body(head, is_whole=len(self._error) < MAX_ERROR_BYTES)
        if taking.wire_bytes not in {None, self._wire_bytes + self._buffered_bytes}:
            return self.broken(self.truncated())
        try:
            self.flush()
            received = self._part.finish()
        except PartError as error:
            return self._interrupted(error.fault)
        at = self._clock.now()
        return Responded(
            at=at,
            head=head,
            received=received,
            decision=taking,
            added=self._added,
            proxy=self.proxy,
        )

    def broken(self, fault: Fault) -> Responded | Interrupted:
        """End the response with a fault; keep the bytes so far, and a response without a body."""
        if self._head is not None and not self.is_wanted and self._decision is not None:
            return self._without_body(self._head, is_whole=False)
        try:
            with suppress(DeadlineExceeded):
                self.flush()
        except PartError as error:
            return self._interrupted(error.fault)
        return self._interrupted(fault)

    def part_failed(self, error: PartError) -> Interrupted:
        """End the response with the part's fault."""
        return self._interrupted(error.fault)

    def truncated(self) -> BodyTruncated:
        """The fault for a body that ends too early."""
        taking = self._decision
        expected = taking.wire_bytes if isinstance(taking, StoreBody) else None
        return BodyTruncated(
            url=self._url,
            received_bytes=self._wire_bytes + self._buffered_bytes,
            expected_bytes=expected,
        )

    def unusable(self, problem: str) -> AnswerUnusable:
        """The fault for a response with an invalid head."""
        text = scrub(f'the server {problem}', self._effect.request.secrets())
        return AnswerUnusable(url=self._url, problem=text)

    def _write(self, data: bytes) -> None:
        taking, write = self._decision, self._part.write
        if not isinstance(taking, StoreBody) or not (taking.decoder or taking.checks_gzip):
            write(data)
            return
        for start in range(0, len(data), INFLATED_BYTES):
            if start:
                self._check()
            write(data[start : start + INFLATED_BYTES])

    @property
    def _url(self) -> str:
        return self._effect.request.shown_url

    def _without_body(self, head: ResponseHead, *, is_whole: bool) -> Responded | Interrupted:
        if isinstance(self._decision, RejectResponse):
            return self._interrupted(self._decision.fault)
        text = ''
        if self._error:
            redactor, body = self._effect.request.redactor, bytes(self._error)
            codings = read_codings(head.headers)
            if codings:
                body, is_whole = inflate_start(codings[0], body, MAX_ERROR_BYTES)
            secrets, names = redactor.secrets, redactor.names
            text = read_error_text(head, body, secrets, is_whole=is_whole, declared=names)
        at, decision = self._clock.now(), self._decision
        return Responded(
            at=at,
            head=head,
            error_text=text,
            decision=decision,
            added=self._added,
            proxy=self.proxy,
        )

    def _interrupted(self, fault: Fault) -> Interrupted:
        # Libraries stop at different lines of an invalid head; here the complete head is rejected.
        head = self._head if self._is_readable else None
        return Interrupted(
            at=self._clock.now(),
            fault=fault,
            head=head,
            part_bytes=self._part.size_bytes,
            decision=self._decision,
            added=self._added,
        )
