"""Which tests count for a download manager, and the figures by tier."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

#: The verdict of a test: None if it passed, or why it did not.
Verdicts = Mapping[str, str | None]
_TIERS: Final = json.loads(Path(__file__).with_name('tiers.json').read_text(encoding='utf-8'))


def figures(tests: Mapping[str, Any], verdicts: Verdicts) -> tuple[list[str], list[str]]:
    """A line for each tier, and one for each test that did not pass; tests by section/id."""
    by_id = {test['id']: name for name, test in tests.items()}
    passed: dict[str, int] = {}
    total: dict[str, int] = {}
    failed: list[str] = []
    for name, test in tests.items():
        tier = _tier_of(name, test.get('kind', 'required'))
        if tier is None or _is_among(name, _TIERS['older']):
            continue
        needed = [name]
        if _TIERS['tiers'][tier]['count'] == 'with_dependencies':
            needed = _needed(name, tests, by_id)
        why = next((verdicts[one] for one in needed if verdicts[one] is not None), None)
        total[tier] = total.get(tier, 0) + 1
        passed[tier] = passed.get(tier, 0) + (why is None)
        if why is not None:
            failed.append(f'{tier}: {name}: {why}')
    return [f'{tier}: {passed[tier]} of {total[tier]}' for tier in total], failed


def _needed(name: str, tests: Mapping[str, Any], by_id: Mapping[str, str]) -> list[str]:
    found = [name]
    for one in found:
        found += [by_id[other] for other in tests[one].get('depends_on', ()) if other in by_id]
    return found


def _tier_of(name: str, kind: str) -> str | None:
    for tier, rule in _TIERS['tiers'].items():
        if rule['kind'] == kind and _is_among(name, rule['tests']):
            return str(tier)
    return None


def _is_among(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
