"""Profile dlmachine in a workload, function by function.

The profiler makes calls more expensive, and C code relatively cheaper: the shares are approximate.
"""

import json
import pstats
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.benchmarks.measuring import Entry, run_once
from tests.benchmarks.work import Work

_LINES: Final = 25


def profile_work(work: Work, folder: Path, into: Path) -> None:
    """Run each entry of dlmachine once; write profiles to a folder, and print the top functions."""
    into.mkdir(parents=True, exist_ok=True)
    scratch = folder / 'run'
    scratch.mkdir()
    for entry in work.entries:
        path = into / f'{work.name}-{entry.name}.prof'.replace(' ', '-').replace(',', '')
        profiled = _with_profile(entry, path.absolute())
        if profiled is None:
            continue
        problem = run_once(profiled, scratch)
        print(f'### {work.name}: {entry.name}\n')
        if isinstance(problem, str):
            print(problem)
            continue
        stats = pstats.Stats(str(path), stream=sys.stdout)
        stats.strip_dirs().sort_stats('tottime').print_stats(_LINES)


def _with_profile(entry: Entry, path: Path) -> Entry | None:
    if not entry.steps or not any(word.endswith('with_dlmachine.py') for word in entry.steps[0]):
        return None
    *command, job = entry.steps[0]
    asked = json.dumps({**json.loads(job), 'profile': str(path)})
    return replace(entry, steps=((*command, asked),))
