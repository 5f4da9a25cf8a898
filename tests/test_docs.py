"""The documentation, executed: every Python block, and what it says that it prints."""

import doctest
import io
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.docs_server import serve_examples

ROOT = Path(__file__).parents[1]
#: How a page names a test.
_TEST: Final = re.compile(r'`([a-z_/]+\.py)::(test_\w+)`')
PAGES = (ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md')))

_FENCE = re.compile(r'^( *)```(\w+)([^\n]*)\n(.*?)^\1```$', re.DOTALL | re.MULTILINE)
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, what else stands on its first line, text and place."""

    language: str
    note: str
    text: str
    line: int

    @property
    def is_output(self) -> bool:
        return self.language == 'text' and 'output' in self.note


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    markdown = page.read_text(encoding='utf-8')
    found = []
    for match in _FENCE.finditer(markdown):
        indent, language, note, text = match.groups()
        lines = [line.removeprefix(indent) for line in text.splitlines()]
        line = markdown.count('\n', 0, match.start()) + 1
        found.append(Block(language, note.strip(), '\n'.join(lines) + '\n', line))
    return found


WITH_PYTHON = [page for page in PAGES if any(b.language == 'python' for b in blocks_of(page))]


@pytest.fixture
def base_url() -> Iterator[str]:
    """The address of the server that examples talk to."""
    with serve_examples() as address:
        yield address


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No example may leave anything behind, nor see the settings of whoever runs the tests.
    home = tmp_path / 'home'
    work = tmp_path / 'work'
    home.mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    for name in ('HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME'):
        monkeypatch.setenv(name, str(home))
    for name in [name for name in os.environ if name.startswith('DLMACHINE_')]:
        monkeypatch.delenv(name)
    monkeypatch.setenv('DLMACHINE_CONFIG', os.devnull)
    for name in ('http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize('page', WITH_PYTHON, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.usefixtures('_elsewhere')
def test_page_runs_from_top_to_bottom(page: Path, base_url: str) -> None:
    """Each page's Python runs in one namespace, and prints what the page says."""
    namespace: dict[str, Any] = {'__name__': '__main__', 'base_url': base_url}
    printed = ''
    for block in blocks_of(page):
        if block.is_output:
            shown = re.sub(r'127\.0\.0\.1:\d+', '127.0.0.1:8000', printed)
            agrees = doctest.OutputChecker().check_output(block.text, shown, _FLAGS)

            assert agrees, f'{page.name}:{block.line} says\n{block.text}\nbut it prints\n{shown}'
        elif block.language == 'python':
            source = '\n' * block.line + block.text
            with redirect_stdout(io.StringIO()) as told:
                exec(compile(source, str(page), 'exec'), namespace)
            printed = told.getvalue()
    for value in list(namespace.values()):
        if type(value).__name__ == 'DownloadManager':
            value.close()


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_stay_on_this_machine(page: Path) -> None:
    """No Python block names a host that is not loopback, except hosts that cannot exist."""
    for block in blocks_of(page):
        if block.language == 'python':
            hosts = set(re.findall(r'https?://([\w.\-]+)', block.text))

            assert hosts <= {'127.0.0.1', 'localhost'}, f'{page.name}:{block.line}'


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
