"""Plans: their text, their JSON, and the dry run that makes them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Reason
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.plan import codec
from dlmachine.core.plan.dry_run import healthy_event, rehearse
from dlmachine.core.plan.plan import Plan, plan
from dlmachine.core.plan.render import show_destination, show_effect
from dlmachine.core.protocol.effects import (
    AcquireLock,
    CheckCopy,
    Discard,
    Effect,
    Exchange,
    Invalidate,
    Observe,
    OpenPart,
    Publish,
    ReadChecksums,
    ReadSource,
    Record,
    ReleaseLock,
    RemoveVersions,
    Unpublish,
    Validate,
    Wait,
)
from dlmachine.core.protocol.events import Unpublished, Waited
from dlmachine.core.protocol.states import Finished
from dlmachine.core.spec.destination import AtPath, InCache, InFolder, InMemory, ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import CheckMethod, Window
from tests.builders import (
    DIGEST,
    NOW,
    URL,
    a_cache,
    a_descriptor,
    a_part,
    a_path,
    a_policy,
    a_snapshot,
    an_entry,
    an_exchange,
)

STORED = a_snapshot(cache=a_cache(an_entry()))
KEY = STORED.key


def made(policy: Policy | None = None, snapshot: Snapshot = STORED, **described: Any) -> Plan:
    """A plan of the download in these tests."""
    return plan(a_descriptor(**described), policy or a_policy(), snapshot).unwrap()


def test_the_text_of_a_plan() -> None:
    """The text has the verdict, reason, destination, stored version and effects."""
    text = str(
        made(a_policy(check_freshness=True, keep_old=False), verify=False, mirrors=['ftp://h/x'])
    )
    assert text.splitlines() == [
        'revalidate https://example.org/t.csv',
        '  because      freshness is always: check whether the stored version is current',
        '  destination  cache /cache',
        '  stored       version 1 of 2024-04-01 12:00:00 UTC',
        "  insecure     the server's certificate is not checked (verify=False)",
        '  patience     at most 8 requests: 80 s if no connection is made, 480 s if no server responds',
        '  note         ftp://h/x goes to the backend curl, which speaks its scheme',
        f'  1. lock entry {KEY[:12]}, waiting at most 600 s',
        '  2. check cache and destination again',
        '  3. open a partial file in /cache',
        '  4. GET https://example.org/t.csv with requests (If-None-Match: "v1")',
        '  5. record version 1 as validated',
        '  6. discard the part',
        f'  7. release entry {KEY[:12]}',
    ]


EFFECTS: list[tuple[Effect, str]] = [
    (CheckCopy(path='/x', size_bytes=1), 'check that /x still exists'),
    (
        AcquireLock(key='ab' * 32, patience=timedelta(seconds=1)),
        'lock entry abababababab, waiting at most 1 s',
    ),
    (Observe(key=''), 'check cache and destination again'),
    (OpenPart(beside=None, stem='x'), 'open a partial file in memory'),
    (
        OpenPart(beside='/d', stem='x', adopt=a_part(size_bytes=4000)),
        'open a partial file in /d, resuming after 4,000 bytes',
    ),
    (
        an_exchange(
            Request(
                method='GET', url='http://h/?token=s', headers=Headers((('Range', 'bytes=4-'),))
            )
        ),
        'GET http://h/?token=*** with requests (Range: bytes=4-)',
    ),
    (an_exchange(), 'GET https://example.org/t.csv with requests'),
    (Wait(duration=timedelta(seconds=2), reason='backoff'), 'wait 2 s: backoff'),
    (Publish(place=AtPath('/x')), 'publish to /x'),
    (Publish(place=InMemory()), 'publish to memory'),
    (Record(key='', version=2, reason='ready'), 'record version 2 as ready'),
    (RemoveVersions(key='', versions=(1, 2)), 'remove versions 1, 2'),
    (Invalidate(urls=('http://h/',)), 'mark the stored copies of http://h/ as invalid'),
    (Unpublish(path='/x'), 'remove /x again'),
    (Discard(keep=True), 'keep the part for later'),
    (Discard(), 'discard the part'),
    (ReadChecksums(path='SHA256SUMS', max_bytes=9), 'read the checksum file SHA256SUMS'),
    (
        ReadChecksums(target=a_descriptor('http://h/x.md5?token=s3cret'), max_bytes=9),
        'read the checksum file http://h/x.md5?token=***',
    ),
    (
        ReadSource(target=a_descriptor('http://h/api?token=s3cret'), max_bytes=9),
        'read http://h/api?token=***, which lists the files',
    ),
    (Validate(name='t.csv'), 'call the validate function with t.csv'),
    (ReleaseLock(key='ab' * 32), 'release entry abababababab'),
]


@pytest.mark.parametrize(('effect', 'text'), EFFECTS, ids=[text for _, text in EFFECTS])
def test_effects_in_words(effect: Effect, text: str) -> None:
    """Each effect is one line, with secrets masked."""
    assert show_effect(effect) == text
    assert healthy_event(effect, a_policy(), STORED).at == NOW


def test_effects_that_a_healthy_world_never_has_have_an_event_too() -> None:
    """The dry run can simulate every effect."""
    assert healthy_event(Wait(duration=timedelta(0), reason=''), a_policy(), STORED) == Waited(
        at=NOW
    )
    assert healthy_event(Unpublish(path='/x'), a_policy(), STORED) == Unpublished(at=NOW)


@pytest.mark.parametrize(
    ('place', 'text'),
    [
        (InCache('/c'), 'cache /c'),
        (InMemory(), 'memory'),
        (AtPath('/x'), 'file /x'),
        (InFolder('/d'), 'folder /d, named by the response'),
    ],
)
def test_destinations_in_words(place: Any, text: str) -> None:
    """Destinations are shown in words."""
    assert show_destination(place) == text


SUMS, MD5S = ChecksumList('https://h/SHA256SUMS?token=s3cret'), ChecksumList('x.md5')
PLANS: list[tuple[str, Policy, Snapshot, list[type[Effect]]]] = [
    ('a hit', a_policy(), STORED, [CheckCopy]),
    ('a fetch', a_policy(), a_snapshot(cache=a_cache()), [AcquireLock, Observe, OpenPart, Exchange, Publish, Record, ReleaseLock]),
    ('a forced fetch that replaces', a_policy(force_download=True, keep_old=False), STORED, [AcquireLock, Observe, OpenPart, Exchange, Publish, Record, RemoveVersions, ReleaseLock]),
    ('a check by ETag', a_policy(check_freshness=True), STORED, [AcquireLock, Observe, OpenPart, Exchange, Record, Discard, ReleaseLock]),
    ('a check by size', a_policy(check_freshness=True, check_method=CheckMethod.SIZE), STORED, [AcquireLock, Observe, OpenPart, Exchange, Record, Discard, ReleaseLock]),
    ('a check by hash', a_policy(check_freshness=True, check_method=CheckMethod.HASH), STORED, [AcquireLock, Observe, OpenPart, Exchange, Record, Discard, ReleaseLock]),
    ('a check by hash with an age', a_policy(check_freshness=True, check_method=CheckMethod.HASH, window=Window(newer_than=timedelta(days=700))), STORED, [AcquireLock, Observe, OpenPart, Exchange, Record, Discard, ReleaseLock]),
    ('a check by hash of a foreign entry', a_policy(check_freshness=True, check_method=CheckMethod.HASH), a_snapshot(cache=a_cache(an_entry(record=None))), [AcquireLock, Observe, OpenPart, Exchange, Publish, Record, ReleaseLock]),
    ('a resumption', a_policy(), a_snapshot(part=a_part()), [OpenPart, Exchange, Publish]),
    ('a SHA-256 to be had', a_policy(checksum=Checksum('sha256', DIGEST)), a_snapshot(), [OpenPart, Exchange, Publish]),
    ('validate', a_policy(validate=bool, min_bytes=99), a_snapshot(), [OpenPart, Exchange, Validate, Publish]),
    ('a list of SHA-256', a_policy(checksum_file=SUMS), a_snapshot(cache=a_cache()), [ReadChecksums, AcquireLock, Observe, OpenPart, Exchange, Publish, Record, ReleaseLock]),
    ('a list of MD5', a_policy(checksum_file=MD5S, dest=ToMemory()), a_snapshot(), [ReadChecksums, OpenPart, Exchange, Publish]),
    ('a list for a copy', a_policy(checksum_file=SUMS), STORED, [ReadChecksums, CheckCopy]),
    ('a file that is a list', a_policy(dest=ToPath('/data/x.gz')), a_snapshot(destination=a_path()), [AcquireLock, Observe, OpenPart, Exchange, Publish, Record, ReleaseLock]),
    ('another digest to be had', a_policy(checksum=Checksum('md5', 'ab' * 16), dest=ToMemory()), STORED, [OpenPart, Exchange, Publish]),
]  # fmt: skip


@pytest.mark.parametrize(
    ('policy', 'snapshot', 'kinds'), [row[1:] for row in PLANS], ids=[row[0] for row in PLANS]
)
def test_planned_effects(policy: Policy, snapshot: Snapshot, kinds: list[type[Effect]]) -> None:
    """The effects of a dry run, in order, until it succeeds."""
    planned = plan(a_descriptor(), policy, snapshot).unwrap()
    assert [type(effect) for effect in planned.effects] == kinds
    assert isinstance(list(rehearse(a_descriptor(), policy, snapshot))[-1].state, Finished)
    assert planned.is_download == (planned.verdict.value in {'fetch', 'resume'})
    assert planned.entry == planned.decision.entry
    assert planned.key == KEY


def test_a_plan_is_json_and_back() -> None:
    """A plan without secrets is equal after a round trip."""
    whole = made(a_policy(check_freshness=True, timeout=timedelta(seconds=1.5)))
    assert whole.redacted() is whole
    assert Plan.from_json(whole.to_json()).unwrap() == whole


def test_redacted_plan_gets_its_secrets_back() -> None:
    """JSON has no secrets; only the original descriptor adds them again."""
    target = a_descriptor(
        'https://me:s3cret@h/x', data=b's3cret', mirrors=['https://h/y?token=s3cret']
    )
    whole = plan(target, a_policy(), a_snapshot(target)).unwrap()
    text = whole.to_json()
    assert 's3cret' not in text
    read = Plan.from_json(text).unwrap()
    assert read.is_redacted
    assert read.with_descriptor(target).unwrap() == whole
    assert getattr(read.with_descriptor(a_descriptor()).failure(), 'where') == 'descriptor'  # noqa: B009 -- of InvalidInput


def test_functions_and_secrets_are_left_out_of_a_plan() -> None:
    """The function and the secret in a checksum file's URL are added again by the policy."""
    policy = a_policy(checksum_file=SUMS, validate=bool)
    whole = made(policy, a_snapshot())
    text = whole.to_json()
    assert 's3cret' not in text
    read = Plan.from_json(text).unwrap()
    assert read.is_redacted
    assert read.policy.validate is None
    assert read.with_descriptor(a_descriptor(), policy).unwrap() == whole
    other = a_policy(checksum_file=SUMS, retries=9)
    assert read.with_descriptor(a_descriptor(), other).failure().code == 'invalid_input'


