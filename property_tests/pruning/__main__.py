"""Simulate many prunes: `python -m property_tests.pruning --runs 10000 --seed 1`.

A broken promise is shown with the story of its run; `--tape` plays a tape again.
"""

import argparse
import sys

from property_tests.pruning.stage import Played, play, tell
from property_tests.simulation.tapes import Tapes


def simulate(seed: int, runs: int) -> list[Played]:
    """Simulate runs from a seed, until one breaks a promise."""
    tapes, done = Tapes(seed), list[Played]()
    while len(done) < runs and not (done and done[-1].broken):
        done.append(play(tapes.next()))
    return done


def main(given: list[str] | None = None) -> int:
    """Run the command; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description='Simulate prunes in which anything goes wrong.')
    parser.add_argument('--runs', type=int, default=1_000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--tape', type=bytes.fromhex, help='play this one, and tell its story')
    asked = parser.parse_args(given)
    done = [play(asked.tape)] if asked.tape is not None else simulate(asked.seed, asked.runs)
    if done[-1].broken or asked.tape is not None:
        print(tell(done[-1].tape))
    steps, removed = sum(run.steps for run in done), sum(run.removed for run in done)
    print(f'{len(done):,} runs, {steps:,} steps, {removed:,} removals')
    return 1 if done[-1].broken else 0


if __name__ == '__main__':
    sys.exit(main())
