"""The machine: total, bounded, and without leaks."""

from hypothesis import given, settings
from hypothesis import strategies as st
from returns.pipeline import is_successful

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.machine.machine import advance, begin, max_effects
from dlmachine.core.plan.dry_run import healthy_event, rehearse
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.effects import (
    AcquireLock,
    Discard,
    Effect,
    Exchange,
    OpenPart,
    Publish,
    ReleaseLock,
)
from dlmachine.core.protocol.events import Event, LockAcquired, PartOpened, Published
from dlmachine.core.protocol.states import Failed, Finished
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from property_tests import strategies as of

Target = tuple[Descriptor, Policy, Snapshot]


@given(of.targets())
def test_planning_never_raises(target: Target) -> None:
    """Any descriptor, policy and snapshot give a plan or a fault; both can be shown."""
    made = plan(*target)
    assert str(made.unwrap() if is_successful(made) else made.failure())


@given(of.targets(), st.data())
def test_advance_never_raises(target: Target, data: st.DataObject) -> None:
    """Any event gives a next step in any state."""
    step = begin(*target)
    for _ in range(8):
        fitting = of.events() if step.effect is None else of.events_of(step.effect, target[2].key)
        advance(step.state, data.draw(of.events(target[2].key)))
        step = advance(step.state, data.draw(fitting))
    assert step.state is not None


@settings(max_examples=150)
@given(of.targets(), st.data())
def test_every_run_ends_in_time_with_empty_hands(target: Target, data: st.DataObject) -> None:
    """With any failures, a run ends within the bound, and holds no lock and no part."""
    descriptor, policy, snapshot = target
    step, holds_lock, holds_part = begin(*target), False, False
    story: list[tuple[Effect, Event]] = []
    while step.effect is not None:
        event = data.draw(of.events_of(step.effect, snapshot.key))
        story.append((step.effect, event))
        match step.effect, event:
            case AcquireLock(), LockAcquired():
                holds_lock = True
            case ReleaseLock(), _:
                holds_lock = False
            case OpenPart(), PartOpened():
                holds_part = True
            case Publish(), Published():
                holds_part = False
            case Discard(), _:
                holds_part = False
        step = advance(step.state, event)
        assert len(story) <= max_effects(descriptor, policy)
    assert isinstance(step.state, (Finished, Failed))
    assert not holds_lock
    assert not holds_part
    assert sum(isinstance(effect, OpenPart) for effect, _ in story) <= 1


@given(of.targets(), st.data())
def test_the_end_is_final(target: Target, data: st.DataObject) -> None:
    """After the end of a run, events change nothing."""
    descriptor, policy, snapshot = target
    *_, last = rehearse(descriptor, policy, snapshot)
    again = advance(last.state, data.draw(of.events()))
    assert again.state == last.state
    assert again.effect is None
    assert again.update is None


@given(of.targets(healthy=True))
def test_a_healthy_world_performs_what_was_planned(target: Target) -> None:
    """Without failures, the effects of a run are those of the plan."""
    made = plan(*target)
    step, performed = begin(*target), []
    while step.effect is not None:
        performed.append(step.effect)
        step = advance(step.state, healthy_event(step.effect, target[1], target[2]))
    if is_successful(made):
        assert tuple(performed) == made.unwrap().effects
        assert len(performed) <= max_effects(target[0], target[1])
    else:
        assert performed == []
        assert step.state == Failed(fault=made.failure())


@given(of.targets(healthy=True))
def test_a_healthy_world_ends_well(target: Target) -> None:
    """A plan ends with an outcome, after at most one request."""
    made = plan(*target)
    steps = list(rehearse(*target))
    if is_successful(made):
        assert isinstance(steps[-1].state, Finished), steps[-1].state
        assert sum(isinstance(step.effect, Exchange) for step in steps) <= 1


@given(of.targets())
def test_run_depends_only_on_its_input(target: Target) -> None:
    """Equal inputs give equal steps, updates included."""
    assert list(rehearse(*target)) == list(rehearse(*target))


@given(of.targets(), st.data())
def test_no_request_is_sent_offline(target: Target, data: st.DataObject) -> None:
    """Offline, no sequence of events leads to a request."""
    descriptor, policy, snapshot = target
    offline = Policy(dest=policy.dest, offline=True, retries=policy.retries)
    step = begin(descriptor, offline, snapshot)
    while step.effect is not None:
        assert not isinstance(step.effect, (Exchange, OpenPart))
        step = advance(step.state, data.draw(of.events_of(step.effect, snapshot.key)))
