"""The progress of a run's attempts, as a value.  Pure."""

from dataclasses import field
from datetime import datetime, timedelta
from typing import Final

from dlmachine.core.access.cookies import NO_COOKIES, CookieStore
from dlmachine.core.access.login import Credentials
from dlmachine.core.decision.verdict import Address, Decision
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.byte_ranges import Spans, behind, count_bytes, front_bytes
from dlmachine.core.integrity.representation import Representation

#: Stored copies that may be missing before the file is downloaded.
MAX_MISSING: Final = 8
#: Version numbers that other programs may take during a run before the run fails.
MAX_CONFLICTS: Final = 16
#: How often progress may reset the retry budget: a limit for a server that sends byte by byte.
MAX_BUDGET_RESETS: Final = 1_000


@frozen
class Partial:
    """The bytes in the part that can be resumed, and the representation that they are from.

    `front_bytes` bytes from the first one on have no hole, and `held` are the spans after them, of
    a file of `whole_bytes`. `validator` is the strong validator of the representation.
    """

    front_bytes: int = 0
    validator: str | None = None
    representation: Representation = Representation()
    held: Spans = ()
    whole_bytes: int | None = None

    @property
    def all_bytes(self) -> int:
        """The number of bytes."""
        return self.front_bytes + count_bytes(self.held)

    def with_spans(self, spans: Spans) -> 'Partial':
        """A copy with these bytes."""
        front = front_bytes(spans)
        return replace(self, front_bytes=front, held=behind(spans, front))


#: No byte can be resumed.
NOTHING: Final = Partial()


@frozen
class Attempts:
    """The progress of a run's attempts.

    `round` counts the rounds over the URLs, `position` is the URL being requested, `excluded` the
    URLs that are not requested again, `missing` those whose last answer was that the file is
    missing, if that is remembered, `redirects` the URLs of this attempt, redirects included
    (`redirect.hop_of`), `moved_until` the time until which all of those redirects are fresh (None:
    not at all), `cookies` those of this run, and the caller's own and those of jars, which were
    read `cookies_at`; `has_logged_in` and `is_session_over` tell of a login by a form, `login` what
    is known of the credentials of `auth`.
    `part` is what the part has from the URL being requested; `aside` is the part's content
    from another URL, with the position of that URL, until a body overwrites it: it decides from
    which byte that URL is requested, not when. `retry_after` is the longest Retry-After of this
    round. `best_bytes` is the largest size that a part of this run has had, `budget_resets` counts
    how often bytes beyond that reset the retry budget; `refused` are the refused bodies, by URL and
    SHA-256. `is_unranged` says that the URL does not support ranges, `is_unconditional` that its
    conditions cannot be trusted. `connections` is the most that the server has accepted (0: not
    known yet), `unsegmented` are the URLs without support for segments. `key_password` is the
    password of the client certificate's key, if it was read, `proxy_password` the
    password of the proxy, if it was read.
    """

    round: int = 0
    position: int = 0
    excluded: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()
    tries: int = 0
    redirects: tuple[str, ...] = ()
    moved_until: datetime | None = None
    cookies: CookieStore = NO_COOKIES
    cookies_at: datetime | None = None
    has_logged_in: bool = False
    is_session_over: bool = False
    login: Credentials | None = None
    key_password: str | None = field(default=None, repr=False)
    proxy_password: str | None = field(default=None, repr=False)
    part: Partial = NOTHING
    aside: tuple[int, Partial] | None = None
    retry_after: timedelta = timedelta(0)
    best_bytes: int = 0
    budget_resets: int = 0
    refused: frozenset[tuple[int, str]] = frozenset()
    is_unranged: bool = False
    is_unconditional: bool = False
    connections: int = 0
    unsegmented: frozenset[int] = frozenset()

    @property
    def most_bytes(self) -> int:
        """The largest size that a part of this run has had, with what it has now."""
        return max(self.best_bytes, self.part.all_bytes)

    def emptied(self) -> 'Attempts':
        """A copy with no resumable bytes in the part."""
        return replace(self, part=NOTHING)

    def at(self, position: int) -> 'Attempts':
        """A copy for another URL: a validator is valid only for the URL that issued it."""
        if position == self.position:
            return self
        aside, part = self.aside, NOTHING
        if self.part.front_bytes and self.part.validator is not None:
            aside = self.position, self.part
        if aside is not None and aside[0] == position:
            part, aside = aside[1], None
        return replace(
            self,
            position=position,
            part=part,
            aside=aside,
            is_unranged=False,
            is_unconditional=False,
        )

    def address(self, decision: Decision) -> Address:
        """The URL being requested."""
        return decision.addresses[self.position]
