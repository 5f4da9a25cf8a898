"""The tests that the documentation names."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.test_pages import PAGES, ROOT

#: How a page names a test.
_TEST: Final = re.compile(r'`([a-z_/]+\.py)::(test_\w+)`')


def test_every_promise_names_tests() -> None:
    """Each promise names at least one test that checks it."""
    page = (ROOT / 'docs' / 'explanation' / 'guarantees.md').read_text(encoding='utf-8')
    promises = re.split(r'^## \d+\. ', page, flags=re.MULTILINE)[1:]
    assert len(promises) == 10
    for promise in promises:
        assert _TEST.search(promise), promise.splitlines()[0]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_tests_that_a_page_names_are_there(page: Path) -> None:
    """On every page, also that on trust."""
    for path, name in _TEST.findall(page.read_text(encoding='utf-8')):
        text = (ROOT / path).read_text(encoding='utf-8')
        assert re.search(rf'^def {name}\(', text, re.MULTILINE), f'{path}::{name}'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_pages_hold_no_diary(page: Path) -> None:
    """A page says what is true now, and when it was measured at most once; history is the changelog's."""
    text = re.sub(
        r'^( *)```.*?^\1```$', '', page.read_text(encoding='utf-8'), flags=re.DOTALL | re.MULTILINE
    )

    assert len(re.findall(r'\b20\d\d-\d\d-\d\d\b', text)) <= 1
    assert not re.search(r'^\|.*\b(before|after) *\|', text, re.MULTILINE)
