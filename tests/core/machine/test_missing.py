"""What a run remembers about a missing file, and when that replaces a request."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from returns.pipeline import is_successful

from dlmachine.core.cache.missing import Miss, sources_of
from dlmachine.core.cache.updates import MissingUpdate, as_file_update, as_version_update
from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.snapshot import FileSeen, Snapshot
from dlmachine.core.decision.verdict import Verdict
from dlmachine.core.faults import HttpStatus, OfflineMiss
from dlmachine.core.frozen import replace
from dlmachine.core.plan.render import show_effect
from dlmachine.core.protocol.effects import Discard, Exchange, Record
from dlmachine.core.protocol.events import Discarded, EffectFailed, LockReleased, Recorded
from dlmachine.core.spec.destination import PathKind, ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness, RememberMissing, Window
from tests.builders import (
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_file,
    a_path,
    a_policy,
    a_snapshot,
    an_entry,
    an_unrecorded,
    answered,
)

WEEK = timedelta(days=7)
RULE = RememberMissing(lasts=WEEK)
SOURCES = sources_of(a_descriptor().addresses)
MISS = Miss(
    key='k',
    url='http://h/x',
    status=404,
    at=NOW - WEEK / 7,
    until=NOW + WEEK * 6 / 7,
    sources=SOURCES,
)


def _policy(**options: Any) -> Policy:
    return a_policy(**{'remember_missing': RULE, 'retries': 0, **options})


def _seen(miss: Miss | None = MISS, **seen: Any) -> Snapshot:
    return a_snapshot(**{'cache': a_cache(), 'missing': miss, **seen})


def test_a_known_miss_is_reported_with_its_beginning_and_end() -> None:
    """Since when, until when, and what to do."""
    fault = decide(a_descriptor(), _policy(), _seen()).failure()
    assert isinstance(fault, HttpStatus)
    assert (fault.known_since, fault.known_until) == (MISS.at, MISS.until)
    assert fault.what().endswith('when the server answered 404')
    assert fault.remedy().endswith('to ask now, pass force_download=True')


@pytest.mark.parametrize(('options', 'is_known'), [
    ({}, True),
    ({'offline': True}, True),
    ({'freshness': Freshness.STORED}, True),
    ({'freshness': Freshness.HTTP}, True),
    ({'freshness': WEEK}, True),
    ({'dest': ToMemory()}, True),
    ({'remember_missing': None}, False),
    ({'remember_missing': RememberMissing(lasts=WEEK, statuses=(403,))}, False),
    ({'remember_missing': RememberMissing(lasts=WEEK / 7)}, False),
    ({'remember_missing': RememberMissing(lasts=WEEK / 6)}, True),
    ({'any_status': True}, False),
    ({'force_download': True}, False),
    ({'check_freshness': True}, False),
    ({'freshness': Freshness.ALWAYS}, False),
    ({'window': Window(newer_than=WEEK / 7)}, True),
    ({'window': Window(newer_than=WEEK / 8)}, False),
    ({'window': Window(newer_than=MISS.at)}, False),
    ({'stale_if_error': True}, True),
])  # fmt: skip
def test_the_options_decide_whether_it_counts(options: dict[str, Any], is_known: bool) -> None:
    """Those that ask for the present state do not accept it."""
    policy = _policy(**options)
    found = decide(a_descriptor(), policy.at(NOW), _seen())
    failed = found.swap().value_or(None)
    assert isinstance(failed, HttpStatus) is is_known, failed


@pytest.mark.parametrize('method', ['PUT', 'PATCH', 'DELETE'])
def test_a_request_that_changes_something_is_sent(method: str) -> None:
    """Its answer is not about a file that is missing."""
    run = Run(replace(a_descriptor(), method=method), _policy(), _seen()).go_well(until=Exchange)
    run.feed(answered(404))
    assert not run.misses


@pytest.mark.parametrize('miss', [
    replace(MISS, at=NOW + timedelta(seconds=1)),
    replace(MISS, at=NOW + timedelta(days=365), until=NOW + timedelta(days=372)),
    replace(MISS, until=NOW),
])  # fmt: skip
def test_a_miss_of_another_time_does_not_count(miss: Miss) -> None:
    """Of the future, after a clock was set back, and of the past."""
    assert is_successful(decide(a_descriptor(), _policy(), _seen(miss)))


def test_a_run_that_misses_remembers_it() -> None:
    """Once, before it lets go of its part; the time is that of the observation."""
    run = Run(None, _policy(), _seen(None)).go_well(until=Exchange).feed(answered(404))
    assert isinstance(run.step.effect, Record)
    assert show_effect(run.step.effect) == 'record as missing'
    [update] = run.misses
    key = run.snapshot.key
    miss = Miss(key=key, url=URL, status=404, at=NOW, until=NOW + WEEK, sources=SOURCES)
    assert update == MissingUpdate(key=key, miss=miss)
    run.feed(Recorded(at=NOW))
    assert isinstance(run.step.effect, Discard)
    assert isinstance(run.feed(Discarded(at=NOW), LockReleased(at=NOW)).fault, HttpStatus)


@pytest.mark.parametrize(('options', 'is_forgotten'), [({'check_freshness': True}, False), ({'force_download': True}, True)])  # fmt: skip
def test_only_a_forced_download_that_fails_forgets_a_miss(
    options: dict[str, Any], is_forgotten: bool
) -> None:
    """Whether the file is still missing is not known after a 500."""
    run = Run(None, _policy(**options), _seen()).go_well(until=Exchange).feed(answered(500))
    assert [update.miss for update in run.misses] == [None] * is_forgotten


def test_a_new_mirror_is_asked() -> None:
    """The key is the same, but the earlier answers were of other URLs."""
    target = a_descriptor(mirrors=['https://mirror.example/t.csv'])
    run = Run(target, _policy(), _seen()).go_well(until=Exchange)
    assert run.exchanges


def test_a_miss_that_cannot_be_recorded_changes_nothing() -> None:
    """The fault is that of the server."""
    run = Run(None, _policy(), _seen(None)).go_well(until=Exchange).feed(answered(404))
    run.feed(EffectFailed(at=NOW, fault=OfflineMiss(url='', cache=None)))
    assert isinstance(run.feed(Discarded(at=NOW), LockReleased(at=NOW)).fault, HttpStatus)


@pytest.mark.parametrize(('answers', 'count'), [
    ((404, 404), 1), ((404, 410), 1), ((404, 500), 0), ((500, 404), 0), ((404, 403), 0),
])  # fmt: skip
def test_all_sources_must_say_so(answers: tuple[int, ...], count: int) -> None:
    """A mirror that answered otherwise may have it."""
    descriptor = a_descriptor(mirrors=('http://m/x',))
    run = Run(descriptor, _policy(), _seen(None)).go_well(until=Exchange)
    for status in answers:
        run.feed(answered(status))
    assert len(run.misses) == count


def test_a_later_answer_counts_more() -> None:
    """A status that may pass, and is listed, is asked for again; then it is another."""
    rule = RememberMissing(lasts=WEEK, statuses=(404, 503))
    run = Run(None, _policy(remember_missing=rule, retries=1), _seen(None)).go_well(until=Exchange)
    run.feed(answered(503)).go_well(until=Exchange).feed(answered(500))
    assert not run.misses


def test_a_forced_download_that_fails_forgets() -> None:
    """What was known before it has been asked for."""
    run = Run(None, _policy(force_download=True), _seen()).go_well(until=Exchange)
    run.feed(answered(500))
    assert run.misses == [MissingUpdate(key=run.snapshot.key)]
    assert isinstance(run.step.effect, Record)
    assert show_effect(run.step.effect) == 'record as no longer missing'


def test_nothing_is_forgotten_that_was_not_known() -> None:
    """A forced download that fails otherwise."""
    run = Run(None, _policy(force_download=True), _seen(None)).go_well(until=Exchange)
    assert not run.feed(answered(500)).misses


@pytest.mark.parametrize(('known', 'status', 'is_kept'), [(MISS, 500, False), (None, 404, True)])
def test_a_miss_at_a_path_is_in_the_index_of_its_folder(
    known: Miss | None, status: int, *, is_kept: bool
) -> None:
    """It is remembered there, and forgotten there."""
    policy = _policy(dest=ToPath('/data/x.csv'), force_download=True)
    seen = _seen(known, file=a_file(), destination=a_path())
    run = Run(None, policy, seen).go_well(until=Exchange).feed(answered(status))
    (update,) = run.misses
    assert (update.folder, update.miss is not None) == ('/data', is_kept)


def test_a_success_in_memory_forgets() -> None:
    """What is recorded ends a miss by itself, but nothing is recorded of memory."""
    run = Run(None, _policy(dest=ToMemory(), force_download=True), _seen())
    run.go_well(until=Record)
    assert run.misses == [MissingUpdate(key=run.snapshot.key)]
    assert run.feed(Recorded(at=NOW)).outcome.origin.value == 'network'


def test_without_a_cache_memory_remembers_nothing() -> None:
    """There is no place for it."""
    snapshot = _seen(None, cache=None)
    run = Run(None, _policy(dest=ToMemory()), snapshot).go_well(until=Exchange)
    assert not run.feed(answered(404)).misses


def test_updates_go_to_the_index_of_a_folder_or_to_the_cache() -> None:
    """One kind of update for both."""
    of_folder, of_cache = MissingUpdate(key='k', folder='/d'), MissingUpdate(key='k')
    assert (as_file_update(of_folder), as_version_update(of_folder)) == (of_folder, None)
    assert (as_file_update(of_cache), as_version_update(of_cache)) == (None, of_cache)


def test_a_duration_without_end_ends_with_time() -> None:
    """It does not overflow."""
    late = datetime.max.replace(tzinfo=UTC)
    assert replace(MISS, until=late).ends_at(timedelta.max) == late


@pytest.mark.parametrize('file', [a_file(), None])
def test_at_a_path_the_index_of_the_folder_remembers(file: FileSeen | None) -> None:
    """If there can be a file."""
    policy, seen = _policy(dest=ToPath('/data/x.csv')), _seen(None, destination=a_path(), file=file)
    run = Run(None, policy, seen).go_well(until=Exchange).feed(answered(404))
    assert [update.folder for update in run.misses] == ([] if file is None else ['/data'])


def test_a_file_that_is_filled_from_the_cache_leaves_it_to_the_cache() -> None:
    """The run that fills the cache knows."""
    policy = _policy(dest=ToPath('/data/x.csv'), via_cache=True)
    seen = _seen(destination=a_path(), file=a_file())
    assert is_successful(decide(a_descriptor(), policy, seen))


@pytest.mark.parametrize(('options', 'is_known'), [({}, True), ({'stale_if_error': True}, False)])
def test_what_could_be_used_after_an_error_is_not_kept_from_it(
    options: dict[str, Any],
    is_known: bool,
) -> None:
    """The request is sent, so that its failure is told with the copy."""
    policy = _policy(dest=ToPath('/data/x.csv'), **options)
    seen = _seen(destination=a_path(PathKind.FILE), file=a_file(other=an_unrecorded()))
    assert is_successful(decide(a_descriptor(), policy, seen)) is not is_known


def test_a_copy_is_checked_whatever_is_known() -> None:
    """A miss replaces a download only."""
    seen = _seen(cache=a_cache(an_entry()))
    found = decide(a_descriptor(), _policy(freshness=timedelta(0)), seen).unwrap()
    assert found.verdict is Verdict.REVALIDATE


@pytest.mark.parametrize(
    ('control', 'freshness', 'is_known'),
    [
        ('no-cache', Freshness.HTTP, False),
        ('no-cache', Freshness.STORED, True),
        ('max-age=86399', Freshness.HTTP, False),
        ('max-age=86400', Freshness.HTTP, True),
        ('only-if-cached', Freshness.HTTP, True),
    ],
)
def test_a_request_may_ask_in_spite_of_a_miss(
    control: str, freshness: Freshness, *, is_known: bool
) -> None:
    """By the rules of HTTP, as for a copy."""
    descriptor = a_descriptor(headers={'Cache-Control': control})
    found = decide(descriptor, _policy(freshness=freshness), _seen())
    assert is_successful(found) is not is_known


@pytest.mark.parametrize(
    ('freshness', 'is_remembered'), [(Freshness.HTTP, False), (Freshness.STORED, True)]
)
def test_the_answer_to_a_request_with_no_store_is_not_remembered(
    freshness: Freshness, *, is_remembered: bool
) -> None:
    """By the rules of HTTP."""
    descriptor = a_descriptor(headers={'Cache-Control': 'no-store'})
    run = Run(descriptor, _policy(freshness=freshness), _seen(None)).go_well(until=Exchange)
    run.feed(answered(404))
    assert isinstance(run.step.update, MissingUpdate) is is_remembered
