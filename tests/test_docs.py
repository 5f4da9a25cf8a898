"""The tests that the documentation names."""

import re
from pathlib import Path
from typing import Final

import pytest

import dlmachine
from tests.test_pages import PAGES, ROOT

#: How a page names a test.
_TEST: Final = re.compile(r'`([a-z_/]+\.py)::(test_\w+)`')


def test_every_promise_names_tests() -> None:
    """Each promise names at least one test that checks it."""
    page = (ROOT / 'docs' / 'explanation' / 'guarantees.md').read_text(encoding='utf-8')
    promises = re.split(r'^## \d+\. ', page, flags=re.MULTILINE)[1:]
    assert len(promises) == 11
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


def test_each_public_name_is_in_the_reference() -> None:
    """By itself, with the module that it is defined in, or in a sentence."""
    folder = ROOT / 'docs' / 'reference'
    text = '\n'.join(page.read_text(encoding='utf-8') for page in folder.glob('*.md'))
    shown = set(re.findall(r'^::: ([\w.]+)$', text, re.MULTILINE))
    homes = {name: f'dlmachine.{home}' for name, home in dlmachine._HOMES.items()}
    missing = [
        name
        for name, home in homes.items()
        if not {f'dlmachine.{name}', home} & shown and not re.search(rf'\bdm\.{name}\b', text)
    ]
    assert missing == []


def test_each_page_is_listed() -> None:
    """The first page and the navigation of the site have a link to every other page."""
    docs = ROOT / 'docs'
    pages = {str(page.relative_to(docs)) for page in docs.rglob('*.md')} - {'index.md'}
    listed = re.findall(r'\]\(([\w/-]+\.md)\)', (docs / 'index.md').read_text(encoding='utf-8'))
    navigation = re.findall(r': ([\w/-]+\.md)$', (ROOT / 'mkdocs.yml').read_text(), re.MULTILINE)

    assert pages == set(listed)
    assert pages == set(navigation) - {'index.md'}


@pytest.mark.parametrize('page', [page for page in PAGES if page.parent.name == 'how-to'])
def test_title_is_the_same_everywhere(page: Path) -> None:
    """On the page, in the list of pages and in the navigation."""
    title = page.read_text(encoding='utf-8').partition('\n')[0].removeprefix('# ')
    place = f'how-to/{page.name}'

    assert f'[{title}]({place})' in (ROOT / 'docs' / 'index.md').read_text(encoding='utf-8')
    assert f'{title}: {place}' in (ROOT / 'mkdocs.yml').read_text(encoding='utf-8')
