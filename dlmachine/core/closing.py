"""How a run ends: what is held is given back first, then the end is told.

Pure. Every way out of every state comes through here, so that no lock and no part is
left behind, however a run goes.
"""

from dataclasses import replace

from dlmachine.core.effects import Discard, ReleaseLock
from dlmachine.core.events import Event
from dlmachine.core.faults import Bug, Fault
from dlmachine.core.outcome import Outcome
from dlmachine.core.states import (
    Broken,
    Discarding,
    Finished,
    Job,
    Releasing,
    State,
    Step,
)


def close(job: Job, end: Outcome | Fault, *, keep_part: bool = False) -> Step:
    """Give back the part, then the lock, then end."""
    if job.holds_part:
        state = Discarding(job=replace(job, holds_part=False), end=end)
        return Step(state=state, effect=Discard(keep=keep_part))
    if job.holds_lock:
        state_ = Releasing(job=replace(job, holds_lock=False), end=end)
        return Step(state=state_, effect=ReleaseLock(key=job.key))
    return Step(state=Finished(outcome=end) if isinstance(end, Outcome) else Broken(fault=end))


def close_on_bug(job: Job, state: State, event: Event) -> Step:
    """End a run that met an event which its state does not know."""
    return close(job, Bug(state=type(state).__name__, event=type(event).__name__))
