"""The architecture, held by tests: purity, direction, size, silence."""

import ast
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import dlmachine.core
from docs.generate.rooms import layers

ROOT = Path(__file__).parents[1]
CORE = Path(dlmachine.core.__file__).parent
PACKAGES = (CORE.parent, Path(importlib.import_module('dlmachine_adapters').__file__ or '').parent)

#: The standard library's modules of values; everything else there does something.
PURE = {
    'base64', 'binascii', 'collections', 'contextlib', 'dataclasses', 'datetime', 'difflib', 'functools', 'email', 'enum', 'errno', 'hashlib', 'html', 'io', 'ipaddress', 'itertools',
    'json', 'math', 'operator', 'pathlib', 're', 'shlex', 'types', 'typing', 'unicodedata', 'urllib', 'warnings', 'idna', 'returns', 'rfc8785', 'tomli_w', 'dlmachine',
}  # fmt: skip
#: Warnings name the line of the caller, for which the stack is read.
EXCEPTIONS = {'deprecation.py': {'sys'}}
FORBIDDEN_CALLS = {'now', 'utcnow', 'today', 'open', 'print', 'input', 'read_text', 'write_text'}
#: What importing dlmachine must not load.
HEAVY = {
    'requests', 'pycurl', 'cachedir', 'numpy', 'pandas', 'rich', 'click', 'tqdm', 'yaml',
    'filelock', 'urllib3', 'sqlite3', 'idna',
}  # fmt: skip


def _modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted(package.rglob('*.py'))


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, '') for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or '', alias.name) for alias in node.names)


@pytest.mark.parametrize('path', sorted(CORE.rglob('*.py')), ids=lambda path: path.name)
def test_core_imports_only_values(path: Path) -> None:
    """A file of the core imports nothing that does something."""
    for module, name in _imports(ast.parse(path.read_text(encoding='utf-8'))):
        top = module.partition('.')[0]

        assert top in PURE | EXCEPTIONS.get(path.name, set()), f'{path.name} imports {module}'
        assert top != 'dlmachine' or module.startswith('dlmachine.core'), module
        assert top != 'pathlib' or name.startswith('Pure'), f'{path.name} imports {name}'
        assert top != 'io' or name == 'BytesIO', f'{path.name} imports {name}'
        assert top != 'urllib' or module == 'urllib.parse', module


@pytest.mark.parametrize('path', sorted(CORE.rglob('*.py')), ids=lambda path: path.name)
def test_core_calls_no_clock_and_no_files(path: Path) -> None:
    """A file of the core reads no clock, opens no file and prints nothing."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, 'attr', getattr(node.func, 'id', ''))

            assert name not in FORBIDDEN_CALLS, f'{path.name}:{node.lineno} calls {name}'


def test_core_dataclasses_are_frozen_and_slotted() -> None:
    """Every type of the core is an immutable value."""
    seen = 0
    for info in pkgutil.walk_packages(dlmachine.core.__path__, 'dlmachine.core.'):
        for name, kind in inspect.getmembers(importlib.import_module(info.name), inspect.isclass):
            if is_dataclass(kind) and kind.__module__ == info.name:
                seen += 1

                assert kind.__dataclass_params__.frozen, name  # type: ignore[attr-defined]
                assert '__slots__' in vars(kind), name
                assert fields(kind) is not None
    assert seen > 60


@pytest.mark.parametrize('path', list(_modules()), ids=lambda path: path.name)
def test_files_are_small(path: Path) -> None:
    """A file has one idea, and at most 300 lines."""
    assert len(path.read_text(encoding='utf-8').splitlines()) <= 300


@pytest.mark.parametrize('first', ['dlmachine', 'dlmachine_adapters', 'dlmachine_adapters.world'])
def test_importing_is_silent(tmp_path: Path, first: str) -> None:
    """Importing prints nothing, writes nothing, configures nothing and loads nothing heavy."""
    heavy = HEAVY if first != 'dlmachine_adapters.world' else HEAVY - {'sqlite3'}
    code = (
        f'import logging, sys; before = list(logging.getLogger().handlers)\n'
        f'import {first}, dlmachine, dlmachine_adapters\n'
        f'assert logging.getLogger().handlers == before\n'
        f'loaded = {heavy!r} & set(sys.modules)\n'
        f'assert not loaded, loaded\n'
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith('COV')}
    done = subprocess.run(
        [sys.executable, '-c', code],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=_with_path(environ),
    )  # fmt: skip

    assert (done.stdout, done.stderr, done.returncode) == ('', '', 0)
    assert list(tmp_path.iterdir()) == []


def _with_path(environ: dict[str, str]) -> dict[str, str]:
    places = [str(package.parent) for package in PACKAGES]
    return {**environ, 'PYTHONPATH': os.pathsep.join(places), 'PYTHONDONTWRITEBYTECODE': '1'}


def test_no_file_names_a_registry() -> None:
    """No file says where packages come from: the installing client knows."""
    needles = ['py' + 'pi.org', 'python' + 'hosted', 'registry.np' + 'mjs', 'deb.deb' + 'ian']
    kinds = {'.py', '.md', '.toml', '.yml', '.yaml', '.cff', '.txt', ''}
    skipped = ('.git/', '.venv', 'build/', 'dist/', 'site/')
    for path in ROOT.rglob('*'):
        is_ours = not str(path.relative_to(ROOT)).startswith(skipped) and path.suffix in kinds
        if is_ours and path.is_file() and '.cache' not in str(path):
            text = path.read_text(encoding='utf-8', errors='replace')

            assert not [needle for needle in needles if needle in text], path


def test_public_names_are_all_there() -> None:
    """Every public name can be had, is sorted, and an unknown one is an AttributeError."""
    assert dlmachine.__all__ == sorted(dlmachine.__all__)
    for name in dlmachine.__all__:
        assert getattr(dlmachine, name) is not None
    with pytest.raises(AttributeError, match='nothing'):
        getattr(dlmachine, 'nothing')  # noqa: B009 -- a type checker would find it


def test_public_names_survive_their_modules() -> None:
    """No module of the package bears the name of a public function: importing it would hide it."""
    modules = {info.name for info in pkgutil.iter_modules(dlmachine.__path__)}

    assert not modules & set(dlmachine.__all__)


@pytest.mark.skipif('DLMACHINE_TEST_INSTALLED' not in os.environ, reason='only for the built wheel')
def test_the_installed_wheel_is_tested() -> None:
    """When the wheel is tested, it is the wheel that is tested, with both marks of its types."""
    for package in PACKAGES:
        assert 'site-packages' in package.parts
        assert (package / 'py.typed').exists()


@pytest.mark.parametrize('package', PACKAGES, ids=['face', 'adapters'])
def test_each_room_tells_its_duty(package: Path) -> None:
    """In the first line of its docstring, which the page on the architecture shows."""
    for room in package.rglob('__init__.py'):
        tree = ast.parse(room.read_text(encoding='utf-8'))

        assert (ast.get_docstring(tree) or '').split('\n')[0], room


def test_each_room_of_the_face_is_in_a_contract() -> None:
    """As import-linter demands it of those of the core, the adapters and the command line."""
    named = {room for row in layers()['dlmachine'] for room in row} | {'core'}

    assert {info.name for info in pkgutil.iter_modules(dlmachine.__path__)} == named


@pytest.mark.parametrize('package', PACKAGES, ids=['face', 'adapters'])
def test_no_room_is_crowded(package: Path) -> None:
    """A place for a change is found from the path alone."""
    for room in package.rglob('__init__.py'):
        assert len([*room.parent.glob('*.py')]) <= 15, room
