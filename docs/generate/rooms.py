"""The rooms: the picture of their layers, and what each room is for.

The layers are those of import-linter's contracts in `pyproject.toml`. What a room is for is the
first line of its docstring.
"""

import ast
import importlib.util
import tomllib
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from docs.generate.markdown import table

FACE: Final = 'dlmachine'
CORE: Final = 'dlmachine.core'
ADAPTERS: Final = 'dlmachine_adapters'

#: Between layers, so that the picture fits on a screen.
_SPACING: Final = '%%{init: {"flowchart": {"rankSpacing": 15}}}%%'
_PROJECT: Final = Path(__file__).parents[2] / 'pyproject.toml'


@cache
def layers() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """The layers of each package, from the top down; a layer has one or more rooms."""
    settings = tomllib.loads(_PROJECT.read_text(encoding='utf-8'))['tool']['importlinter']
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for contract in settings['contracts']:
        if contract['type'] == 'layers':
            package = contract.get('containers', [FACE])[0]
            rows = (tuple(layer.split(' | ')) for layer in contract['layers'])
            found[package] = tuple(row for row in rows if not {CORE, ADAPTERS} & {*row})
    found[FACE] = tuple(tuple(room.removeprefix(f'{FACE}.') for room in row) for row in found[FACE])
    return found


def picture() -> str:
    """The layers of each package, as a block of Mermaid; an arrow reads "may import"."""
    lines = ['```mermaid', _SPACING, 'flowchart LR']
    for package in (FACE, ADAPTERS, CORE):
        short = package.rpartition('.')[2]
        lines += [f'    subgraph {short}["{package}"]', '        direction TB']
        nodes = [f'{short}_{row[0].strip("_")}' for row in layers()[package]]
        for node, row in zip(nodes, layers()[package], strict=True):
            lines.append(f'        {node}["{" · ".join(row)}"]')
        lines += [f'        {over} --> {under}' for over, under in pairwise(nodes)]
        lines.append('    end')
    lines.append(f'    {FACE} --> {ADAPTERS} --> core')
    return '\n'.join((*lines, '```'))


def duties(package: str) -> str:
    """What each room of a package is for, from the top down."""
    rows = []
    for row in layers()[package]:
        for room in row:
            path = _source(f'{package}.{room}')
            name = f'{room}/' if path.name == '__init__.py' else path.name
            rows.append((f'`{name}`', first_line(path)))
    return table(('room', 'what it is for'), rows)


def first_line(path: Path) -> str:
    """The first line of a module's docstring."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    return (ast.get_docstring(tree) or '').partition('\n')[0]


def _source(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        msg = f'the contracts in pyproject.toml name {module}, which does not exist'
        raise ModuleNotFoundError(msg)
    return Path(spec.origin)
