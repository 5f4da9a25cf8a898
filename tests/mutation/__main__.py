"""Change the core in thousands of small ways, and check that a test notices each.

    python -m tests.mutation                  every mutant of dlmachine/core
    python -m tests.mutation http.url plan.codec    those of these modules
    python -m tests.mutation --again          those that lived through the last run unexplained
    python -m tests.mutation --report         no run: what the last one found

Needs mutmut (`pip install --group mutants`); works in `build/mutants`. Exits with 1 if a mutant
lives that `explained.toml` does not explain.
"""

import argparse
import sys
from collections import defaultdict
from time import monotonic

from tests.mutation.judging import (
    Explanations,
    change_of,
    explain,
    find_idle,
    is_wording,
    place_of,
    read_explanations,
)
from tests.mutation.reading import Mutant, read_mutants
from tests.mutation.trying import read_tried, try_definitions
from tests.mutation.workshop import LOG, RESULTS, prepare, run_mutmut


def main() -> int:
    """Run and report; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m tests.mutation', description=__doc__)
    parser.add_argument('modules', nargs='*', help='modules of dlmachine/core; none: all')
    parser.add_argument('--again', action='store_true', help='only the gaps of last time')
    parser.add_argument('--report', action='store_true', help='do not run')
    parser.add_argument('--jobs', type=int, default=2, help='processes (2)')
    asked = parser.parse_args()
    began, known = monotonic(), read_explanations()
    if not asked.report:
        prepare(keeps_results=asked.again or bool(asked.modules))
        lived = [one.name for one in _read(asked.modules) if _fate(one, known) == 'gap']
        if not _run(asked.modules, lived if asked.again else None, asked.jobs):
            print(f'mutmut failed; see {LOG}', file=sys.stderr)
            return 2
    mutants = _read(asked.modules)
    gaps = report(mutants, known)
    idle = [] if asked.modules or asked.again else find_idle(mutants, known)
    for one in idle:
        print(f'explained for nothing: {one}')
    print(f'{monotonic() - began:.0f} s')
    return 1 if gaps or idle or not mutants else 0


def report(mutants: list[Mutant], known: Explanations) -> int:
    """Print the gaps, then a line for each module; return the number of gaps."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_COLUMNS, 0))
    gaps = 0
    for one in mutants:
        fate = _fate(one, known)
        for name in (one.module.removeprefix(_CORE), 'all of the core'):
            counts[name][fate] += 1
        if fate == 'gap':
            gaps += 1
            print(f'{one.verdict}: {place_of(one)}: {change_of(one)}    ({one.name})')
    print(
        f'\n{"module":20}{"mutants":>9}' + ''.join(f'{name:>11}' for name in _COLUMNS) + '  score'
    )
    for name in sorted(counts, key=lambda name: (name == 'all of the core', name)):
        by_fate = counts[name]
        counted = sum(by_fate.values()) - by_fate['wording']
        score = f'{by_fate["killed"] / counted:.1%}' if counted else '-'
        cells = ''.join(f'{by_fate[column]:>11}' for column in _COLUMNS)
        print(f'{name:20}{sum(by_fate.values()):>9}{cells}{score:>7}')
    return gaps


#: The results of mutants; changes of mere wording do not count towards the score.
_COLUMNS = ('wording', 'killed', 'explained', 'gap')


def _fate(mutant: Mutant, known: Explanations) -> str:
    if is_wording(mutant, known):
        return 'wording'
    if not _lives(mutant):
        return 'killed'
    return 'gap' if explain(mutant, known) is None else 'explained'


def _run(modules: list[str], lived: list[str] | None, jobs: int) -> bool:
    try_definitions(modules, lived, jobs)
    if lived is None:
        # By name, although these are all: otherwise mutmut first checks that tests are found.
        wanted = [f'{_CORE}{module}.*' for module in modules] or [f'{_CORE}*']
        return run_mutmut(wanted, jobs) == 0
    names = [name for name in lived if '__mutmut_' in name]
    return not names or run_mutmut(names, jobs) == 0


def _read(modules: list[str]) -> list[Mutant]:
    found = [*read_mutants(RESULTS), *read_tried()]
    return [one for one in found if not modules or one.module.removeprefix(_CORE) in modules]


def _lives(mutant: Mutant) -> bool:
    return mutant.verdict not in {'killed', 'stuck'}


_CORE = 'dlmachine.core.'


if __name__ == '__main__':
    sys.exit(main())
