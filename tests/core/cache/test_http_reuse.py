"""Stored copies by the rules of HTTP: which of them answer a request."""

from datetime import timedelta
from time import process_time
from typing import Any

import pytest

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.http_reuse import (
    is_last_resort,
    judge_copy,
    of_variant,
    request_fields,
    reusable_copies,
    stored_response,
)
from dlmachine.core.cache.key import keyed_by_vary
from dlmachine.core.caching.freshness import MAX_SKEW
from dlmachine.core.caching.reuse import Reuse
from tests.builders import BEFORE, NOW, URL, a_descriptor, a_policy, a_record, an_entry

SECOND = timedelta(seconds=1)


def stored(*fields: tuple[str, str], **known: Any) -> CacheEntry:
    """A copy that came now with these fields, to a request with the default fields."""
    times = {'started_at': NOW - SECOND, 'finished_at': NOW}
    asked = request_fields(a_descriptor(), a_policy()).items
    record = a_record(**{**times, 'request_headers': asked, **known, 'response_headers': fields})
    return an_entry(record=record)


def answers(entry: CacheEntry, **described: Any) -> bool:
    """Whether a copy may answer a request."""
    return reusable_copies((entry,), a_descriptor(**described), a_policy(), NOW) == (entry,)


@pytest.mark.parametrize(
    ('entry', 'described', 'expected'),
    [
        (stored(), {}, True),
        (stored(('Cache-Control', 'no-store')), {}, False),
        (stored(request_headers=(('Cache-Control', 'no-store'),)), {}, False),
        (stored(http_code=201), {}, False),
        (stored(http_code=0), {}, True),
        (an_entry(record=None), {}, True),
        (stored(method='POST'), {'method': 'POST'}, False),
        (stored(), {'data': b'x'}, False),
        (stored(('Vary', 'Accept-Encoding, User-Agent')), {}, True),
        (stored(('Vary', 'Accept-Encoding')), {'headers': {'Accept-Encoding': 'gzip'}}, False),
        (stored(('Vary', 'X-Lab')), {}, True),
        (stored(('Vary', 'X-Lab')), {'headers': {'X-Lab': '1'}}, False),
        (stored(('Vary', 'X-Lab'), request_headers=(('x-lab', '1'),)), {'headers': {'X-Lab': '1'}}, True),
        (stored(('Vary', 'Authorization'), request_headers=(('Authorization', '***'),)), {'headers': {'Authorization': 'x'}}, True),
        (stored(('Vary', '*')), {}, False),
    ],
)  # fmt: skip
def test_a_copy_may_answer_a_request(
    entry: CacheEntry, described: dict[str, Any], *, expected: bool
) -> None:
    """Secrets are compared masked: the key tells them apart."""
    assert answers(entry, **described) is expected


def test_the_age_counts_from_the_last_confirmation() -> None:
    """And before that from the download, which includes the time that it took.

    A comparison of sizes, for which no request is on record, confirms nothing.
    """
    fresh = stored(('Age', '5'))
    assert judge_copy(fresh, a_descriptor(), NOW).assessment.age == 6

    confirmed = stored(('Age', '5'), validated_at=NOW + SECOND, requested_at=NOW)
    assert judge_copy(confirmed, a_descriptor(), NOW + SECOND).assessment.age == 6
    compared = stored(('Age', '5'), validated_at=NOW + SECOND)
    assert judge_copy(compared, a_descriptor(), NOW + SECOND).assessment.age == 7


def test_a_copy_without_a_record_is_revalidated() -> None:
    """Its age counts from when it was stored."""
    entry = an_entry(record=None)

    assert stored_response(entry).received_at == BEFORE
    found = judge_copy(entry, a_descriptor(), NOW)
    assert (found.reuse, found.why) == (
        Reuse.REVALIDATE,
        'stale: the server states no lifetime (age 30 d)',
    )


def test_the_fields_of_a_request_include_the_defaults() -> None:
    """After the caller's own, as they are sent; secrets are masked."""
    asked = a_descriptor(headers={'X-Lab': '7', 'Accept': 'a', 'Authorization': 'planted'})
    assert request_fields(asked, a_policy(user_agent='me/1')).items == (
        ('X-Lab', '7'),
        ('Accept', 'a'),
        ('Authorization', '***'),
        ('Accept-Encoding', 'identity'),
        ('User-Agent', 'me/1'),
    )


MOVED = (URL, 'https://elsewhere.example/t.csv')


@pytest.mark.parametrize(
    ('lasts', 'asked', 'reuse'),
    [
        (None, '', Reuse.REVALIDATE),
        (60, '', Reuse.FRESH),
        (1, '', Reuse.REVALIDATE),
        (2, '', Reuse.FRESH),
        (60, 'max-age=60', Reuse.REVALIDATE),
        (60, 'min-fresh=58', Reuse.FRESH),
        (9, 'min-fresh=9', Reuse.REVALIDATE),
        (1, 'max-stale', Reuse.REVALIDATE),
    ],
)
def test_a_copy_that_came_through_a_redirect(lasts: int | None, asked: str, reuse: Reuse) -> None:
    """Is used while both are fresh, if it is known how long the redirect is."""
    until = None if lasts is None else NOW + lasts * SECOND
    moved = stored(('Cache-Control', 'max-age=60'), urls=MOVED, moved_until=until)
    descriptor = a_descriptor(headers={'Cache-Control': asked} if asked else None)

    found = judge_copy(moved, descriptor, NOW + SECOND)

    assert found.reuse is reuse


