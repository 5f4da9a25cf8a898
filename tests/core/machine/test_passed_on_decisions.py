"""The decision about a body, which the backend passes on in its event."""

from dataclasses import replace

from dlmachine.core.faults import AnswerUnusable
from dlmachine.core.protocol.body_decision import RejectResponse, StoreBody
from dlmachine.core.protocol.effects import Discard, Exchange, Publish
from dlmachine.core.protocol.redact_event import redact_event, redact_step
from dlmachine.core.transfer.read_response import decide_body
from tests.builders import URL, Run, a_descriptor, a_head, a_policy, a_snapshot, answered

REFUSED = RejectResponse(AnswerUnusable(url=URL, problem='the server lies'))


def asking() -> Run:
    """A run that waits for its first response."""
    return Run(policy=a_policy(retries=0), snapshot=a_snapshot()).go_well(until=Exchange)


def test_the_decision_of_the_event_counts() -> None:
    """It is the one by which the body was received."""
    assert isinstance(asking().feed(answered()).step.effect, Publish)
    refused = asking().feed(replace(answered(), decision=REFUSED))
    assert isinstance(refused.step.effect, Discard)
    assert getattr(refused.state, 'end', None) == replace(REFUSED.fault, tries=1)


def test_a_decision_is_made_again_if_the_response_sets_cookies() -> None:
    """The backend did not know their secrets, which the decision may contain."""
    sets = answered(200, {'Set-Cookie': 'sid=s3cret'})
    assert isinstance(asking().feed(replace(sets, decision=REFUSED)).step.effect, Publish)


def test_a_decision_is_not_kept_where_secrets_are_masked() -> None:
    """Its validator may be an echo."""
    target = a_descriptor(query={'token': 's3cret'})
    run = Run(target, a_policy(), a_snapshot(target)).go_well(until=Exchange)
    [exchange] = run.exchanges
    decision = decide_body(exchange, a_head())
    assert isinstance(decision, StoreBody)
    event = replace(answered(), decision=decision)
    masked = redact_event(exchange, event)
    _, stored = redact_step(exchange, event)
    assert [getattr(one, 'decision', '') for one in (masked, stored)] == [None, None]
