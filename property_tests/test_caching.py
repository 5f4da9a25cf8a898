"""HTTP's rules for a cache: laws for every message and every time (RFC 9111)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dlmachine.core.cache.http_reuse import request_fields
from dlmachine.core.cache.variant_keys import variant_key, variant_keys
from dlmachine.core.caching.directives import MAX_SECONDS, directives_of
from dlmachine.core.caching.freshness import assess, freshness_lifetime
from dlmachine.core.caching.invalidation import invalidated_urls
from dlmachine.core.caching.preconditions import is_not_modified
from dlmachine.core.caching.reuse import Reuse, decide_reuse, is_usable_on_error
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.caching.storing import storable_fields, why_not_stored
from dlmachine.core.caching.updating import update_fields
from dlmachine.core.caching.variants import is_selected, selecting_fields
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.spec.policy import Policy
from dlmachine.core.text.durations import parse_duration, show_duration
from tests.builders import a_descriptor, a_record

instants = st.integers(-(10**9), 7 * 10**9).map(
    lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
numbers = st.sampled_from(['0', '1', '60', '3600', '"60"', '-1', 'x', '', '1' + 30 * '0'])
directives = st.sampled_from([
    'no-store', 'no-cache', 'no-cache="a"', 'private', 'public', 'must-revalidate',
    'must-understand', 'max-stale', 's-maxage=9', 'only-if-cached', 'immutable', 'x="no-store, max-age=9"',
]) | st.builds(
    '{}={}'.format,
    st.sampled_from(['max-age', 'max-stale', 'min-fresh', 'stale-if-error', 'MAX-AGE']),
    numbers,
)  # fmt: skip
controls = st.lists(directives, max_size=4).map(', '.join) | st.text(max_size=30)
dates = st.sampled_from([
    'Wed, 01 May 2024 00:00:00 GMT', 'Tue, 30 Apr 2024 00:00:00 GMT', '0', 'never',
    'Sunday, 06-Nov-94 08:49:37 GMT', 'Thu Aug 18 02:01:18 9999', 'Sat, 01 Jan 0001 00:00:00 GMT',
])  # fmt: skip
fields = (
    st.tuples(st.just('Cache-Control'), controls)
    | st.tuples(st.sampled_from(['Date', 'Expires', 'Last-Modified']), dates | st.text(max_size=9))
    | st.tuples(st.just('Age'), numbers | st.text(max_size=9))
    | st.tuples(st.just('Vary'), st.sampled_from(['A', 'a, B', 'b', '*', '', ',']))
    | st.tuples(st.sampled_from(['Connection', 'ETag', 'Location']), st.text(max_size=9))
)
asked = st.tuples(st.sampled_from(['A', 'B', 'C']), st.sampled_from(['1', '2', ' 1 ']))
requests = st.lists(asked | st.tuples(st.just('Cache-Control'), controls), max_size=4).map(
    lambda items: Headers(tuple(items))
)
headers = st.lists(fields, max_size=5).map(lambda items: Headers(tuple(items)))
statuses = st.sampled_from([200, 204, 206, 301, 304, 403, 404, 500, 599, 100, 999, 0])


@st.composite
def stored(draw: st.DrawFn) -> StoredResponse:
    """A response in the cache, with the request that it answers."""
    response, request = draw(headers), draw(requests)
    return StoredResponse(
        status=draw(statuses),
        headers=response,
        requested_at=draw(instants),
        received_at=draw(instants),
        selecting=selecting_fields(request, response),
    )


@st.composite
def lasting(draw: st.DrawFn) -> StoredResponse:
    """A response that came at once; most are fresh for some time."""
    response, said = draw(stored()), Headers((('Cache-Control', draw(lifetimes)),))
    lines = draw(st.sampled_from([said, Headers((*said.items, *response.headers.items))]))
    return replace(response, headers=lines, requested_at=response.received_at)


lifetimes = st.sampled_from(['max-age=60', 'max-age=3600', 'max-age=3600, immutable', 'public'])
asking_requests = requests | st.sampled_from(
    ['max-age=60', 'min-fresh=60', 'max-stale=60', 'max-age=0']
).map(lambda control: Headers((('Cache-Control', control),)))
#: Seconds since a response came: near the ends of the lifetimes above, and any.
residences = st.sampled_from([0, 1, 59, 60, 61, 3599, 3600]) | st.integers(0, 10**9)


@given(st.sampled_from(['GET', 'HEAD', 'POST', 'X']), requests, statuses, headers)
def test_storing_is_decided_for_every_message(
    method: str, request: Headers, status: int, response: Headers
) -> None:
    """And what says no-store is not stored."""
    why = why_not_stored(method, request, status, response)

    said = directives_of(response)
    if directives_of(request).no_store or (said.no_store and not said.must_understand):
        assert why
    assert set(storable_fields(response).items) <= set(response.items)


@given(stored(), instants, st.integers(0, 10**10))
def test_the_age_grows_with_the_time(response: StoredResponse, now: datetime, more: int) -> None:
    """By as much, up to the longest age, unless the clock was set back."""
    age = assess(response, now).age
    try:
        later = now + timedelta(seconds=more)
    except OverflowError:
        return

    assert 0 <= age <= MAX_SECONDS
    assert 0 <= freshness_lifetime(response).seconds <= MAX_SECONDS
    if now >= response.received_at:
        exact = age + (later - now).total_seconds()
        assert abs(assess(response, later).age - min(exact, MAX_SECONDS)) <= 1


@given(lasting(), asking_requests, residences, residences)
def test_what_is_stale_stays_stale(
    response: StoredResponse, request: Headers, since: int, more: int
) -> None:
    """As long as the clock goes on."""
    now = response.received_at + timedelta(seconds=since)
    later = now + timedelta(seconds=more)
    if decide_reuse(response, request, later).reuse is Reuse.FRESH:
        assert decide_reuse(response, request, now).reuse is Reuse.FRESH


@given(lasting(), asking_requests, residences)
def test_what_is_used_is_as_fresh_as_it_has_to_be(
    response: StoredResponse, request: Headers, since: int
) -> None:
    """By the numbers of the response and of the request."""
    found = decide_reuse(response, request, response.received_at + timedelta(seconds=since))
    if found.reuse is Reuse.REVALIDATE:
        return
    said, wanted, known = directives_of(response.headers), directives_of(request), found.assessment
    most_stale = wanted.max_stale or 0
    assert known.age >= since or known.age == MAX_SECONDS
    assert known.lifetime.seconds - known.age > (
        0 if found.reuse is Reuse.FRESH else -most_stale - 1
    )
    assert known.lifetime.seconds - known.age >= (wanted.min_fresh or -most_stale)
    if wanted.max_age is not None and not said.is_immutable:
        assert known.age <= wanted.max_age + most_stale
    assert said.must_understand or not said.no_store


@given(stored(), requests, instants, st.booleans())
def test_reuse_is_decided_for_every_message(
    response: StoredResponse,
    request: Headers,
    now: datetime,
    is_wanted: bool,
) -> None:
    """What is used without asking is allowed by all directives."""
    found = decide_reuse(response, request, now)
    usable = is_usable_on_error(response, request, now, is_wanted=is_wanted)

    said, wanted = directives_of(response.headers), directives_of(request)
    if found.reuse is not Reuse.REVALIDATE:
        assert not said.no_cache
        assert not wanted.no_cache
    if found.reuse is Reuse.STALE or usable:
        assert not said.must_revalidate
    if found.reuse is Reuse.FRESH:
        assert assess(response, now).is_fresh
    assert found.why


@given(stored(), requests)
def test_no_response_is_used_for_a_request_that_vary_tells_apart(
    response: StoredResponse, request: Headers
) -> None:
    """A selected response had the same values in all fields that its Vary names."""
    if is_selected(response, request):
        assert response.selecting == selecting_fields(request, response.headers)
        assert '*' not in ','.join(response.headers.get_all('Vary'))


@given(headers, headers)
def test_an_update_is_the_same_if_it_comes_twice(old: Headers, new: Headers) -> None:
    """And the new fields win, except those of the bytes."""
    once = update_fields(old, new)

    assert update_fields(once, new).items == once.items
    assert once.get_all('ETag') == old.get_all('ETag')


@given(stored(), headers, requests)
def test_a_confirmed_response_is_for_the_request_that_confirmed_it(
    response: StoredResponse, new: Headers, request: Headers
) -> None:
    """Unless Vary says that it is for none."""
    updated = update_fields(response.headers, new)
    selecting = selecting_fields(request, updated)

    says_any = any('*' in vary for vary in updated.get_all('Vary'))
    confirmed = replace(response, headers=updated, selecting=selecting)
    assert is_selected(confirmed, request) is not says_any


@given(st.integers(0, 10**9))
def test_a_shown_duration_reads_as_at_most_as_long(seconds: int) -> None:
    """And as more than half, because only small units are left out."""
    read = parse_duration(show_duration(seconds))

    assert read is not None
    assert seconds / 2 <= read.total_seconds() <= seconds


@given(stored(), requests, instants, st.booleans())
def test_an_invalid_response_is_never_used_without_asking(
    response: StoredResponse, request: Headers, now: datetime, is_wanted: bool
) -> None:
    """Whatever its fields and those of the request say (RFC 9111 section 4.4)."""
    invalid = replace(response, is_invalid=True)

    assert decide_reuse(invalid, request, now).reuse is Reuse.REVALIDATE
    assert not is_usable_on_error(invalid, request, now, is_wanted=is_wanted)


@given(st.sampled_from(['GET', 'HEAD', 'POST', 'DELETE', 'X']), statuses, headers)
def test_only_a_success_of_an_unsafe_method_makes_responses_invalid(
    method: str, status: int, response: Headers
) -> None:
    """And then the requested URL is among them."""
    found = invalidated_urls(method, 'https://h/x', status, response)

    is_change = method not in {'GET', 'HEAD'} and 200 <= status <= 399
    assert (found[:1] == ('https://h/x',)) is is_change
    assert all(url.startswith('https://h/') for url in found)


@given(stored(), st.text(max_size=20), st.text(max_size=20))
def test_a_condition_is_decided_for_every_text(
    response: StoredResponse, tags: str, since: str
) -> None:
    """A tag that the stored response does not have never yields 304."""
    asked = Headers((('If-None-Match', tags), ('If-Modified-Since', since)))

    if is_not_modified(asked, response):
        assert '*' in tags or '"' in tags


@given(
    headers,
    st.lists(asked, max_size=3),
    st.lists(asked, max_size=3).filter(
        lambda pairs: len({name for name, _ in pairs}) == len(pairs)
    ),
)
def test_a_registry_finds_each_variant_that_may_answer(
    response: Headers, before: list[tuple[str, str]], now: list[tuple[str, str]]
) -> None:
    """The keys of a request include that of each response to an equal one."""
    record = a_record(request_headers=tuple(before), response_headers=response.items)
    request = a_descriptor(headers=dict(now))
    stored = StoredResponse(
        headers=response,
        requested_at=record.started_at,
        received_at=record.finished_at,
        selecting=selecting_fields(Headers(tuple(before)), response),
    )
    found = variant_key(record)
    names = [name for name, _ in stored.selecting]
    if is_selected(stored, request_fields(request, Policy())):
        assert found == '' or (found,) == variant_keys(request, [','.join(names)])
