"""Change the core in thousands of small ways, and check that a test notices each.

    python -m tests.mutation                  every mutant of dlmachine/core
    python -m tests.mutation http.url plan    those of this module and of this room
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
from tests.mutation.making import Mutant
from tests.mutation.running import run
from tests.mutation.workshop import LOG, copy_sources, module_names, read_results


def main() -> int:
    """Run and report; return the exit status."""
    parser = argparse.ArgumentParser(prog='python -m tests.mutation', description=__doc__)
    parser.add_argument('names', nargs='*', help='modules or rooms of dlmachine/core; none: all')
    parser.add_argument('--again', action='store_true', help='only the gaps of last time')
    parser.add_argument('--report', action='store_true', help='do not run')
    parser.add_argument('--jobs', type=int, default=2, help='processes (2)')
    asked = parser.parse_args()
    began, known = monotonic(), read_explanations()
    if not asked.report:
        copy_sources()
        gaps = [one for one in _read(asked.names) if _fate(one, known) == 'gap']
        lived = {one.name for one in gaps} if asked.again else None
        modules = [one for one in module_names() if _is_asked(one, asked.names)]
        if asked.again:
            modules = sorted({one.module for one in gaps})
        if not run(modules, lived, asked.jobs, lambda one: explain(one, known) is not None):
            print(f'not all mutants were tried; see {LOG}', file=sys.stderr)
            return 2
    mutants = _read(asked.names)
    found = report(mutants, known)
    idle = [one for one in find_idle(mutants, known) if _is_asked(_CORE + one, asked.names)]
    for one in idle:
        print(f'explained for nothing: {one}')
    print(f'{monotonic() - began:.0f} s')
    return 1 if found or idle or not mutants else 0


def _read(names: list[str]) -> list[Mutant]:
    return [one for one in read_results().values() if _is_asked(one.module, names)]


def _is_asked(place: str, names: list[str]) -> bool:
    return not names or f'{place}.'.startswith(tuple(f'{_CORE}{one}.' for one in names))


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


def _lives(mutant: Mutant) -> bool:
    return mutant.verdict not in {'killed', 'stuck'}


_CORE = 'dlmachine.core.'


if __name__ == '__main__':
    sys.exit(main())
