"""Measure what a contender runs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias

_LAUNCH: Final = Path(__file__).parent / 'launch.py'
PROGRAMS: Final = Path(__file__).parent / 'programs'
#: More than the slowest contender needs; a hanging one is ended then.
_MAX_SECONDS: Final = 400.0

Command: TypeAlias = tuple[str, ...]
#: Additional figures of a run; `problem` says why it does not count.
Extras: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A contender in a workload.

    `steps` are its commands, all of which are measured; `units` is the number of downloads or hits, used
    for ratios; `note` says what it does not do. With `tells_time` the seconds are those that the program
    prints, without start and imports. `is_slow` runs in the first round only. `absent` says why it cannot
    take part.
    """

    name: str
    steps: tuple[Command, ...] = ()
    note: str = ''
    units: int = 1
    tells_time: bool = False
    is_slow: bool = False
    absent: str = ''
    before: Callable[[], object] = lambda: None
    after: Callable[[], Extras] = dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: seconds, CPU seconds, bytes."""

    wall: float
    cpu: float
    peak: int
    extras: Extras


@dataclass(slots=True, kw_only=True)
class Row:
    """All runs of an entry."""

    entry: Entry
    runs: list[Run] = field(default_factory=list)
    problem: str = ''

    @property
    def wall(self) -> float:
        """The median of the seconds."""
        return median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        """The median of the CPU seconds."""
        return median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        """The median of the peak bytes."""
        return median(run.peak for run in self.runs)

    @property
    def each(self) -> float:
        """The seconds for one unit."""
        return self.wall / self.entry.units

    def ratio_to(self, other: 'Row', figure: Callable[[Run], float]) -> float | None:
        """The median of the ratios for one unit, round by round, which cancels common slowness."""
        units = other.entry.units / self.entry.units
        ratios = [
            figure(one) / figure(two) * units
            for one, two in zip(self.runs, other.runs, strict=False)
            if figure(two)
        ]
        return median(ratios) if ratios else None


def python(program: str, at: str | Path, /, **job: Any) -> Command:
    """One of the benchmark's programs, isolated, in the Python of an environment."""
    return (str(at), '-I', str(PROGRAMS / program), json.dumps(job, default=str))


def find_tool(name: str) -> str | None:
    """The path of a command, or None."""
    return shutil.which(name)


def run_once(entry: Entry, folder: Path) -> Run | str:
    """Run it once; a text says what went wrong."""
    entry.before()
    out, err = folder / 'stdout', folder / 'stderr'
    job = {
        'steps': entry.steps,
        'env': _environment(folder),
        'folder': str(folder),
        'out': str(out),
        'err': str(err),
        'seconds': _MAX_SECONDS,
    }
    launched = subprocess.run(
        [sys.executable, '-I', '-S', str(_LAUNCH), json.dumps(job)],
        stdout=subprocess.PIPE,
        check=True,
    )
    steps: Sequence[Mapping[str, Any]] = json.loads(launched.stdout)
    if steps[-1]['status']:
        words = err.read_text(errors='replace').strip().splitlines()
        return f'ended with {steps[-1]["status"]}: {words[-1] if words else "no word"}'
    reported = _last_line(out)
    extras = {**reported, **entry.after()}
    if problem := extras.get('problem'):
        return str(problem)
    wall = reported['seconds'] if entry.tells_time else sum(step['wall'] for step in steps)
    return Run(
        wall=wall,
        cpu=sum(step['cpu'] for step in steps),
        peak=max(step['peak'] for step in steps),
        extras=extras,
    )


def _environment(folder: Path) -> dict[str, str]:
    # The user's proxy, configuration and cache are not used.
    kept = {name: os.environ[name] for name in ('PATH', 'LANG') if name in os.environ}
    return {**kept, 'HOME': str(folder), 'TMPDIR': str(folder), 'TERM': 'dumb'}


def _last_line(out: Path) -> dict[str, Any]:
    lines = out.read_text(errors='replace').strip().splitlines()
    if not lines or not lines[-1].startswith('{'):
        return {}
    reported: dict[str, Any] = json.loads(lines[-1])
    return reported