def test_the_arithmetic_tells_of_the_redirect() -> None:
    """If it is the first to end, or if nothing is known of it."""
    fields = ('Cache-Control', 'max-age=60')
    short = stored(fields, urls=MOVED, moved_until=NOW + 9 * SECOND)
    unknown = stored(fields, urls=MOVED)
    found = [judge_copy(one, a_descriptor(), NOW).why for one in (short, unknown)]

    assert found == [
        'fresh for 9 s more (redirect 10 s, age 1 s)',
        'it came through a redirect; fresh for 59 s more (max-age 1 min, age 1 s)',
    ]


def test_a_copy_is_the_last_resort_unless_the_server_forbids_it() -> None:
    """As `core.caching` says."""
    for control, may in (('max-age=1', True), ('max-age=1, must-revalidate', False)):
        entry = stored(('Cache-Control', control))
        later = NOW + timedelta(hours=1)
        found = is_last_resort(entry, a_descriptor(), a_policy(), later, is_wanted=True)
        assert found is may


def of_language(language: str, *fields: tuple[str, str], **known: Any) -> CacheEntry:
    """A copy of one variant."""
    asked = (('Accept-Language', language),)
    return stored(('Vary', 'Accept-Language'), *fields, request_headers=asked, **known)


def test_a_newer_response_that_is_not_stored_ends_the_use_of_older_ones() -> None:
    """Otherwise an older version came back; those of other variants stay."""
    german = a_descriptor(headers={'Accept-Language': 'de'})
    old = of_language('de', ('Cache-Control', 'max-age=99'), finished_at=BEFORE)
    later = BEFORE + timedelta(seconds=1)
    new = of_language('de', ('Cache-Control', 'no-store'), finished_at=later)
    other = of_language('fr', ('Cache-Control', 'no-store'), finished_at=later)
    again = of_language('de', finished_at=BEFORE, validated_at=NOW, requested_at=NOW)
    assert reusable_copies((old, new), german, a_policy(), NOW) == ()
    assert reusable_copies((old, other), german, a_policy(), NOW) == (old,)
    same = of_language('de', finished_at=later)
    assert reusable_copies((same, new), german, a_policy(), NOW) == ()
    assert reusable_copies((old, new, again), german, a_policy(), NOW) == (again,)


def test_a_response_that_depends_on_cookies_is_not_used_where_a_jar_sends_some() -> None:
    """Which ones is not known before; it may be the response for another session."""
    kept = stored(('Vary', 'Cookie'), ('Cache-Control', 'max-age=99'))

    assert answers(kept)
    assert not answers(kept, cookies='/jar.txt')
    assert answers(stored(('Vary', 'Accept')), cookies='/jar.txt')


def test_a_response_from_before_the_clock_was_set_back_is_older_than_all_others() -> None:
    """It must not be stored; the copies that came after it were downloaded again each time."""
    german = a_descriptor(headers={'Accept-Language': 'de'})
    ahead = NOW + timedelta(hours=1)
    unstored = of_language('de', ('Cache-Control', 'no-store'), finished_at=ahead)
    copy = of_language('de', finished_at=BEFORE)
    older = of_language('de', finished_at=ahead - timedelta(minutes=1))

    assert reusable_copies((unstored, copy, older), german, a_policy(), NOW) == (copy,)
    assert reusable_copies((unstored, copy, older), german, a_policy(), ahead) == ()
    # Clocks may differ by so much, and then nothing was set back.
    soon = ahead - timedelta(seconds=MAX_SKEW)
    assert reusable_copies((unstored, copy), german, a_policy(), soon) == ()
    sooner = soon - timedelta(microseconds=1)
    assert reusable_copies((unstored, copy), german, a_policy(), sooner) == (copy,)


def test_a_new_copy_replaces_those_of_its_variant() -> None:
    """And those that answer no other request; all of them, if the key is of one variant."""
    german = a_descriptor(headers={'Accept-Language': 'de'})
    copies = (of_language('de'), of_language('fr'), stored(('Vary', '*')))
    by_vary = keyed_by_vary(german)
    assert of_variant(copies, by_vary, a_policy()) == (copies[0], copies[2])
    assert of_variant(copies, german, a_policy()) == copies


@pytest.mark.timing
def test_ten_thousand_variants_are_read_in_linear_time() -> None:
    """Also if many copies are of one variant, and one of them must not be stored."""
    german = a_descriptor(headers={'Accept-Language': 'l0'})
    many = [of_language(f'l{n}', ('Cache-Control', 'no-store')) for n in range(1, 5_000)]
    times = [NOW + n * SECOND for n in range(1, 5_000)]
    many += [of_language('l0', validated_at=at, requested_at=at) for at in times]
    copies = (*many, of_language('l0', ('Cache-Control', 'no-store')))
    began = process_time()
    now = NOW + 5_000 * SECOND
    assert len(reusable_copies(copies, german, a_policy(), now)) == 4_999
    assert process_time() - began < 10
