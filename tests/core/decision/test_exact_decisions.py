"""Decisions and their notes where one value makes the difference."""

from datetime import timedelta
from typing import Any

import pytest
from returns.pipeline import is_successful

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.missing import Miss, sources_of
from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.existing import decide_existing, occupied
from dlmachine.core.decision.locate import locate
from dlmachine.core.decision.missing import find_known_missing
from dlmachine.core.decision.names import free_name, numbered
from dlmachine.core.decision.others import other_notes
from dlmachine.core.decision.part_location import may_need_part
from dlmachine.core.decision.verdict import Reason, Verdict
from dlmachine.core.faults import HttpStatus, StorageFailed
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.spec.destination import AtPath, InCache, ToMemory, ToPath
from dlmachine.core.spec.reuse import Freshness, RememberMissing, Window
from tests.builders import (
    BEFORE,
    DIGEST,
    NOW,
    URL,
    a_cache,
    a_descriptor,
    a_file,
    a_policy,
    a_record,
    a_snapshot,
    an_entry,
    an_unrecorded,
)

DAY = timedelta(days=1)


def test_a_copy_that_no_download_can_replace_is_used_as_a_stored_one() -> None:
    """It is not fresh, but a new one would not be older than the date."""
    policy = a_policy(freshness=timedelta(0), window=Window(older_than=BEFORE + DAY))
    found = decide(a_descriptor(), policy, a_snapshot(cache=a_cache(an_entry()))).unwrap()
    assert (found.verdict, found.reason) == (Verdict.USE_CACHED, Reason.STORED)


@pytest.mark.parametrize(
    ('headers', 'verdict'),
    [({}, Verdict.REVALIDATE), ({'If-None-Match': '"v0"'}, Verdict.FETCH)],
)
def test_the_callers_own_condition_is_sent_instead_of_ours(headers: Any, verdict: Verdict) -> None:
    """If the copy is stale."""
    record = a_record(response_headers=(('Cache-Control', 'max-age=1'), ('ETag', '"v1"')))
    entry = an_entry(record=record)
    target = a_descriptor(headers=headers)
    seen = a_snapshot(target, cache=a_cache(entry))
    found = decide(target, a_policy(freshness=Freshness.HTTP), seen).unwrap()
    assert (found.verdict, found.reason) == (verdict, Reason.STALE)
    assert found.entry is (entry if verdict is Verdict.REVALIDATE else None)


def test_a_file_fits_whenever_it_was_stored() -> None:
    """The window is for copies whose age is known."""
    other = an_unrecorded(stored_at=BEFORE)
    policy = a_policy(
        dest=ToPath('/data/x.csv'),
        checksum=Checksum('sha256', DIGEST),
        window=Window(newer_than=NOW),
    )
    assert decide_existing(a_file(other=other), policy) == (Reason.FITS, other)


def test_an_unrecorded_file_has_no_owner_in_the_message() -> None:
    """One with an owner names it."""
    assert occupied('x').problem == 'is a file that dlmachine did not record'
    assert occupied('x', 'http://h/').problem == 'is the file of http://h/'


@pytest.mark.parametrize(
    ('path', 'operation', 'destination'),
    [
        ('/d/.dlmachine/ab.part', 'write', '/d/x'),
        ('/d', 'create', '/d/x'),
        ('/d', 'write', ''),
    ],
)
def test_a_fault_of_a_part_is_one_of_its_destination(
    path: str, operation: Any, destination: str
) -> None:
    """So is a part that cannot be created."""
    fault = StorageFailed(path=path, operation=operation, problem='full')
    located = locate(fault, a_descriptor(), AtPath('/d/x'))
    assert isinstance(located, StorageFailed)
    assert (located.url, located.destination) == (URL, destination)


@pytest.mark.parametrize('entries', [(), (an_entry(),)])
def test_a_known_miss_is_the_fault_unless_a_stale_copy_is_used(
    entries: tuple[CacheEntry, ...],
) -> None:
    """With its times and the masked URL."""
    target = a_descriptor(f'{URL}?token=planted')
    miss = Miss(
        key='', url='', status=404, at=BEFORE, until=NOW + DAY, sources=sources_of(target.addresses)
    )
    policy = a_policy(stale_if_error=True, remember_missing=RememberMissing(lasts=99 * DAY))
    seen = a_snapshot(target, cache=a_cache(*entries), missing=miss)
    found = find_known_missing(target, policy, seen, InCache('/cache'))
    expected = HttpStatus(
        url=f'{URL}?token=***', status=404, known_since=BEFORE, known_until=NOW + DAY
    )
    assert found == (None if entries else expected)


def test_names_are_numbered_from_two() -> None:
    """Before the extension, if there is one."""
    assert free_name('t.csv', {'t.csv'}.__contains__) == 't-2.csv'
    assert numbered('readme', 2) == 'readme-2'


@pytest.mark.parametrize(
    ('reason', 'is_noted'),
    [(Reason.SAME_CONTENT, True), (Reason.EARLIER_KEY, True), (Reason.STORED, False)],
)
def test_a_plan_notes_where_other_bytes_are_from(reason: Reason, *, is_noted: bool) -> None:
    """If that is on record."""
    note = (f'the bytes are those of {URL}',)
    assert other_notes(reason, an_entry()) == (note if is_noted else ())
    assert other_notes(reason, an_entry(record=None)) == ()


def test_a_part_is_searched_for_if_the_copy_that_counts_is_stale() -> None:
    """A copy from the future does not count; where nothing is recorded, a part may be."""
    cache = a_cache(an_entry(1, stored_at=NOW + DAY), an_entry(2))
    assert may_need_part(a_policy(freshness=DAY), cache, None, NOW)
    at_path = a_policy(dest=ToPath('/data/x'), freshness=Freshness.STORED)
    assert may_need_part(at_path, None, None, NOW)


def test_a_copy_from_the_future_is_older_than_all_others() -> None:
    """At first, and among those that were stored while a run waited."""
    ahead = an_entry(2, stored_at=NOW + timedelta(days=1))
    seen = a_snapshot(cache=a_cache(an_entry(1, stored_at=BEFORE), ahead))
    for policy, before in ((a_policy(), None), (a_policy(force_download=True), frozenset())):
        found = decide(a_descriptor(), policy, seen, before).unwrap().entry
        assert found is not None
        assert found.version == 1


def test_a_window_of_the_past_is_one_of_stored_copies() -> None:
    """A download into memory uses none of them."""
    past = Window(older_than=BEFORE)
    assert is_successful(
        decide(a_descriptor(), a_policy(window=past, dest=ToMemory()), a_snapshot())
    )
    refused = decide(a_descriptor(), a_policy(window=past), a_snapshot(cache=a_cache()))
    assert refused.failure().code == 'window_unsatisfiable'
