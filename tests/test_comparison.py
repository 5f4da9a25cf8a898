"""The comparison with other tools: what it says of dlmachine is shown by tests.

That they exist is checked for every page, in tests/test_docs.py.
"""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / 'docs/explanation/comparison.md').read_text(encoding='utf-8')
_TABLE: Final = [
    [cell.strip() for cell in row.strip('|').split('|')]
    for row in re.findall(r'^\|.*$', PAGE, re.MULTILINE)
]
FEATURES: Final = {row[0]: row[1] for row in _TABLE[2:]}
SHOWN: Final = {
    name: re.findall(r'`([^`]+)`', tests)
    for name, tests in re.findall(r'^- (.*):\n((?:  `.*`\n)+)', PAGE, re.MULTILINE)
}


def test_each_feature_has_its_tests() -> None:
    """What dlmachine does, or does in part, is shown; rows have as many cells as the heading."""
    assert {name for name, cell in FEATURES.items() if cell != 'no'} == SHOWN.keys()
    assert all(SHOWN.values())
    assert {len(row) for row in _TABLE} == {len(_TABLE[0])}
