"""A workload as data, with its targets."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.benchmarks.environments import Environments
from tests.benchmarks.measuring import Entry, Row

Rows: TypeAlias = Mapping[str, Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure that must not be higher than `most`; None if it could not be measured."""

    text: str
    most: float
    figure: Callable[[Rows], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A workload: its entries run in turn, ratios are relative to `reference`."""

    name: str
    title: str
    reference: str
    entries: tuple[Entry, ...]
    unit: str = ''
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What workloads are made with: a folder on tmpfs, environments, and sizes."""

    folder: Path
    environments: Environments
    is_quick: bool = False

    def pick(self, full: int, quick: int) -> int:
        """A size."""
        return quick if self.is_quick else full


MakeWork: TypeAlias = Callable[[Bench], AbstractContextManager[Work]]


def ratio(name: str, reference: str, text: str, most: float) -> Target:
    """The seconds for one unit divided by those of another entry."""

    def figure(rows: Rows) -> float | None:
        one, other = rows.get(name), rows.get(reference)
        return one.ratio_to(other, lambda run: run.wall) if one and other else None

    return Target(text=text, most=most, figure=figure)


def extra(name: str, key: str, text: str, most: float) -> Target:
    """The largest value of a figure that an entry printed."""

    def figure(rows: Rows) -> float | None:
        row = rows.get(name)
        return max(float(run.extras[key]) for run in row.runs) if row and row.runs else None

    return Target(text=text, most=most, figure=figure)
