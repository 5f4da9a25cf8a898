"""HTTP's rules for a cache, examined: messages of known meaning against a small oracle (RFC 9111).

A message is drawn as what it means, and written in any form that HTTP permits: quoted arguments,
upper case, empty list elements, spaces around commas, several lines, three formats of dates. The
oracle reckons with the meaning, and never reads the message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from dlmachine.core.caching.directives import MAX_SECONDS
from dlmachine.core.caching.invalidation import invalidated_urls
from dlmachine.core.caching.reuse import Reuse, decide_reuse
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.caching.storing import why_not_stored
from dlmachine.core.caching.updating import is_about, update_fields
from dlmachine.core.http.headers import Headers

_NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
#: A directive, and its argument: None without one.
Directive = tuple[str, str | None]

_BAD: Final = ('-1', '5.0', 'x', '', '1e3', '0x9', '+5', '5 6', '٥')
_GOOD: Final = ('0', '5', '060', '3600', '86400', '2147483649', '1' + 30 * '0')
_LASTING: Final = ('max-age', 'stale-if-error')
_OTHERS: Final = (
    'no-store', 'no-cache', 'must-revalidate', 'must-understand', 'private', 'public',
)  # fmt: skip
#: Directives that say nothing to a private cache, or are unknown.
_NOTHING: Final[tuple[Directive, ...]] = (
    ('s-maxage', '9'), ('proxy-revalidate', None), ('private', 'x-a, x-b'), ('no-transform', None),
    ('stale-while-revalidate', '999999'), ('x', 'no-store, max-age=0'), ('no-cache', 'x-a, X-B'),
)  # fmt: skip

numbers = st.sampled_from(_GOOD) | st.sampled_from(_BAD)
directives: st.SearchStrategy[Directive] = (
    st.tuples(st.sampled_from(_LASTING), numbers | st.none())
    | st.tuples(st.sampled_from(_OTHERS), st.none())
    | st.sampled_from(_NOTHING)
)
asked: st.SearchStrategy[Directive] = st.tuples(
    st.sampled_from(['max-age', 'max-stale', 'min-fresh']), numbers | st.none()
) | st.sampled_from([('no-cache', None), ('no-store', None), ('x', 'no-cache')])
_SPACES = st.sampled_from(['', ' ', '\t', '  '])


def seconds(argument: str | None, otherwise: int) -> int:
    """A number of seconds: only ASCII digits are one."""
    text = argument or ''
    if not text or set(text) - set('0123456789'):
        return otherwise
    return min(int(text), MAX_SECONDS)


def first(said: Sequence[Directive], name: str) -> Directive | None:
    """The first directive with a name."""
    return next((one for one in said if one[0] == name), None)


@st.composite
def written(draw: st.DrawFn, said: Sequence[Directive]) -> tuple[tuple[str, str], ...]:
    """Cache-Control with these directives, in one or several lines."""
    elements = []
    for name, argument in said:
        text = draw(st.sampled_from([name, name.upper(), name.title()]))
        if argument is not None:
            is_quoted = bool(not argument or set(argument) & set(' ,"=٥')) or draw(st.booleans())
            text += f'="{argument}"' if is_quoted else f'={argument}'
        elements.append(f'{draw(_SPACES)}{text}{draw(_SPACES)}')
        if draw(st.sampled_from([False, False, True])):
            elements.append(draw(_SPACES))
    cut = draw(st.integers(0, len(elements)))
    lines = [','.join(elements[:cut]), ','.join(elements[cut:])]
    return tuple(('Cache-Control', line) for line in lines if line)


def date_text(at: datetime, form: int) -> str:
    """A date in one of the three formats."""
    days = ('Mon', 'Tues', 'Wednes', 'Thurs', 'Fri', 'Satur', 'Sun')
    months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
    long, month, clock = days[at.weekday()], months[at.month - 1], f'{at:%H:%M:%S}'
    if form == 0:
        return f'{long[:3]}, {at.day:02} {month} {at.year} {clock} GMT'
    if form == 1:
        return f'{long}day, {at.day:02}-{month}-{at.year % 100:02} {clock} GMT'
    return f'{long[:3]} {month} {at.day:2} {clock} {at.year}'


@dataclass(frozen=True)
class Meaning:
    """What a response means; times are in seconds from `_NOW`, at which it was asked for."""

    said: tuple[Directive, ...]
    date: int | None
    age: str | None
    more_ages: bool
    expires: int | str | None
    modified: int | None
    status: int
    delay: int

    def age_at(self, resident: int) -> int:
        """Section 4.2.3."""
        date = self.delay if self.date is None else self.date
        apparent = max(0, self.delay - date)
        corrected = min(seconds(self.age, 0) + self.delay, MAX_SECONDS)
        age = max(apparent, corrected) + resident
        return min(age, MAX_SECONDS)

    @property
    def lifetime(self) -> int:
        """Section 4.2.1 and 4.2.2."""
        max_age = first(self.said, 'max-age')
        if max_age is not None:
            return seconds(max_age[1], 0)
        date = self.delay if self.date is None else self.date
        if self.expires is not None:
            return 0 if isinstance(self.expires, str) else max(0, self.expires - date)
        is_allowed = self.status in {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}
        if self.modified is None or not (is_allowed or first(self.said, 'public')):
            return 0
        return min(max(0, date - self.modified) // 10, 7 * 86_400)


_OFFSETS = st.sampled_from(
    [0, -1, 1, -59, 61, -3600, 3600, -86_400, 864_000, -(10**8)]
) | st.integers(-(10**6), 10**6)


@st.composite
def responses(draw: st.DrawFn) -> tuple[Meaning, StoredResponse]:
    """A response with its meaning."""
    meaning = Meaning(
        said=tuple(draw(st.lists(directives, max_size=4))),
        date=draw(st.none() | _OFFSETS),
        age=draw(st.none() | numbers),
        more_ages=draw(st.booleans()),
        expires=draw(st.none() | _OFFSETS | st.sampled_from(['0', '-1', 'never', ''])),
        modified=draw(st.none() | _OFFSETS),
        status=draw(st.sampled_from([200, 200, 203, 403, 404, 410, 500, 599])),
        delay=draw(st.sampled_from([0, 1, 30])),
    )
    lines = list(draw(written(meaning.said)))
    for name, offset in (('Date', meaning.date), ('Last-Modified', meaning.modified)):
        if offset is not None:
            lines.append((name, _date(offset, draw(st.integers(0, 2)))))
    if meaning.expires is not None:
        text = meaning.expires
        lines.append(
            ('Expires', text if isinstance(text, str) else _date(text, draw(st.integers(0, 2))))
        )
    if meaning.age is not None:
        lines.append(('Age', meaning.age + (' , 7' if meaning.more_ages else '')))
        lines += [('Age', '9')] * meaning.more_ages
    received = _NOW + timedelta(seconds=meaning.delay)
    return meaning, StoredResponse(
        status=meaning.status,
        headers=Headers(tuple(lines)),
        requested_at=_NOW,
        received_at=received,
    )


def _date(offset: int, form: int) -> str:
    at = _NOW + timedelta(seconds=offset)
    # A year of two digits is of this century, or of the last one.
    return date_text(at, 0 if form == 1 and not 1975 <= at.year <= 2073 else form)


def expected(meaning: Meaning, wanted: Sequence[Directive], resident: int) -> Reuse:
    """Sections 4.2 and 5.2."""
    fresh_for = meaning.lifetime - meaning.age_at(resident)
    max_age, min_fresh = first(wanted, 'max-age'), first(wanted, 'min-fresh')
    max_stale = first(wanted, 'max-stale')
    stale = -1
    if max_stale is not None:
        stale = MAX_SECONDS if max_stale[1] is None else seconds(max_stale[1], 0)
    says = {name for name, argument in meaning.said if argument is None}
    if first(wanted, 'no-cache') or 'no-cache' in says:
        return Reuse.REVALIDATE
    if 'no-store' in says and 'must-understand' not in says:
        return Reuse.REVALIDATE
    if max_age and meaning.age_at(resident) > seconds(max_age[1], 0) + max(stale, 0):
        return Reuse.REVALIDATE
    if min_fresh and fresh_for < seconds(min_fresh[1], MAX_SECONDS):
        return Reuse.REVALIDATE
    if fresh_for > 0:
        return Reuse.FRESH
    if 'must-revalidate' in says or -fresh_for > stale:
        return Reuse.REVALIDATE
    return Reuse.STALE


_RESIDENT = st.sampled_from([0, 1, 4, 5, 59, 60, 3599, 3600, 3601, 10**9])


@given(st.data(), responses(), st.lists(asked, max_size=3), _RESIDENT)
def test_reuse_is_what_the_meaning_says(
    data: st.DataObject,
    response: tuple[Meaning, StoredResponse],
    wanted: list[Directive],
    resident: int,
) -> None:
    """Whatever the form of the message."""
    meaning, stored = response
    request = Headers(data.draw(written(wanted)))
    found = decide_reuse(stored, request, stored.received_at + timedelta(seconds=resident))

    assert found.assessment.age == meaning.age_at(resident)
    assert found.assessment.lifetime.seconds == meaning.lifetime
    assert found.reuse is expected(meaning, wanted, resident), found.why


@given(responses(), st.booleans(), st.booleans())
def test_storing_is_what_the_meaning_says(
    response: tuple[Meaning, StoredResponse], has_authorization: bool, is_forbidden: bool
) -> None:
    """Section 3, for a private cache: credentials and `private` forbid nothing."""
    meaning, stored = response
    fields = [('Authorization', 'x')] * has_authorization
    fields += [('Cache-Control', 'x , No-Store ')] * is_forbidden
    says = {name for name, _ in meaning.said}
    is_understood = meaning.status in {200, 203, 404, 410}
    forbidden = is_forbidden or ('must-understand' in says and not is_understood)
    forbidden |= 'no-store' in says and 'must-understand' not in says
    is_explicit = (
        is_understood
        or meaning.expires is not None
        or bool(says & {'max-age', 'public', 'private'})
    )

    why = why_not_stored('GET', Headers(tuple(fields)), meaning.status, stored.headers)

    assert (why is None) is (is_explicit and not forbidden), why


_BYTES: Final = frozenset(
    {'etag', 'content-length', 'content-encoding', 'content-range', 'content-md5'}
)
_NAMES = st.sampled_from([
    'ETag', 'Content-Length', 'Content-Encoding', 'X-A', 'x-a', 'Expires', 'Date', 'Connection',
    'Keep-Alive', 'Set-Cookie', 'Content-Type', 'Warning', 'Transfer-Encoding',
])  # fmt: skip
_FIELDS = st.lists(st.tuples(_NAMES, st.sampled_from(['1', '2', 'x-a'])), max_size=6)


@given(_FIELDS, _FIELDS)
def test_a_304_updates_what_it_may(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> None:
    """Section 3.2: each field that it has, but those of the bytes and of the connection."""
    found = update_fields(Headers(tuple(old)), Headers(tuple(new)))
    hop = {'connection', 'keep-alive', 'transfer-encoding'}
    hop |= {value for name, value in new if name == 'Connection'}

    def lines(fields: Sequence[tuple[str, str]], name: str) -> list[str]:
        return [value for key, value in fields if key.lower() == name]

    for name in {key.lower() for key, _ in (*old, *new)}:
        is_taken = lines(new, name) and name not in _BYTES | hop
        kept = [] if name in {'date', 'age'} else lines(old, name)
        assert lines(found.items, name) == (lines(new, name) if is_taken else kept), name


@given(_FIELDS, _FIELDS)
def test_a_head_is_about_the_stored_response_unless_they_differ(
    stored: list[tuple[str, str]], new: list[tuple[str, str]]
) -> None:
    """Section 4.3.5: in a validator or in Content-Length."""
    told = Headers(tuple(stored)), Headers(tuple(new))
    for name in ('ETag', 'Content-Length', 'Last-Modified'):
        now, before = told[1].get(name), told[0].get(name)
        if now is not None and now != before:
            assert not is_about(told[1], told[0])


_PLACES = st.sampled_from([
    ('/y', 'https://h/y'), ('y', 'https://h/a/y'), ('https://h/y', 'https://h/y'),
    ('https://h:443/y', 'https://h/y'), ('//h/y', 'https://h/y'), ('HTTPS://H/y', 'https://h/y'),
    ('http://h/y', None), ('https://h:444/y', None), ('https://elsewhere/y', None), ('//e/y', None),
    ('https://h.evil/y', None), ('https://h@evil/y', None), ('http://[', None),
])  # fmt: skip


@given(
    st.sampled_from(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']),
    st.integers(100, 599),
    st.sampled_from(['Location', 'Content-Location']),
    _PLACES,
)
def test_only_the_same_origin_is_made_invalid(
    method: str, status: int, name: str, place: tuple[str, str | None]
) -> None:
    """Section 4.4, by unsafe methods that succeed or redirect."""
    found = invalidated_urls(method, 'https://h/a/x', status, Headers(((name, place[0]),)))

    if method in {'GET', 'HEAD'} or not 200 <= status < 400:
        assert found == ()
    else:
        assert set(found) == {'https://h/a/x', place[1] or 'https://h/a/x'}
