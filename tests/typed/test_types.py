"""The types that users see: mypy and pyright accept what is right, and find each mistake."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
#: Where the sources are, unless dlmachine is installed.
SOURCES = [str(place) for place in (ROOT, ROOT / 'adapters') if (ROOT / 'dlmachine').is_dir()]
#: A wrong line, as it is marked, and as mypy tells of it.
_MARKED = re.compile(r'# error$')
_TOLD = re.compile(r'^(?:.*/)?(\w+\.py):(\d+): error: ')

Found = dict[str, set[int]]


def _needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f'{module} is not installed')


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, '-m', *command], cwd=folder, capture_output=True, text=True, check=False
    )
    # Both end with 1 if they have found anything, and with more if they could not look.
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def _write_readme(folder: Path) -> Path:
    """README's Python, as a file."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    program = '\n'.join(re.findall(r'^```python\n(.*?)^```$', text, re.DOTALL | re.MULTILINE))
    assert 'manager.download' in program
    path = folder / 'readme.py'
    path.write_text(program)
    return path


@pytest.fixture(scope='module')
def by_mypy(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The lines with errors in each file, found by mypy with the settings of a user."""
    _needs('mypy')
    folder = tmp_path_factory.mktemp('mypy')
    settings = folder / 'mypy.ini'
    lines = ['[mypy]', 'strict = True', f'mypy_path = {":".join(SOURCES)}']
    # As in an installed package: its own code is not looked at.
    lines += ['[mypy-dlmachine.*,dlmachine_adapters.*]', 'follow_imports = silent']
    settings.write_text('\n'.join(lines))
    files = [str(HERE / name) for name in ('good.py', 'good_for_mypy.py', 'bad.py')]
    files.append(str(_write_readme(folder)))
    told = _run(['mypy', '--config-file', str(settings), *files], folder)
    return _collect(
        (found[1], int(found[2])) for found in map(_TOLD.match, told.splitlines()) if found
    )


@pytest.fixture(scope='module')
def by_pyright(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The same, found by pyright."""
    _needs('pyright')
    folder = tmp_path_factory.mktemp('pyright')
    settings = folder / 'pyrightconfig.json'
    # It looks only at what is in the folder of its settings.
    for name in ('good.py', 'bad.py'):
        shutil.copy(HERE / name, folder)
    _write_readme(folder)
    words = {'extraPaths': SOURCES, 'typeCheckingMode': 'strict'}
    settings.write_text(json.dumps(words))
    command = [
        'pyright',
        '--project',
        str(settings),
        '--pythonpath',
        sys.executable,
        '--outputjson',
    ]
    told = json.loads(_run(command, folder))
    return _collect(
        (Path(one['file']).name, one['range']['start']['line'] + 1)
        for one in told['generalDiagnostics']
        if one['severity'] == 'error'
    )


def _collect(errors: Iterator[tuple[str, int]]) -> Found:
    found: Found = {}
    for name, line in errors:
        found.setdefault(name, set()).add(line)
    return found


def _marked() -> set[int]:
    lines = (HERE / 'bad.py').read_text(encoding='utf-8').splitlines()
    return {number for number, line in enumerate(lines, start=1) if _MARKED.search(line)}


def test_mypy_finds_each_mistake_and_nothing_else(by_mypy: Found) -> None:
    """Under --strict, without a plugin."""
    assert by_mypy == {'bad.py': _marked()}


def test_pyright_finds_each_mistake_and_nothing_else(by_pyright: Found) -> None:
    """In its strict mode."""
    assert by_pyright == {'bad.py': _marked()}
