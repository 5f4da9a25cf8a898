"""The site of the documentation: it builds without a warning, and a browser has no complaint."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site.browser import Viewer, serve

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT / 'docs') for path in (ROOT / 'docs').rglob('*.md'))

pytest.importorskip('mkdocs', reason='mkdocs is not installed')


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp('site')
    command = [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--site-dir']
    done = subprocess.run(
        [*command, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, 'NO_MKDOCS_2_WARNING': '1'},
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope='module')
def viewer(site: Path, browser: object) -> Iterator[Viewer]:
    """A browser that looks at the built site."""
    with serve(site) as base_url:
        yield Viewer(browser, base_url)


def test_every_page_is_built(site: Path) -> None:
    """Each page has its HTML, and nothing else than pages has."""
    for page in PAGES:
        name = page.with_suffix('') if page.stem != 'index' else page.parent
        assert (site / name / 'index.html').exists(), page
    assert not list(site.rglob('*.py'))
    assert not list(site.rglob('main.html'))


@pytest.mark.parametrize('page', PAGES, ids=str)
def test_page_looks_right(viewer: Viewer, page: Path) -> None:
    """Diagrams are drawn, examples are blocks of code, names are whole, tables fit, nothing is missing."""
    text = (ROOT / 'docs' / page).read_text(encoding='utf-8')
    path = '' if page.stem == 'index' else f'{page.with_suffix("").as_posix()}/'
    diagrams = len(re.findall(r'^```mermaid$', text, re.MULTILINE))

    assert viewer.problems(path, diagrams) == []


@pytest.mark.parametrize(
    ('body', 'problem'),
    [
        ('<script>console.error("oh")</script>', 'console: oh'),
        ('<script>throw Error("oh")</script>', 'error: oh'),
        ('<img src="/gone.png">', '404: '),
        ('<img src="https://example.org/a.png">', 'another host: https://example.org/a.png'),
        ('<table><td style="max-width: 2em; word-break: break-all">unbroken', 'broken in a cell, 1280 px: unbroken'),
        ('<table><td style="max-width: 2em"><code>--no-check</code>', 'broken in a cell, 400 px: --no-check'),
        ('<div style="width: 10em; overflow: auto"><table><td><code>a_name_that_takes_more_than_that</code>', 'a table does not fit: a_name'),
        ('<p>Text.</p><p>&gt;&gt;&gt; 1 + 1</p>', 'not rendered: >>> 1 + 1'),
        ('<blockquote><blockquote><blockquote>1 + 1', 'not rendered: >>> 1 + 1'),
        (r'<table><td><code>a \| b</code>', r'not rendered: a \| b'),
        ('<div class="mermaid">flowchart TB</div>', '0 diagrams of 1 are rendered'),
    ],
    ids=['console', 'exception', 'missing', 'other host', 'word', 'name', 'table', 'doctest', 'quotation', 'backslash', 'diagram'],
)  # fmt: skip
def test_the_browser_notices(tmp_path: Path, browser: object, body: str, problem: str) -> None:
    """Each kind of mistake is found on a page that has it."""
    document = f'<!DOCTYPE html><link rel="icon" href="data:,"><body>{body}'
    (tmp_path / 'index.html').write_text(document, encoding='utf-8')
    with serve(tmp_path) as base_url:
        viewer = Viewer(browser, base_url, patience_seconds=0.5)
        problems = viewer.problems('', diagrams=body.count('mermaid'))

    assert [found for found in problems if found.startswith(problem)], problems
