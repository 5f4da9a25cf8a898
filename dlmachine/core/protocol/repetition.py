"""Hits that may be given again without a new decision.

Pure. The outcome of a plain hit depends on the request, on the policy and on a few files: the
database that has the record, and the stored file. While none of them has changed, neither has the
outcome. That of a fresh copy depends on the time as well: it ends with the lifetime of the copy.
"""

from datetime import datetime
from typing import Final, TypeAlias

from dlmachine.core.decision.verdict import Reason
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.protocol.effects import CheckCopy
from dlmachine.core.protocol.events import CopyConfirmed
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToMemory
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness

#: The state of a file: device, inode, owner, size, and the times of its last modification and last
#: change in nanoseconds; None if there is no regular file. A program can set the first time, but
#: not the second.
FileState: TypeAlias = tuple[int, int, int, int, int, int] | None
#: Files that an outcome depends on, with their states.
Evidence: TypeAlias = tuple[tuple[str, FileState], ...]

#: The reasons of hits that depend neither on the time nor on the server.
_LASTING: Final = frozenset({Reason.STORED.value, Reason.RECORDED.value})
_UNASKED: Final = (None, Freshness.STORED)
#: The time stamps of a file system, in nanoseconds: those of the kernel's clock, or even seconds.
_TICK_NS: Final = 10_000_000
_COARSE_NS: Final = 2_000_000_000
_SECOND_NS: Final = 1_000_000_000


@frozen
class Hit:
    """A hit, and all that it depends on."""

    descriptor: Descriptor
    policy: Policy
    evidence: Evidence
    outcome: Outcome

    def answers(self, descriptor: Descriptor, policy: Policy) -> bool:
        """Whether it is the outcome of this request, too, if its files are unchanged."""
        is_same = self.policy is policy and self.descriptor is descriptor
        return is_same or (self.policy == policy and self.descriptor == descriptor)

    def repeated(self, now: datetime) -> Outcome | None:
        """The outcome of the same request now: the stored file was looked at again.

        None if the copy is no longer fresh, or if the clock was set back.
        """
        effect, event = self.outcome.story[0]
        story = ((effect, replace(event, at=now)),)
        assessed = self.outcome.assessment
        if assessed is None:
            return replace(self.outcome, story=story)
        assessed = assessed.at(now)
        # One call fewer than by `is_fresh`: a repeated hit must be fast.
        if now < event.at or assessed.lifetime.seconds <= assessed.age:
            return None
        return replace(self.outcome, story=story, assessment=assessed, reason=str(assessed))


def may_repeat(policy: Policy) -> bool:
    """Whether a hit of this policy is repeated without a question to a server."""
    window = policy.window
    is_asked = policy.check_freshness or policy.freshness is Freshness.ALWAYS
    is_timed = window.newer_than is not None or window.older_than is not None
    is_special = policy.force_download or policy.via_cache or policy.link or policy.checksum_file
    return not (is_asked or is_timed or is_special or isinstance(policy.dest, ToMemory))


def find_hit(
    descriptor: Descriptor,
    policy: Policy,
    outcome: Outcome,
    evidence: Evidence,
    user: int,
    now_ns: int,
) -> Hit | None:
    """The hit, if it may be repeated while its files are as the evidence says.

    The last file of the evidence is the stored one, which was looked at and not read. `user` is
    the one of this process.
    """
    is_plain = len(outcome.story) == 1 and may_repeat(policy)
    if not is_plain or not _lasts(descriptor, policy, outcome):
        return None
    effect, event = outcome.story[0]
    if not isinstance(effect, CheckCopy) or not isinstance(event, CopyConfirmed):
        return None
    state = evidence[-1][1]
    is_same = state is not None and (effect.size_bytes, effect.mtime_ns) == state[3:5]
    if effect.checksum is not None or not is_same:
        return None
    if not all(_is_settled(state, user, now_ns) for _, state in evidence):
        return None
    return Hit(descriptor=descriptor, policy=policy, evidence=evidence, outcome=outcome)


def _lasts(descriptor: Descriptor, policy: Policy, outcome: Outcome) -> bool:
    assessed = outcome.assessment
    if assessed is None:
        return outcome.reason in _LASTING and policy.freshness in _UNASKED
    # Only the lifetime ends it, and no directive of the request.
    is_fresh = assessed.is_fresh and outcome.reason == str(assessed)
    return is_fresh and descriptor.headers.get('Cache-Control') is None


def _is_settled(state: FileState, user: int, now_ns: int) -> bool:
    # A file that changed within a tick could change again without another time, and the folder of
    # another user's file would have to be looked at, too.
    if state is None:
        return True
    owner, changed_ns = state[2], state[5]
    tick = _TICK_NS if changed_ns % _SECOND_NS else _COARSE_NS
    return owner in {0, user} and now_ns - changed_ns >= tick
