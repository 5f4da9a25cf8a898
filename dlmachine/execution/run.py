"""Execute a plan: effect -> port -> event -> advance, until the end.

The state machine decides which effect comes next, and `performing` performs it. A cache miss has
seven: AcquireLock, Observe, OpenPart, Exchange, Publish, Record, ReleaseLock.
`docs/explanation/following-a-download.md` names the modules that decide and perform each.
"""

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Final

from returns.io import IOFailure, IOResult, IOSuccess
from returns.result import Result

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import Bug, Fault, InvalidInput
from dlmachine.core.frozen import replace
from dlmachine.core.machine.machine import advance, begin, max_effects
from dlmachine.core.protocol import effects, events
from dlmachine.core.protocol.outcome import Ending, Outcome
from dlmachine.core.protocol.ports import World
from dlmachine.core.protocol.redact_event import redact_event
from dlmachine.core.protocol.states import Failed, Finished, Step
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.log import log_decision, log_download, log_failure, log_step
from dlmachine.execution.performing import Performer

if TYPE_CHECKING:
    from dlmachine.core.plan.plan import Plan


def execute(plan: 'Plan', world: World) -> IOResult[Outcome, Fault]:
    """Execute a plan; if the world has changed since, do what is necessary now.

    On an interrupt (Ctrl-C) the lock is released, and a part that can be resumed is kept.
    Faults: any; no exception is raised for an expected failure.

    >>> import dlmachine as dm
    >>> from dlmachine.demo import examples
    >>> with examples() as server, dm.DownloadManager() as manager:
    ...     plan = manager.plan(f'{server.url}/table.tsv', dest=False)
    ...     with manager.adapters() as world:
    ...         dm.unwrap(dm.execute(plan, world)).origin.value
    'network'
    """
    if isinstance(plan, Result):
        advice = 'Pass the value in it: dm.unwrap(plan)'
        wrapped = InvalidInput(where='plan', problem='is a Result', advice=advice)
        return IOFailure(wrapped)
    if plan.is_redacted:
        advice = 'Restore its secrets: plan.with_descriptor(descriptor)'
        masked = InvalidInput(where='plan', problem='has masked secrets', advice=advice)
        return IOFailure(masked)
    done = run(plan.descriptor, plan.policy, plan.snapshot, world)
    return IOSuccess(done) if isinstance(done, Outcome) else IOFailure(done)


def run(
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
    world: World,
    began_at: datetime | None = None,
) -> Ending:
    """Run the state machine to its end: `execute` without a plan.

    `began_at` is the time of a snapshot of just now.
    """
    ahead = Run(descriptor, policy, world, began_at)
    try:
        return ahead.result(ahead.run_until(ahead.begin(snapshot)))
    finally:
        ahead.release()


#: The events that are logged, or that may contain a secret that a server echoed.
_NOTABLE: Final = frozenset(
    {
        events.CookiesRead,
        events.EffectFailed,
        events.Interrupted,
        events.LoggedIn,
        events.Responded,
        events.SecretRead,
        events.SegmentsEnded,
    }
)


class Run(Performer):
    """One execution: a performer, and its effects and events so far."""

    def __init__(
        self,
        descriptor: Descriptor,
        policy: Policy,
        world: World,
        began_at: datetime | None = None,
    ) -> None:
        """Start a run; time limits count from `began_at`, or from now."""
        super().__init__(descriptor, policy, world, run, began_at)
        self.story: list[tuple[effects.Effect, events.Event]] = []

    def begin(self, snapshot: Snapshot) -> Step:
        """Return the first step."""
        if snapshot.now is not self.began_at:
            snapshot = replace(snapshot, now=self.began_at)
        step = begin(self._descriptor, self._policy, snapshot)
        log_decision(step, self._descriptor)
        return step

    def run_until(self, step: Step, may: Callable[[effects.Effect], bool] | None = None) -> Step:
        """Perform effects until the end, or until one that `may` rejects."""
        for _ in range(max_effects(self._descriptor, self._policy)):
            if step.effect is None or (may is not None and not may(step.effect)):
                break
            step = self.handle(step, self.perform(step.effect, step.update))
        return step

    def handle(self, step: Step, event: events.Event) -> Step:
        """Return the next step for the event of an effect."""
        effect, shown = step.effect, event
        assert effect is not None  # noqa: S101 -- an event is the result of an effect
        if type(event) in _NOTABLE:
            log_step(effect, event)
            shown = redact_event(effect, event)
        self.story.append((effect, shown))
        after = advance(step.state, event)
        if type(event) is events.Observed:
            log_decision(after, self._descriptor)
        return after

    def result(self, step: Step) -> Ending:
        """Return the outcome or the fault of the last step."""
        match step.state:
            case Finished(outcome=outcome):
                log_download(outcome, self._descriptor)
                buffer = self.buffer
                if outcome.path is None and (outcome.fault is not None or buffer is None):
                    # A response without content, or one with an error status (`any_status`).
                    buffer = BytesIO(getattr(outcome.fault, 'body', '').encode())
                return replace(outcome, buffer=buffer, story=tuple(self.story))
            case Failed(fault=fault):
                log_failure(fault, self._descriptor)
                return fault
            case unended:
                return Bug(state=type(unended).__name__, event='no end in sight')
