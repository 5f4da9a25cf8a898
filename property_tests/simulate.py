"""Simulate many downloads: `python -m property_tests.simulate --runs 100000`.

Prints the speed and the pairs of states and events. A broken invariant is shown with a short tape
that breaks it; `--tape` plays a tape again.
"""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from property_tests.simulation.coverage import Coverage, Pair, expected_pairs, unknown_states
from property_tests.simulation.run import play, tell
from property_tests.simulation.shrink import shrink
from property_tests.simulation.tapes import Tapes

#: From this number of runs on, an event that never met its state is a failure.
ENOUGH_RUNS = 20_000


@dataclass
class Share:
    """The results of a share of the runs."""

    runs: int = 0
    steps: int = 0
    processes: int = 0
    pairs: Counter[Pair] = field(default_factory=Counter)
    details: Counter[Pair] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    broken: bytes | None = None

    def add(self, other: 'Share') -> None:
        """Add the results of two shares."""
        self.runs += other.runs
        self.steps += other.steps
        self.processes += other.processes
        self.pairs.update(other.pairs)
        self.details.update(other.details)
        self.counts.update(other.counts)
        self.broken = self.broken or other.broken


def simulate(seed: int, runs: int) -> Share:
    """Simulate runs from a seed, until one breaks an invariant."""
    tapes, coverage, share = Tapes(seed), Coverage(), Share()
    while share.runs < runs and share.broken is None:
        tape = tapes.next()
        played = play(tape, coverage=coverage)
        tapes.learn(tape, sorted(coverage.latest))
        share.runs += 1
        share.steps += played.steps
        share.processes += played.processes
        share.counts.update(played.counts)
        share.broken = tape if played.broken else None
    share.pairs, share.details = coverage.pairs, coverage.details
    return share


def main(given: list[str] | None = None) -> int:
    """Run the command; return 1 if an invariant was broken or a pair was never reached."""
    parser = argparse.ArgumentParser(description='Simulate downloads in which anything goes wrong.')
    parser.add_argument('--runs', type=int, default=10_000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    parser.add_argument('--tape', type=bytes.fromhex, help='play this one, and tell its story')
    asked = parser.parse_args(given)
    if asked.tape is not None:
        print(tell(asked.tape))
        return 1 if play(asked.tape).broken else 0
    started = time.perf_counter()
    whole = _share_out(asked.seed, asked.runs, max(asked.jobs, 1))
    _report(whole, time.perf_counter() - started)
    if whole.broken is not None:
        print(
            f'\nA promise is broken, in a run of seed {asked.seed}; the shortest tape that shows it:\n'
        )
        print(tell(shrink(whole.broken)))
        print(f'\nfirst found with the tape {whole.broken.hex()}')
        return 1
    missed = sorted(expected_pairs() - set(whole.pairs))
    unknown = unknown_states()
    for state, event in missed:
        print(f'never reached: {state} {event}')
    for state in unknown:
        print(f'coverage does not know the state {state}')
    return 1 if unknown or (missed and whole.runs >= ENOUGH_RUNS) else 0


def _share_out(seed: int, runs: int, jobs: int) -> Share:
    whole = Share()
    if jobs == 1:
        whole.add(simulate(seed, runs))
        return whole
    with ProcessPoolExecutor(jobs) as pool:
        seeds = [seed + 1_000_003 * job for job in range(jobs)]
        shares = [runs // jobs + (job < runs % jobs) for job in range(jobs)]
        for share in pool.map(simulate, seeds, shares):
            whole.add(share)
    return whole


def _report(whole: Share, seconds: float) -> None:
    print('state         event               times')
    for (state, event), times in sorted(whole.pairs.items()):
        print(f'{state:13} {event:19} {times:9,}')
    expected = expected_pairs()
    print(f'\n{len(expected & set(whole.pairs))} of {len(expected)} pairs of state and event,')
    print(f'{len(whole.details)} with their faults and statuses.')
    happened = ', '.join(f'{name} {times:,}' for name, times in sorted(whole.counts.items()))
    print(f'What happened: {happened}.')
    print(
        f'{whole.runs:,} runs, {whole.processes:,} processes, {whole.steps:,} steps'
        f' in {seconds:.1f} s: {whole.runs / seconds:,.0f} runs per second.'
    )


if __name__ == '__main__':
    sys.exit(main())
