"""Laws of the machine: it never raises, always ends, gives back what it holds, keeps its plans."""

import pickle
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from returns.pipeline import is_successful

from dlmachine.core import codec
from dlmachine.core.answer import decide_body
from dlmachine.core.descriptor import Descriptor
from dlmachine.core.destination import InMemory
from dlmachine.core.effects import AcquireLock, Discard, Exchange, OpenPart, Publish, ReleaseLock
from dlmachine.core.events import Failed, LockAcquired, PartOpened, Published
from dlmachine.core.machine import advance, begin, most_effects
from dlmachine.core.plan import Plan, plan
from dlmachine.core.policy import Policy
from dlmachine.core.rehearse import healthy_event
from dlmachine.core.show import show_effect
from dlmachine.core.snapshot import Snapshot
from dlmachine.core.states import Broken, Finished, Step
from property_tests.strategies import any_event, events_of, heads, snapshots, wishes

Wish = tuple[Descriptor, Policy, Snapshot]


def _walk(wish: Wish, data: st.DataObject) -> tuple[Step, list[tuple[Any, Any]]]:
    """A run against an adversary that answers each effect in any way it may."""
    descriptor, policy, snapshot = wish
    step, story, at = begin(*wish), [], snapshot.now
    again = snapshots(descriptor, policy)
    bound = most_effects(descriptor, policy)
    while step.effect is not None:
        assert len(story) <= bound, 'the run goes on beyond its bound'
        show_effect(step.effect)
        event = data.draw(events_of(step.effect, at, again))
        story.append((step.effect, event))
        at += timedelta(seconds=1)
        step = advance(step.state, event)
    return step, story


@settings(max_examples=400)
@given(wish=wishes(), data=st.data())
def test_every_run_ends_within_the_bound(wish: Wish, data: st.DataObject) -> None:
    """Whatever the world does, a run ends, and with an outcome or a fault."""
    step, _ = _walk(wish, data)

    assert isinstance(step.state, (Finished, Broken))


@settings(max_examples=400)
@given(wish=wishes(), data=st.data())
def test_what_is_taken_is_given_back(wish: Wish, data: st.DataObject) -> None:
    """No lock and no part is left behind, however a run ends."""
    _, story = _walk(wish, data)
    locks = parts = 0
    for effect, event in story:
        locks += isinstance(effect, AcquireLock) and isinstance(event, LockAcquired)
        locks -= isinstance(effect, ReleaseLock)
        parts += isinstance(effect, OpenPart) and isinstance(event, PartOpened)
        parts -= isinstance(effect, Discard)
        parts -= isinstance(effect, Publish) and isinstance(event, Published) and parts > 0

    assert (locks, parts) == (0, 0)


@given(wish=wishes(), data=st.data())
def test_advance_is_total(wish: Wish, data: st.DataObject) -> None:
    """Any event in any state gives a next step; none raises."""
    step, at = begin(*wish), wish[2].now
    again = snapshots(wish[0], wish[1])
    for _ in range(data.draw(st.integers(0, 12))):
        advance(step.state, data.draw(any_event))
        if step.effect is None:
            break
        step = advance(step.state, data.draw(events_of(step.effect, at, again)))
    stray = advance(step.state, data.draw(any_event))

    assert isinstance(stray, Step)


@given(wish=wishes())
def test_a_healthy_run_does_what_was_planned(wish: Wish) -> None:
    """In a healthy world the effects performed are exactly the effects planned."""
    planned = plan(*wish)
    step, performed = begin(*wish), []
    while step.effect is not None:
        performed.append(step.effect)
        step = advance(step.state, healthy_event(step.effect, wish[1], wish[2]))

    assert is_successful(planned) == isinstance(step.state, Finished)
    if is_successful(planned):
        assert tuple(performed) == planned.unwrap().effects


@given(wish=wishes())
def test_planning_twice_is_planning_once(wish: Wish) -> None:
    """The same inputs give the same plan."""
    assert plan(*wish) == plan(*wish)


@given(wish=wishes())
def test_plans_round_trip(wish: Wish) -> None:
    """A plan goes through JSON less its secrets, and through pickle whole; it can be read."""
    planned = plan(*wish)
    if not is_successful(planned):
        assert codec.loads(codec.dumps(planned.failure())).unwrap() == planned.failure()
        assert str(planned.failure())
        return
    made = planned.unwrap()

    assert Plan.from_json(made.to_json()).unwrap() == made.redacted()
    assert pickle.loads(pickle.dumps(made)) == made
    assert made.redacted().with_descriptor(wish[0]).unwrap() == made
    assert str(made) == str(made.redacted())


@given(wish=wishes(), head=heads)
def test_the_body_is_decided_the_same_way_twice(wish: Wish, head: Any) -> None:
    """Backend and machine ask the same function about the same head."""
    planned = plan(*wish)
    exchanges = [e for e in planned.map(lambda p: p.effects).value_or(()) if isinstance(e, Exchange)]
    for exchange in exchanges:
        assert decide_body(exchange, head) == decide_body(exchange, head)
