"""What surviving mutants mean: explained, mere wording, or a gap in the tests."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutation.making import Mutant

EXPLAINED: Final = Path(__file__).parent / 'explained.toml'
#: Stands for every change of a function.
ANY: Final = '*'
_PREFIX: Final = 'dlmachine.core.'


@dataclass(frozen=True, slots=True)
class Rule:
    """Changes of one kind that need no test, in any function."""

    pattern: re.Pattern[str]
    why: str


@dataclass(frozen=True, slots=True)
class Explanations:
    """Why some mutants may survive.

    `wording` are changes of messages, which do not count at all; `rules` and `mutants` (by function, then
    by change) are changes without effect.
    """

    wording: tuple[re.Pattern[str], ...]
    rules: tuple[Rule, ...]
    mutants: dict[str, dict[str, str]]


def read_explanations(path: Path = EXPLAINED) -> Explanations:
    """Read the list beside this file."""
    stored = tomllib.loads(path.read_text())
    return Explanations(
        wording=tuple(re.compile(one, re.DOTALL) for one in stored['wording']),
        rules=tuple(
            Rule(re.compile(one['pattern'], re.DOTALL), one['why']) for one in stored['rules']
        ),
        mutants=stored['mutants'],
    )


def place_of(mutant: Mutant) -> str:
    """The function, in the notation of the list."""
    return mutant.place.removeprefix(_PREFIX)


def change_of(mutant: Mutant) -> str:
    """The change, on one line."""
    return ' '.join(f'{mutant.was} -> {mutant.now}'.split())


def is_wording(mutant: Mutant, known: Explanations) -> bool:
    """Whether only a message was changed."""
    return any(pattern.fullmatch(change_of(mutant)) for pattern in known.wording)


def explain(mutant: Mutant, known: Explanations) -> str | None:
    """The reason why this mutant may survive; None without one."""
    change = change_of(mutant)
    said = known.mutants.get(place_of(mutant), {})
    found = said.get(change) or said.get(ANY)
    rules = (rule.why for rule in known.rules if rule.pattern.fullmatch(change))
    return found or next(rules, None)


def find_idle(mutants: Iterable[Mutant], known: Explanations) -> list[str]:
    """Explanations of changes that no mutant makes, or that a test notices."""
    alive = {(place_of(one), change_of(one)) for one in mutants if one.verdict != 'killed'}
    alive |= {(place, ANY) for place, _ in alive}
    said = ((place, change) for place, changes in known.mutants.items() for change in changes)
    return [f'{place}: {change}' for place, change in said if (place, change) not in alive]
