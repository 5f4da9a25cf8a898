"""The progress of a run's attempts, as a value.  Pure."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from dlmachine.core.access.cookies import NO_COOKIES, CookieStore
from dlmachine.core.decision.decide import Address
from dlmachine.core.frozen import frozen
from dlmachine.core.http.byte_ranges import Spans, behind, count_bytes, front_bytes
from dlmachine.core.integrity.representation import Said

if TYPE_CHECKING:
    from dlmachine.core.protocol.states import Job


@frozen
class SetAside:
    """The part's content from a URL that is not being requested; fields as in `Effort`."""

    position: int
    part_bytes: int
    validator: str
    said: Said
    held: Spans
    whole_bytes: int | None


@frozen
class Effort:
    """The progress of a run's attempts.

    `round` counts the rounds over the URLs, `position` is the URL being requested, `dropped` the
    URLs that are not requested again, `trail` the URLs of this attempt, redirects included
    (`redirect.hop_of`), `cookies` the cookies set in this run. `part_bytes` bytes of the body are
    in the part, from a representation with this strong `validator`. `asked_wait` is the longest
    Retry-After of this round. `most_bytes` is the largest size that a part of this run has had,
    `renewals` counts how often bytes beyond that reset the retry budget; `refused` are the refused
    bodies, by URL and SHA-256. `said` is what is known of the complete file. `is_unranged` says
    that the URL does not support ranges, `is_unconditional` that its conditions cannot be trusted.

    `held` are the spans after `part_bytes` that the part also has, of a file of `whole_bytes`.
    `aside` is the part's content from another URL, until a body overwrites it: it decides from
    which byte that URL is requested, not when. `connections` is the most that the server has
    accepted (0: not known yet), `singles` are the URLs without support for segments.
    """

    round: int = 0
    position: int = 0
    dropped: frozenset[int] = frozenset()
    tries: int = 0
    trail: tuple[str, ...] = ()
    cookies: CookieStore = NO_COOKIES
    part_bytes: int = 0
    validator: str | None = None
    asked_wait: timedelta = timedelta(0)
    most_bytes: int = 0
    renewals: int = 0
    refused: frozenset[tuple[int, str]] = frozenset()
    said: Said = Said()
    is_unranged: bool = False
    is_unconditional: bool = False
    held: Spans = ()
    whole_bytes: int | None = None
    aside: SetAside | None = None
    connections: int = 0
    singles: frozenset[int] = frozenset()

    @property
    def all_bytes(self) -> int:
        """The number of bytes in the part."""
        return self.part_bytes + count_bytes(self.held)

    def emptied(self) -> 'Effort':
        """A copy with no resumable bytes in the part."""
        return replace(self, part_bytes=0, validator=None, said=Said(), held=(), whole_bytes=None)

    def at(self, position: int) -> 'Effort':
        """A copy for another URL: a validator is valid only for the URL that issued it."""
        if position == self.position:
            return self
        aside, there = self.aside, replace(self.emptied(), position=position)
        if self.part_bytes and self.validator is not None:
            aside = SetAside(
                position=self.position,
                part_bytes=self.part_bytes,
                validator=self.validator,
                said=self.said,
                held=self.held,
                whole_bytes=self.whole_bytes,
            )
        there = replace(there, is_unranged=False, is_unconditional=False, aside=aside)
        if aside is None or aside.position != position:
            return there
        return replace(
            there,
            part_bytes=aside.part_bytes,
            validator=aside.validator,
            said=aside.said,
            held=aside.held,
            whole_bytes=aside.whole_bytes,
            aside=None,
        )

    def filled(self, spans: Spans, whole_bytes: int, validator: str) -> 'Effort':
        """A copy with these spans in the part, and the file that they belong to."""
        front = front_bytes(spans)
        return replace(
            self,
            part_bytes=front,
            held=behind(spans, front),
            whole_bytes=whole_bytes,
            validator=validator,
        )

    def address(self, job: 'Job') -> Address:
        """The URL being requested."""
        return job.decision.addresses[self.position]
