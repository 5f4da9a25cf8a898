"""The progress of a run's attempts, as a value.  Pure."""

from datetime import timedelta

from dlmachine.core.access.cookies import NO_COOKIES, CookieStore
from dlmachine.core.decision.verdict import Address, Decision
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.byte_ranges import Spans, behind, count_bytes, front_bytes
from dlmachine.core.integrity.representation import Representation


@frozen
class SetAside:
    """The part's content from a URL that is not being requested; fields as in `Attempts`."""

    position: int
    part_bytes: int
    validator: str
    representation: Representation
    held: Spans
    whole_bytes: int | None


@frozen
class Attempts:
    """The progress of a run's attempts.

    `round` counts the rounds over the URLs, `position` is the URL being requested, `excluded` the
    URLs that are not requested again, `redirects` the URLs of this attempt, redirects included
    (`redirect.hop_of`), `cookies` the cookies set in this run. `part_bytes` bytes of the body are
    in the part, from a representation with this strong `validator`. `retry_after` is the longest
    Retry-After of this round. `best_bytes` is the largest size that a part of this run has had,
    `budget_resets` counts how often bytes beyond that reset the retry budget; `refused` are the
    refused bodies, by URL and SHA-256. `representation` is what is known of the complete file.
    `is_unranged` says that the URL does not support ranges, `is_unconditional` that its conditions
    cannot be trusted.

    `held` are the spans after `part_bytes` that the part also has, of a file of `whole_bytes`.
    `aside` is the part's content from another URL, until a body overwrites it: it decides from
    which byte that URL is requested, not when. `connections` is the most that the server has
    accepted (0: not known yet), `unsegmented` are the URLs without support for segments.
    """

    round: int = 0
    position: int = 0
    excluded: frozenset[int] = frozenset()
    tries: int = 0
    redirects: tuple[str, ...] = ()
    cookies: CookieStore = NO_COOKIES
    part_bytes: int = 0
    validator: str | None = None
    retry_after: timedelta = timedelta(0)
    best_bytes: int = 0
    budget_resets: int = 0
    refused: frozenset[tuple[int, str]] = frozenset()
    representation: Representation = Representation()
    is_unranged: bool = False
    is_unconditional: bool = False
    held: Spans = ()
    whole_bytes: int | None = None
    aside: SetAside | None = None
    connections: int = 0
    unsegmented: frozenset[int] = frozenset()

    @property
    def all_bytes(self) -> int:
        """The number of bytes in the part."""
        return self.part_bytes + count_bytes(self.held)

    def emptied(self) -> 'Attempts':
        """A copy with no resumable bytes in the part."""
        return replace(
            self,
            part_bytes=0,
            validator=None,
            representation=Representation(),
            held=(),
            whole_bytes=None,
        )

    def at(self, position: int) -> 'Attempts':
        """A copy for another URL: a validator is valid only for the URL that issued it."""
        if position == self.position:
            return self
        aside, there = self.aside, replace(self.emptied(), position=position)
        if self.part_bytes and self.validator is not None:
            aside = SetAside(
                position=self.position,
                part_bytes=self.part_bytes,
                validator=self.validator,
                representation=self.representation,
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
            representation=aside.representation,
            held=aside.held,
            whole_bytes=aside.whole_bytes,
            aside=None,
        )

    def filled(self, spans: Spans, whole_bytes: int, validator: str) -> 'Attempts':
        """A copy with these spans in the part, and the file that they belong to."""
        front = front_bytes(spans)
        return replace(
            self,
            part_bytes=front,
            held=behind(spans, front),
            whole_bytes=whole_bytes,
            validator=validator,
        )

    def address(self, decision: Decision) -> Address:
        """The URL being requested."""
        return decision.addresses[self.position]
