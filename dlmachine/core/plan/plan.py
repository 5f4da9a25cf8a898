"""The plan of a download: verdict, reason, destination and effects, before anything is done.

Pure. A plan is data: it can be printed, stored, compared, and executed on another computer. Its
text and its JSON contain no secrets.
"""

import json
from typing import Any

from returns.result import Result, Success

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.key import keyed_by_vary, shown_url, without_signature
from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Decision, Reason, Verdict
from dlmachine.core.faults import Fault, refuse
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.plan import codec, render
from dlmachine.core.plan.dry_run import rehearse
from dlmachine.core.protocol.effects import Effect
from dlmachine.core.protocol.redact_event import redact_effect
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Destination
from dlmachine.core.spec.policy import Policy


@frozen
class Plan:
    """The effects of a download, in order, if nothing fails.

    `descriptor`, `policy` and `snapshot` are what it was made from. The response is not known in
    advance: a file name in it may differ from the planned one.
    """

    descriptor: Descriptor
    policy: Policy
    snapshot: Snapshot
    decision: Decision
    effects: tuple[Effect, ...]
    is_redacted: bool = False

    @property
    def verdict(self) -> Verdict:
        """How the file would be obtained: use cached, revalidate, fetch or resume."""
        return self.decision.verdict

    @property
    def reason(self) -> Reason:
        """Why."""
        return self.decision.reason

    @property
    def destination(self) -> Destination:
        """The resolved destination; a folder may still lack the file name."""
        return self.decision.destination

    @property
    def entry(self) -> CacheEntry | None:
        """The stored version to use or to revalidate."""
        return self.decision.entry

    @property
    def key(self) -> str:
        """The cache key."""
        return self.snapshot.key

    @property
    def is_download(self) -> bool:
        """Whether a body would be fetched."""
        return self.verdict in {Verdict.FETCH, Verdict.RESUME}

    def __str__(self) -> str:
        """The plan as text for users, with secrets masked."""
        return '\n'.join(
            render.plan_lines(self.descriptor, self.policy, self.decision, self.effects)
        )

    def __repr__(self) -> str:
        """Verdict, URL with secrets masked, and the number of effects; `str` shows all."""
        url = shown_url(self.descriptor)
        return f'<Plan: {self.verdict.value} {url}, {len(self.effects)} effects>'

    def redacted(self) -> 'Plan':
        """The same plan with every secret masked.

        The copy can be shown. To execute it, add the secrets with `with_descriptor`.
        """
        descriptor, policy = self.descriptor.redacted(), _redact_policy(self.policy)
        if (descriptor, policy) == (self.descriptor, self.policy):
            return self
        addresses = tuple(
            replace(address, url=self.descriptor.redactor.url(address.url))
            for address in self.decision.addresses
        )
        return replace(
            self,
            descriptor=descriptor,
            policy=policy,
            decision=replace(self.decision, addresses=addresses),
            effects=tuple(redact_effect(effect) for effect in self.effects),
            is_redacted=True,
        )

    def with_descriptor(
        self, descriptor: Descriptor, policy: Policy | None = None
    ) -> 'Result[Plan, Fault]':
        """The redacted plan with the secrets of the descriptor that it was made from.

        Pass the policy too if it had a `validate` function, which JSON cannot contain, or the URL
        of a checksum file with a secret. Faults: `InvalidInput` if either is another one.
        """
        if self.descriptor.key_by_vary:
            descriptor = keyed_by_vary(descriptor)
        if self.descriptor.key_ignores_query and not descriptor.key_ignores_query:
            descriptor = without_signature(descriptor)
        return plan(descriptor, policy or self.policy, self.snapshot).bind(self._same_as)

    def to_json(self) -> str:
        """The plan as JSON; secrets are masked (`is_redacted` is then true)."""
        return codec.dumps(self.redacted())

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` writes, as a dict."""
        read: dict[str, Any] = json.loads(self.to_json())
        return read

    @staticmethod
    def from_json(text: str) -> 'Result[Plan, Fault]':
        """Read a plan back.  Faults: `InvalidInput`."""
        return codec.loads(text, Plan).bind(_as_plan)

    def _same_as(self, made: 'Plan') -> 'Result[Plan, Fault]':
        if made.redacted() == self.redacted():
            return Success(made)
        return refuse('descriptor', 'is not the one that the plan was made from')


def plan(descriptor: Descriptor, policy: Policy, snapshot: Snapshot) -> Result[Plan, Fault]:
    """Plan a download.  A refusal is the `Failure` side, with its Fault.

    >>> from datetime import UTC, datetime
    >>> from dlmachine.core.decision.snapshot import BackendSeen
    >>> seen = Snapshot(
    ...     now=datetime(2024, 5, 1, tzinfo=UTC),
    ...     chance=0.5,
    ...     key='0' * 64,
    ...     backends=(BackendSeen(name='requests', schemes=('http', 'https')),),
    ... )
    >>> target = Descriptor.parse('https://example.org/t.csv').unwrap()
    >>> print(plan(target, Policy(), seen).unwrap())
    fetch https://example.org/t.csv
      because      the destination is memory
      destination  memory
      patience     at most 4 requests: 47 s if no connection is made, 247 s if no server responds
      1. open a partial file in memory
      2. GET https://example.org/t.csv with requests
      3. publish to memory
    >>> plan(target, Policy(offline=True), seen).failure().code
    'offline_miss'
    """
    policy = policy.with_secret_names(descriptor.secret_names).at(snapshot.now)
    return decide(descriptor, policy, snapshot).map(
        lambda decision: Plan(
            descriptor=descriptor,
            policy=policy,
            snapshot=snapshot,
            decision=decision,
            effects=tuple(
                step.effect
                for step in rehearse(descriptor, policy, snapshot)
                if step.effect is not None
            ),
        )
    )


def _as_plan(value: object) -> Result[Plan, Fault]:
    if isinstance(value, Plan):
        return Success(value)
    return refuse('plan', 'is JSON, but not a plan')


def _redact_policy(policy: Policy) -> Policy:
    # JSON cannot contain a function: `with_descriptor` adds it again.
    wanted = policy.checksum_file
    masked = None if wanted is None else replace(wanted, location=str(wanted))
    network = policy.network.redacted()
    return replace(policy, validate=None, checksum_file=masked, network=network)
