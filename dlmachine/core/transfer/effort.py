"""How far the tries of a run have come, as a value.  Pure."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from dlmachine.core.access.cookies import NO_COOKIES, CookieStore
from dlmachine.core.decide import Address
from dlmachine.core.said import Said
from dlmachine.core.segments import Spans, behind, count_bytes, front_bytes
from dlmachine.core.values import frozen

if TYPE_CHECKING:
    from dlmachine.core.states import Job


@frozen
class SetAside:
    """What the part holds of an address that is not being asked; as in `Effort`."""

    position: int
    part_bytes: int
    validator: str
    said: Said
    held: Spans
    whole_bytes: int | None


@frozen
class Effort:
    """How far the tries have come.

    `round` counts the passes over the addresses, `position` is the address being asked,
    `dropped` those that will not be asked again, `trail` the URLs of this try, redirects
    included (`redirect.hop_of`), `cookies` what servers have set in this run. `part_bytes` of
    the body are in the part, from a representation with this strong `validator`. `asked_wait`
    is the longest wait that a server asked for in this round. `most_bytes` is the most that a
    part of this run ever had, `renewals` counts how often bytes beyond that renewed the budget
    of rounds; `refused` are the bodies that were refused, by address and SHA-256. `said` is what
    is known of the whole. `is_unranged` tells that the address does not answer to ranges,
    `is_unconditional` that its conditions cannot be trusted.

    `held` are the spans behind `part_bytes` that are in the part too, of a whole of
    `whole_bytes`. `aside` is what is there of another address, until a body overwrites it: it
    decides from which byte that address is asked, not when. `connections` is the most that the
    server put up with (0: not known yet), `singles` are the addresses that give no segments.
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
        """How many bytes are in the part."""
        return self.part_bytes + count_bytes(self.held)

    def emptied(self) -> 'Effort':
        """The same with nothing in the part that could be gone on from."""
        return replace(self, part_bytes=0, validator=None, said=Said(), held=(), whole_bytes=None)

    def at(self, position: int) -> 'Effort':
        """The same at an address: a validator means something where it came from only."""
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
        """The same with these spans in the part, and what they are of."""
        front = front_bytes(spans)
        return replace(
            self,
            part_bytes=front,
            held=behind(spans, front),
            whole_bytes=whole_bytes,
            validator=validator,
        )

    def address(self, job: 'Job') -> Address:
        """The address being asked."""
        return job.decision.addresses[self.position]
