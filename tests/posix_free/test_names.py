"""The list of tests that are skipped without POSIX."""

from pathlib import Path

import pytest

from tests.posix_free import NOT_ON_WINDOWS

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize('name', sorted(set().union(*NOT_ON_WINDOWS.values())))
def test_each_name_is_a_test(name: str) -> None:
    """A renamed test would no longer be skipped."""
    texts = (path.read_text(encoding='utf-8') for path in TESTS.rglob('test_*.py'))
    assert any(f'def {name}(' in text for text in texts)
