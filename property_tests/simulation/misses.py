"""The invariants of remembered misses, computed from what servers answered and clocks showed."""

from dataclasses import dataclass, field
from typing import Final

from dlmachine.core.faults import Fault, HttpStatus
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.spec.destination import ToPath
from dlmachine_adapters.fakes.server import CutOff, Reply, Turn
from property_tests.simulation.clock import clock_of
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import Process, require
from property_tests.simulation.requests import SUMS, Target

_MISSING: Final = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Seen:
    """A run that found a file, or that found it nowhere, and when it looked last before.

    `place` is the key with the place where misses are remembered.
    """

    process: Process
    place: tuple[str, bool]
    looked: float


@dataclass(eq=False)
class Misses:
    """What is known of missing files.

    `lacking` are the URLs of each run whose last answer was that the file is missing, `asking` is
    the URL that each of them asks.
    """

    kernel: Kernel
    missed: list[Seen] = field(default_factory=list)
    found: list[Seen] = field(default_factory=list)
    lacking: dict[Process, set[str]] = field(default_factory=dict)
    asking: dict[Process, str] = field(default_factory=dict)

    def answered(
        self, process: Process, target: Target, looked: float, url: str, turn: Turn | Fault
    ) -> None:
        """Note the answer to a request; one to another URL follows a redirect."""
        if url == SUMS:
            return
        addresses = target.descriptor.addresses
        if url in addresses:
            self.asking[process] = url
        here = self.asking.get(process, addresses[0])
        lacking = self.lacking.setdefault(process, set())
        answer = turn.answer if isinstance(turn, CutOff) else turn
        if not (isinstance(answer, Reply) and answer.status in _MISSING):
            lacking.discard(here)
            return
        lacking.add(here)
        if lacking >= set(addresses):
            self.missed.append(Seen(process, _place(target), looked))

    def ended(
        self, process: Process, target: Target, looked: float, result: Outcome | Fault
    ) -> None:
        """Check the result of a run, and note what it ends."""
        if isinstance(result, HttpStatus) and result.known_since is not None:
            self._check(Seen(process, _place(target), looked), target)
        elif isinstance(result, Outcome) and self._ends_misses(target, result):
            self.found.append(Seen(process, _place(target), looked))

    def _check(self, use: Seen, target: Target) -> None:
        policy = target.policy
        rule, is_forced = policy.remember_missing, policy.force_download or policy.check_freshness
        if rule is None or is_forced:
            require(False, 'a miss was used unasked')
            return
        require(use.process not in self.lacking, 'a miss was used after a request')
        known = [one for one in self.missed if one.place == use.place]
        require(bool(known), 'a miss was used, and no download found the file nowhere')
        lasts = rule.lasts.total_seconds()
        known = [one for one in known if 0.0 <= _seconds_between(one, use) < lasts]
        require(bool(known), 'a miss was used after its time')
        # One that was still running may have remembered its miss afterwards.
        ends = [one.looked for one in self.found if one.place == use.place]
        last = max((one for one in ends if one <= use.looked), default=float('-inf'))
        is_last = any(one.process.ran_at >= last for one in known)
        require(is_last, 'a miss was used, and the file has been found since')

    def _ends_misses(self, target: Target, outcome: Outcome) -> bool:
        if outcome.origin is not Origin.NETWORK:
            return False
        if outcome.version is not None:
            return True
        # Without its record, a file is found and its miss remains.
        is_told = target.policy.remember_missing is not None or outcome.path is not None
        return is_told and not self.kernel.failures and not target.policy.fills_from_cache


def _place(target: Target) -> tuple[str, bool]:
    policy = target.policy
    return target.key, isinstance(policy.dest, ToPath) and not policy.fills_from_cache


def _seconds_between(one: Seen, use: Seen) -> float:
    since = clock_of(use.process, use.looked) - clock_of(one.process, one.looked)
    return since.total_seconds()
