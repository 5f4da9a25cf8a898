"""Decisions: every reason and every refusal."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.decision.backends import choose_backend
from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Address, Decision, Reason, Verdict
from dlmachine.core.faults import (
    BackendMissing,
    CacheUnusable,
    OfflineMiss,
    SchemeRefused,
    WindowUnsatisfiable,
)
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import (
    AtPath,
    Auto,
    InCache,
    InFolder,
    InMemory,
    PathKind,
    ToMemory,
    ToPath,
)
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Window
from tests.builders import (
    BEFORE,
    CURL,
    FOLDER,
    MIRROR,
    NOW,
    OTHER_DIGEST,
    REQUESTS,
    URL,
    a_cache,
    a_descriptor,
    a_part,
    a_path,
    a_policy,
    a_record,
    a_snapshot,
    an_entry,
)

STORED = a_snapshot(cache=a_cache(an_entry()))
EMPTY = a_snapshot(cache=a_cache())
BROKEN = CacheUnusable(path=FOLDER, problem='is no database')
PAST = Window(older_than=BEFORE)
FILE = ToPath('/data/x')

VERDICTS: list[tuple[str, Policy, Snapshot, Verdict, Reason, Any]] = [
    ('a stored copy is used', a_policy(), STORED, Verdict.USE_CACHED, Reason.STORED, InCache(FOLDER)),
    ('a check asks the server', a_policy(check_freshness=True), STORED, Verdict.REVALIDATE, Reason.CHECK_ASKED, InCache(FOLDER)),
    ('force fetches', a_policy(force_download=True), STORED, Verdict.FETCH, Reason.FORCED, InCache(FOLDER)),
    ('a copy within its time is fresh', a_policy(freshness=timedelta(days=99)), STORED, Verdict.USE_CACHED, Reason.FRESH, InCache(FOLDER)),
    ('an older copy is checked', a_policy(freshness=timedelta(0)), STORED, Verdict.REVALIDATE, Reason.STALE, InCache(FOLDER)),
    ('offline an older copy is used', a_policy(freshness=timedelta(0), offline=True), STORED, Verdict.USE_CACHED, Reason.OFFLINE, InCache(FOLDER)),
    ('force outranks a fresh copy', a_policy(freshness=timedelta(days=99), force_download=True), STORED, Verdict.FETCH, Reason.FORCED, InCache(FOLDER)),
    ('force outranks a check', a_policy(force_download=True, check_freshness=True), STORED, Verdict.FETCH, Reason.FORCED, InCache(FOLDER)),
    ('nothing stored', a_policy(), EMPTY, Verdict.FETCH, Reason.NOT_STORED, InCache(FOLDER)),
    ('only a broken version', a_policy(), a_snapshot(cache=a_cache(an_entry(status=Status.WRITE))), Verdict.FETCH, Reason.NONE_USABLE, InCache(FOLDER)),
    ('a version of another size', a_policy(), a_snapshot(cache=a_cache(an_entry(file_bytes=1))), Verdict.FETCH, Reason.RESIZED, InCache(FOLDER)),
    ('a version that is not ready', a_policy(), a_snapshot(cache=a_cache(an_entry(status=Status.FAILED, file_bytes=None))), Verdict.FETCH, Reason.NONE_USABLE, InCache(FOLDER)),
    ('a touched version', a_policy(), a_snapshot(cache=a_cache(an_entry(file_mtime_ns=2, record=a_record(mtime_ns=1)))), Verdict.USE_CACHED, Reason.CHANGED, InCache(FOLDER)),
    ('too small a version', a_policy(min_bytes=9), a_snapshot(cache=a_cache(an_entry())), Verdict.FETCH, Reason.NONE_USABLE, InCache(FOLDER)),
    ('too large a version', a_policy(max_bytes=7), a_snapshot(cache=a_cache(an_entry())), Verdict.FETCH, Reason.NONE_USABLE, InCache(FOLDER)),
    ('a version of the right size', a_policy(min_bytes=8, max_bytes=8), a_snapshot(cache=a_cache(an_entry())), Verdict.USE_CACHED, Reason.STORED, InCache(FOLDER)),
    ('a version with another digest', a_policy(checksum=Checksum('sha256', OTHER_DIGEST)), STORED, Verdict.FETCH, Reason.NONE_USABLE, InCache(FOLDER)),
    ('a version outside the window', a_policy(window=Window(newer_than=BEFORE)), STORED, Verdict.FETCH, Reason.NONE_USABLE, InCache(FOLDER)),
    ('offline a stored copy will do', a_policy(offline=True), STORED, Verdict.USE_CACHED, Reason.STORED, InCache(FOLDER)),
    ('offline no request is sent', a_policy(offline=True, check_freshness=True), STORED, Verdict.USE_CACHED, Reason.OFFLINE, InCache(FOLDER)),
    ('offline nothing is forced', a_policy(offline=True, force_download=True), STORED, Verdict.USE_CACHED, Reason.OFFLINE, InCache(FOLDER)),
    ('no cache: memory', a_policy(), a_snapshot(), Verdict.FETCH, Reason.MEMORY, InMemory()),
    ('memory although there is a cache', a_policy(dest=ToMemory()), STORED, Verdict.FETCH, Reason.MEMORY, InMemory()),
    ('memory although the cache is broken', a_policy(dest=ToMemory()), a_snapshot(cache=a_cache(fault=BROKEN)), Verdict.FETCH, Reason.MEMORY, InMemory()),
    ('a file', a_policy(dest=FILE), a_snapshot(destination=a_path()), Verdict.FETCH, Reason.PATH_GIVEN, AtPath('/data/x')),
    ('a folder', a_policy(dest=FILE), a_snapshot(destination=a_path(PathKind.FOLDER)), Verdict.FETCH, Reason.PATH_GIVEN, InFolder('/data/x')),
    ('a part is left', a_policy(), a_snapshot(part=a_part()), Verdict.RESUME, Reason.PART_LEFT, InMemory()),
    ('an empty part is none', a_policy(), a_snapshot(part=a_part(size_bytes=0)), Verdict.FETCH, Reason.MEMORY, InMemory()),
    ('a part as large as allowed is none', a_policy(max_bytes=4), a_snapshot(part=a_part()), Verdict.FETCH, Reason.MEMORY, InMemory()),
    ('a part below the limit', a_policy(max_bytes=5), a_snapshot(part=a_part()), Verdict.RESUME, Reason.PART_LEFT, InMemory()),
]  # fmt: skip


@pytest.mark.parametrize(
    ('policy', 'snapshot', 'verdict', 'reason', 'place'),
    [row[1:] for row in VERDICTS],
    ids=[row[0] for row in VERDICTS],
)
def test_verdicts(
    policy: Policy, snapshot: Snapshot, verdict: Verdict, reason: Reason, place: Any
) -> None:
    """The rules apply in order, each with its reason."""
    decision = decide(a_descriptor(), policy, snapshot).unwrap()
    assert (decision.verdict, decision.reason, decision.destination) == (verdict, reason, place)
    assert (decision.entry is not None) == (verdict in {Verdict.USE_CACHED, Verdict.REVALIDATE})
    assert (decision.part is not None) == (verdict is Verdict.RESUME)
    assert bool(decision.addresses) == (verdict is not Verdict.USE_CACHED)


def test_part_of_a_newer_version_revalidates_the_copy() -> None:
    """The rest of the part is requested; the result is compared with the copy."""
    snapshot = a_snapshot(cache=a_cache(an_entry()), part=a_part(validator='"v2"'))
    decision = decide(a_descriptor(), a_policy(check_freshness=True), snapshot).unwrap()
    assert (decision.verdict, decision.part) == (Verdict.RESUME, snapshot.part)
    assert decision.entry is not None


@pytest.mark.parametrize(
    ('target', 'address'), [({'method': 'PUT'}, None), ({}, 'of another place')], ids=['PUT', 'elsewhere']
)  # fmt: skip
def test_a_part_is_resumed_at_its_source(target: Any, address: str | None) -> None:
    """A part is resumed by a GET at the URL that issued its validator, also at a mirror."""
    part = a_part() if address is None else a_part(url_digest=address)
    decision = decide(a_descriptor(**target), a_policy(), a_snapshot(part=part)).unwrap()
    assert (decision.verdict, decision.part) == (Verdict.FETCH, None)
    of_mirror = a_part(url_digest=url_digest(MIRROR))
    both = a_descriptor(mirrors=[MIRROR])
    found = decide(both, a_policy(), a_snapshot(both, part=of_mirror)).unwrap()
    assert found.part == of_mirror


def test_a_part_is_not_for_a_revalidation() -> None:
    """A part of the stored version is not resumed to check whether the copy is current."""
    snapshot = a_snapshot(cache=a_cache(an_entry()), part=a_part())
    decision = decide(a_descriptor(), a_policy(check_freshness=True), snapshot).unwrap()
    assert (decision.verdict, decision.part) == (Verdict.REVALIDATE, None)


REFUSALS: list[tuple[str, Policy, Snapshot, Any]] = [
    ('a policy that cannot be followed', a_policy(retries=-1), a_snapshot(), 'invalid_input'),
    ('a broken cache', a_policy(), a_snapshot(cache=a_cache(fault=BROKEN)), BROKEN),
    ('offline without a copy', a_policy(offline=True), EMPTY, OfflineMiss(url=URL, cache=FOLDER)),
    ('offline to a path', a_policy(offline=True, dest=FILE), a_snapshot(destination=a_path()), OfflineMiss(url=URL, cache=None, path=FILE.path)),
    ('a window in the past', a_policy(window=PAST), STORED, WindowUnsatisfiable(url=URL, window=str(PAST), held=(BEFORE.isoformat(),))),
    ('a file in place of a folder', a_policy(dest=FILE), a_snapshot(destination=a_path(blocker='/data')), 'destination_unusable'),
    ('a folder that is not to be made', a_policy(dest=FILE, create_dirs=False), a_snapshot(destination=replace(a_path(), has_folder=False)), 'destination_unusable'),
    ('a device', a_policy(dest=FILE), a_snapshot(destination=a_path(PathKind.OTHER)), 'destination_unusable'),
    ('no curl', a_policy(backend='curl'), a_snapshot(backends=(REQUESTS,)), BackendMissing(backend='curl', reason='it is not installed', install='pip install pycurl')),
    ('no requests', a_policy(), a_snapshot(backends=()), BackendMissing(backend='requests', reason='it is not installed', install='pip install requests')),
    ('an unknown backend', a_policy(backend='wget'), a_snapshot(), BackendMissing(backend='wget', reason='it is not installed (installed: requests, curl)')),
    ('an unknown backend among none', a_policy(backend='wget'), a_snapshot(backends=()), BackendMissing(backend='wget', reason='it is not installed (installed: none)')),
]  # fmt: skip


@pytest.mark.parametrize(
    ('policy', 'snapshot', 'fault'), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_refusals(policy: Policy, snapshot: Snapshot, fault: Any) -> None:
    """A refusal is a fault with the reason."""
    refused = decide(a_descriptor(), policy, snapshot).failure()
    assert fault in (refused, refused.code)


@pytest.mark.parametrize(
    ('url', 'backends', 'expected'),
    [
        ('http://h/', (REQUESTS, CURL), Address(url='http://h/', backend='requests')),
        ('ftp://h/', (REQUESTS, CURL), Address(url='ftp://h/', backend='curl')),
        (
            'ftp://h/',
            (REQUESTS,),
            SchemeRefused(url='ftp://h/', scheme='ftp', allowed=('http', 'https')),
        ),
    ],
    ids=['the policy', 'another backend supports the scheme', 'no backend supports it'],
)
def test_backends_are_chosen_by_scheme(url: str, backends: Any, expected: Any) -> None:
    """A scheme that only another backend supports is requested with that backend."""
    assert choose_backend(url, a_descriptor(url), a_policy(), backends) == expected
    assert 'Address(' in repr(Address(url='http://me:pw@h/', backend='requests'))
    assert 'pw' not in repr(Address(url='http://me:pw@h/', backend='requests'))


def test_urls_of_unsupported_schemes_are_omitted_with_a_note() -> None:
    """An FTP mirror is requested with curl, or omitted with a note in the plan."""
    target: Descriptor = a_descriptor(mirrors=['ftp://me:pw@m/x', 'gopher://m/x'])
    decision: Decision = decide(target, a_policy(), a_snapshot(target)).unwrap()
    assert [address.url for address in decision.addresses] == [URL, 'ftp://me:pw@m/x']
    assert decision.notes == (
        "gopher://m/x: scheme 'gopher' is not one of ftp, http, https. Use an http(s) URL",
        'ftp://***@m/x goes to the backend curl, which speaks its scheme',
    )
    assert a_descriptor(mirrors=[MIRROR]).addresses == (URL, MIRROR)


@pytest.mark.parametrize(
    ('before', 'policy', 'verdict'),
    [
        (frozenset(), a_policy(force_download=True), Verdict.USE_CACHED),
        (frozenset({(an_entry().path, 1)}), a_policy(force_download=True), Verdict.FETCH),
        (
            frozenset(),
            a_policy(force_download=True, window=Window(newer_than=NOW + timedelta(days=1))),
            None,
        ),
    ],
    ids=['new', 'there before', 'new, but outside the window'],
)
def test_what_was_stored_since_the_beginning_will_do(
    before: frozenset[tuple[str, int]], policy: Policy, verdict: Verdict | None
) -> None:
    """A version that another download stored during the run is used, even if clocks differ."""
    snapshot = a_snapshot(cache=a_cache(an_entry()))
    decision = decide(a_descriptor(), policy, snapshot, before=before)
    assert decision.map(lambda made: made.verdict).value_or(None) == verdict
    if verdict is Verdict.USE_CACHED:
        assert decision.unwrap().reason is Reason.STORED_MEANWHILE


def test_auto_is_the_default() -> None:
    """The default destination of a Policy is `Auto`."""
    assert Policy().dest == Auto()


def test_a_part_belongs_to_its_url_without_what_is_ignored() -> None:
    """A signed URL with another date; without the option it is another URL."""
    old, new = f'{URL}?X-Amz-Date=1', f'{URL}?X-Amz-Date=2'
    for names, verdict in ((['X-Amz-*'], Verdict.RESUME), ([], Verdict.FETCH)):
        target = a_descriptor(new, key_ignores_query=names)
        made = Address(url=old, backend='requests', ignored=target.key_ignores_query)
        seen = a_snapshot(target, part=a_part(url_digest=made.digest))
        assert decide(target, a_policy(), seen).unwrap().verdict is verdict
