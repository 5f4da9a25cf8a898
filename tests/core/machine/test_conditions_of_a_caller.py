"""A caller's own conditions and ranges, by the rules of HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.key import keyed_by_vary
from dlmachine.core.faults import BodyTooLarge, InvalidInput
from dlmachine.core.protocol.body_decision import RejectResponse, StoreBody
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.outcome import Origin
from dlmachine.core.spec.destination import ToMemory, ToPath
from dlmachine.core.spec.reuse import Freshness
from dlmachine.core.transfer.read_response import decide_body
from tests.builders import (
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_head,
    a_policy,
    a_received,
    a_record,
    a_snapshot,
    an_entry,
    answered,
)

MATCH = {'If-None-Match': '"v1"'}
RANGE = {'Range': 'bytes=2-3'}


def run(headers: dict[str, str], age: int = 0, **options: Any) -> Run:
    """A run with these fields; the copy is fresh for a minute from its beginning."""
    at = NOW - timedelta(seconds=age)
    said = (('Cache-Control', 'max-age=60'), ('ETag', '"v1"'))
    record = a_record(started_at=at, finished_at=at, response_headers=said)
    descriptor = keyed_by_vary(a_descriptor(headers=headers))
    snapshot = a_snapshot(descriptor, cache=a_cache(an_entry(record=record, stored_at=at)))
    policy = a_policy(**{'freshness': Freshness.HTTP, 'any_status': True, **options})
    return Run(descriptor, policy, snapshot)


def test_a_fresh_copy_answers_the_condition() -> None:
    """With 304 and without content, if the caller has that version."""
    outcome = run(MATCH).go_well(type(None)).outcome
    assert (outcome.origin, outcome.status, outcome.path) == (Origin.CACHE, 304, None)
    assert outcome.headers.get('ETag') == '"v1"'
    other = run({'If-None-Match': '"v0"'}).go_well(type(None)).outcome
    assert (other.status, other.path is None) == (200, False)


@pytest.mark.parametrize(
    ('told', 'is_confirmed'), [({'ETag': '"v1"'}, True), ({'ETag': '"v2"'}, False), ({}, False)]
)
def test_a_condition_is_sent_if_the_copy_is_stale(told: dict[str, str], is_confirmed: bool) -> None:
    """As it is; the 304 is the response, and confirms a copy of the same version."""
    ended = run(MATCH, age=90).go_well(Exchange)
    (sent,) = ended.exchanges
    assert sent.request.headers.get('If-None-Match') == '"v1"'
    ended.feed(answered(304, told))
    assert len(ended.updates) == is_confirmed
    outcome = ended.go_well(type(None)).outcome
    assert (outcome.origin, outcome.status, outcome.path) == (Origin.NETWORK, 304, None)


@pytest.mark.parametrize('name', ['If-Match', 'If-Unmodified-Since', 'If-Range'])
def test_the_condition_of_a_change_is_passed_on(name: str) -> None:
    """A fresh copy does not answer it, nor if the request fails."""
    ended = run({name: '"v1"'}, stale_if_error=True).go_well(Exchange)
    assert ended.exchanges[0].request.headers.get(name) == '"v1"'
    outcome = ended.feed(answered(412)).go_well(type(None)).outcome
    assert (outcome.origin, outcome.status) == (Origin.NETWORK, 412)


def test_a_range_is_passed_on() -> None:
    """Its response is the content, whatever the name says, and is not split or resumed."""
    ended = run(RANGE, dest=ToMemory(), segments=4).go_well(Exchange)
    (sent,) = ended.exchanges
    head = a_head(206, {'Content-Range': 'bytes 2-3/8', 'Content-Length': '2', 'ETag': '"v1"'})
    decision = decide_body(sent, head)
    assert (sent.request.headers.get('Range'), sent.expect.last) == ('bytes=2-3', None)
    assert decision == StoreBody(wire_bytes=2)
    told = dict(head.headers.items)
    ended.feed(answered(206, told, a_received(b'<html>', wire_bytes=2)))
    outcome = ended.go_well(type(None)).outcome
    assert (outcome.status, outcome.headers.get('Content-Range')) == (206, 'bytes 2-3/8')


def test_a_refused_range_is_not_asked_for_in_another_way() -> None:
    """The caller gets the response to his own request."""
    ended = run(RANGE, dest=ToMemory()).go_well(Exchange).feed(answered(416))
    assert len(ended.exchanges) == 1
    assert ended.go_well(type(None)).outcome.status == 416


def test_a_range_may_be_too_large() -> None:
    """The limit counts for what is sent."""
    ended = run(RANGE, dest=ToMemory(), max_bytes=1).go_well(Exchange)
    asked = ended.exchanges[0]
    assert decide_body(asked, a_head(206, {'Content-Length': '2'})) == RejectResponse(
        BodyTooLarge(url=URL, limit_bytes=1, size_bytes=2)
    )
    for head in (a_head(206), a_head(206, {'Content-Length': '1'})):
        length = 1 if head.headers else None
        assert decide_body(asked, head) == StoreBody(wire_bytes=length, limit_bytes=1)


@pytest.mark.parametrize(
    ('headers', 'options', 'problem'),
    [
        (RANGE, {'freshness': None}, 'is set by dlmachine itself'),
        (MATCH, {'freshness': timedelta(1)}, 'is set by dlmachine itself'),
        (RANGE, {'dest': ToPath('/data/x')}, 'cannot be combined with a path'),
    ],
)
def test_conditions_are_refused_without_the_rules_of_http(
    headers: dict[str, str], options: dict[str, Any], problem: str
) -> None:
    """And a part of a file is not stored as the file."""
    fault = run(headers, **options).fault
    assert isinstance(fault, InvalidInput)
    assert fault.where == f'headers[{next(iter(headers))!r}]'
    assert problem in fault.problem
