"""Copies that were for one request only: by the rules of HTTP they may not be stored."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.updates import SameVersion
from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Reason, Verdict
from dlmachine.core.faults import HttpStatus, OfflineMiss
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.plan.dry_run import healthy_event
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.reuse import Freshness
from tests.builders import (
    NOW,
    OTHER_DIGEST,
    Run,
    a_cache,
    a_descriptor,
    a_policy,
    a_received,
    a_record,
    a_snapshot,
    an_entry,
    answered,
)

HTTP = Freshness.HTTP
BYTES = a_received(sha256=OTHER_DIGEST)
AT = NOW - timedelta(minutes=1)
NO_STORE = (('Cache-Control', 'no-store'),)
COPY = an_entry(
    record=a_record(finished_at=AT, response_headers=NO_STORE, is_single_use=True), stored_at=AT
)
SINGLE = a_snapshot(cache=a_cache(COPY))


@pytest.mark.parametrize(
    'options',
    [
        {'freshness': None},
        {'freshness': timedelta(days=1)},
        {'freshness': Freshness.ALWAYS},
        {'freshness': HTTP},
        {'freshness': None, 'checksum': Checksum('sha256', a_record().sha256)},
    ],
)
def test_a_copy_for_one_request_answers_no_other(options: dict[str, Any]) -> None:
    """Whatever the freshness, and even if it is all that there is."""
    decision = decide(a_descriptor(), a_policy(**options), SINGLE).unwrap()
    assert (decision.verdict, decision.entry) == (Verdict.FETCH, None)
    assert decision.reason is Reason.NOT_REUSABLE
    offline = decide(a_descriptor(), a_policy(offline=True, **options), SINGLE)
    assert isinstance(offline.failure(), OfflineMiss)
    run = Run(None, a_policy(**{'retries': 0, 'stale_if_error': True, **options}), SINGLE)
    _go_on(run.go_well(until=Exchange).feed(answered(503)))
    assert isinstance(run.fault, HttpStatus)


def test_an_older_copy_than_that_for_one_request_is_used() -> None:
    """Without the rules of HTTP, any stored copy will do."""
    older = an_entry(version=1, record=a_record(), stored_at=NOW - timedelta(days=9))
    seen = a_snapshot(cache=a_cache(older, replace(COPY, version=2)))
    assert decide(a_descriptor(), a_policy(), seen).unwrap().entry == older


@pytest.mark.parametrize(
    ('control', 'asked', 'freshness', 'is_single'),
    [
        ('no-store', '', HTTP, True),
        ('no-store', '', None, False),
        ('no-store, must-understand', '', HTTP, False),
        ('no-cache', '', HTTP, False),
        ('max-age=9', 'no-store', HTTP, True),
        ('max-age=9', 'no-store', Freshness.ALWAYS, False),
    ],
)
def test_what_may_not_be_stored_is_for_one_request(
    control: str, asked: str, freshness: Freshness | None, *, is_single: bool
) -> None:
    """By the rules of HTTP; with another freshness the caller wants it to be stored."""
    run = Run(_asking(asked), a_policy(freshness=freshness), a_snapshot(cache=a_cache()))
    run.go_well(until=Exchange).feed(answered(200, {'Cache-Control': control}, BYTES))
    record = _go_on(run).outcome.record
    assert record is not None
    assert record.is_single_use is is_single


@pytest.mark.parametrize(
    ('control', 'asked', 'is_recorded', 'is_single'),
    [
        ('max-age=9', '', True, False),
        ('no-store', '', True, True),
        ('max-age=9', 'no-cache, no-store', False, False),
    ],
)
def test_a_confirmation_may_end_the_use_of_a_copy(
    control: str, asked: str, *, is_recorded: bool, is_single: bool
) -> None:
    """And nothing of it is recorded if the request says no-store."""
    run = Run(_asking(asked), a_policy(freshness=HTTP), _stored('max-age=1'))
    run.go_well(until=Exchange).feed(answered(304, {'Cache-Control': control}))
    assert isinstance(run.step.update, SameVersion) is is_recorded
    record = _go_on(run).outcome.record
    assert record is not None
    assert record.is_single_use is is_single
    assert (record.validated_at is not None) is is_recorded


def _asking(control: str) -> Descriptor:
    return a_descriptor(headers={'Cache-Control': control} if control else None)


def _stored(control: str) -> Snapshot:
    record = a_record(finished_at=AT, response_headers=(('Cache-Control', control),))
    return a_snapshot(cache=a_cache(an_entry(record=record, stored_at=AT)))


def _go_on(run: Run) -> Run:
    while run.step.effect is not None:
        run.feed(healthy_event(run.step.effect, run.policy, run.snapshot))
    return run