@pytest.mark.parametrize(
    'text',
    [
        '', '7', '[]', '{}', '{"$": "Plan"}', '{"$": "os"}', '{"$": "Status", "value": 99}', '{"$": "datetime", "iso": "x"}',
        '{"$": "bytes", "base64": "?"}', '{"$": "timedelta", "parts": [1e30, 0, 0]}', '[' * 3_000, '{"$": "Auto"}',
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_anything_but_a_plan_is_a_fault(text: str) -> None:
    """Broken text, other values and unknown types are faults, never exceptions."""
    assert Plan.from_json(text).failure().code == 'invalid_input'


def test_only_values_of_the_core_are_written_down() -> None:
    """A handle or a function in a plan is a TypeError."""
    for value in (object(), {1}, Plan):
        with pytest.raises(TypeError, match='is not a value of the core'):
            codec.encode(value)
    assert json.loads(codec.dumps((b'x', None))) == [{'$': 'bytes', 'base64': 'eA=='}, None]


def test_the_text_of_a_plan_without_a_stored_copy() -> None:
    """Lines without a value are omitted."""
    assert str(made(snapshot=a_snapshot())).splitlines() == [
        'fetch https://example.org/t.csv',
        '  because      the destination is memory',
        '  destination  memory',
        '  patience     at most 4 requests: 40 s if no connection is made, 240 s if no server responds',
        '  1. open a partial file in memory',
        '  2. GET https://example.org/t.csv with requests',
        '  3. publish to memory',
    ]


def test_a_plan_without_a_request_needs_no_patience() -> None:
    """A cache hit sends no requests."""
    assert 'patience' not in str(made())


def test_a_plan_has_the_values_of_its_decision() -> None:
    """Verdict, reason, destination and entry, without the way through the decision."""
    made = plan(a_descriptor(), a_policy(), a_snapshot(cache=a_cache(an_entry()))).unwrap()
    decision = made.decision
    assert (made.verdict, made.reason) == (decision.verdict, decision.reason)
    assert (made.destination, made.entry) == (decision.destination, decision.entry)
    assert made.reason is Reason.STORED


@pytest.mark.parametrize(
    ('retries', 'words'), [(0, 'at most 1 request: '), (1, 'at most 2 requests: ')]
)
def test_a_plan_tells_its_patience(retries: int, words: str) -> None:
    """How many requests it makes if no server responds."""
    text = str(plan(a_descriptor(), a_policy(retries=retries), a_snapshot()).unwrap())
    assert f'  patience     {words}' in text


def test_a_wait_is_rounded() -> None:
    """To hundredths of a second."""
    effect = Wait(duration=timedelta(seconds=1.236), reason='backoff')
    assert show_effect(effect) == 'wait 1.24 s: backoff'


def test_a_plan_says_what_does_not_count_in_its_key() -> None:
    """The names, not the values."""
    lines = str(made(key_without='Cookie, X-*', key_ignores_query=['token'])).splitlines()
    assert '  cache key    without the headers cookie, x-*' in lines
    assert '  cache key    without the query parameters token' in lines


def test_a_plan_names_the_rules_that_set_its_options() -> None:
    """One line each, without control characters."""
    shown = str(made(a_policy(rules=('https://h/*', 'a\nb'))))
    assert '  rule         https://h/*\n' in shown
    assert 'a\nb' not in shown


def test_a_plan_is_short_as_a_repr_and_whole_as_a_dict() -> None:
    """With the same content as its JSON."""
    plan = made()

    assert repr(plan) == f'<Plan: {plan.verdict.value} {URL}, {len(plan.effects)} effects>'
    assert plan.to_dict() == json.loads(plan.to_json())
