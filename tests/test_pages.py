"""The pages of the documentation, followed as a reader follows them.

The Python blocks of a page are copied, in their order, into a file of an empty folder, and that file is run;
then the commands of its shell blocks are run in the same folder.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from dlmachine.demo import examples

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md')))

_FENCE: Final = re.compile(r'^( *)```(\w+)([^\n]*)\n(.*?)^\1```$', re.DOTALL | re.MULTILINE)
_COMMAND: Final = re.compile(r'^\$ ((?:[A-Z_]+=\S+ )*(?:dlmachine|dlm|echo) [^\n]*)$', re.MULTILINE)
_KEPT: Final = ('PATH', 'LANG', 'LC_ALL', 'TMPDIR', 'SYSTEMROOT')


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, what else stands on its first line, its text and its line."""

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


def commands_of(page: Path) -> list[str]:
    """The commands of a page that the tests run: those of dlmachine, and `echo` into a file."""
    shell = [block.text for block in blocks_of(page) if block.language == 'console']
    return [command for text in shell for command in _COMMAND.findall(text)]


def name_of(page: Path) -> str:
    """The name of a page in the output of pytest."""
    return str(page.relative_to(ROOT))


WITH_PYTHON: Final = [p for p in PAGES if any(b.language == 'python' for b in blocks_of(p))]
FOLLOWED: Final = [page for page in PAGES if page in WITH_PYTHON or commands_of(page)]
TAUGHT: Final = [
    page for page in WITH_PYTHON if page.parent.name in {ROOT.name, 'how-to', 'tutorial'}
]


@dataclass(frozen=True)
class Desk:
    """Where a reader works: an empty folder, and an environment with nothing of the developer's."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, timeout=100, check=False, text=True,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty folder and an empty home."""
    home, folder = tmp_path / 'home', tmp_path / 'work'
    home.mkdir()
    folder.mkdir()
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {'HOME': str(home), 'PYTHONWARNINGS': 'error'}
    if 'DLMACHINE_TEST_INSTALLED' not in os.environ:
        environment['PYTHONPATH'] = os.pathsep.join((str(ROOT), str(ROOT / 'adapters')))
    return Desk(folder, environment)


@pytest.mark.parametrize('page', FOLLOWED, ids=name_of)
def test_page_can_be_followed(page: Path, desk: Desk) -> None:
    """Its Python runs as a copied file and prints what the page says; its commands end as it says."""
    blocks = blocks_of(page)
    python = [block.text for block in blocks if block.language == 'python']
    if python:
        (desk.folder / 'page.py').write_text('\n\n'.join(python), encoding='utf-8')

        done = desk.run(sys.executable, 'page.py')

        assert (done.returncode, done.stderr) == (0, ''), done.stderr
        printed = re.sub(r'127\.0\.0\.1:\d+', '127.0.0.1:8000', done.stdout)
        assert_printed(page, [block for block in blocks if block.is_output], printed)
    if commands := commands_of(page):
        assert_commands_run(commands, desk)


def assert_commands_run(commands: list[str], desk: Desk) -> None:
    """Each ends with the exit code that its comment names, otherwise 0.

    The examples' server answers in place of hosts that do not exist.
    """
    with examples() as server:
        for command in commands:
            code = re.search(r'# .*exit code (\d+)', command)
            local = re.sub(r'https://(example\.org|mirror\.example)', server.url, command)

            done = desk.run('bash', '-c', f'{_SHELL}{local}', sys.executable)

            expected = int(code.group(1)) if code else 0
            assert done.returncode == expected, f'{command}\n{done.stdout}{done.stderr}'


_SHELL: Final = 'dlmachine() { "$0" -m dlmachine "$@"; }; dlm() { dlmachine "$@"; }; '


def assert_printed(page: Path, expected: list[Block], printed: str) -> None:
    """The output blocks, one after the other, are all that was printed."""
    pattern = r'\s*'
    for block in expected:
        pattern += _pattern_of(block.text)
        assert re.match(pattern, printed), (
            f'{page.name}:{block.line} says\n{block.text}\nbut the page prints\n{printed}'
        )
    assert re.fullmatch(pattern, printed), f'{page.name} does not show all of this:\n{printed}'


def _pattern_of(text: str) -> str:
    # `...` is any text within a line; white space may be wrapped differently.
    words = [re.escape(word).replace(r'\.\.\.', r'[^\n]*?') for word in text.split()]
    return r'\s+'.join(words) + r'\s+'


@pytest.mark.parametrize('page', TAUGHT, ids=name_of)
def test_server_is_in_the_first_block(page: Path) -> None:
    """A page that talks to a server starts it in its first Python block."""
    python = [block.text for block in blocks_of(page) if block.language == 'python']
    if any('server' in text for text in python):
        assert 'from dlmachine.demo import examples' in python[0]


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_examples_stay_on_this_computer(page: Path) -> None:
    """No Python block names a host that is not loopback, unless it plans only."""
    for block in blocks_of(page):
        if block.language == 'python' and '.plan(' not in block.text:
            hosts = set(re.findall(r'https?://([\w.\-]+)', block.text))

            assert hosts <= {'127.0.0.1', 'localhost'}, f'{page.name}:{block.line}'


@pytest.mark.parametrize('page', WITH_PYTHON, ids=name_of)
def test_page_needs_dlmachine_alone(page: Path) -> None:
    """With what pip installs along with it, and no extras."""
    allowed = {*sys.stdlib_module_names, 'dlmachine', 'dlmachine_adapters', 'returns'}
    for block in blocks_of(page):
        if block.language == 'python':
            found = re.findall(r'^\s*(?:from|import) (\w+)', block.text, re.MULTILINE)

            assert {*found} <= allowed, f'{page.name}:{block.line}'


def test_output_that_a_page_does_not_show_is_noticed(tmp_path: Path) -> None:
    """Wrong, missing and additional output; `...` does not reach into the next line."""
    shown = [Block('text', 'title="output"', 'a ... c\n', 1), Block('text', 'output', 'd\n', 5)]

    assert_printed(tmp_path, shown, 'a b c\nd\n')
    for wrong in ('a b\nd\n', 'a b\nb c\nd\n', 'a b c\n', 'a b c\nx\nd\n', 'a b c\nd\ne\n'):
        with pytest.raises(AssertionError):
            assert_printed(tmp_path, shown, wrong)
