"""Read the results of mutmut: each mutant, its function, its change, and its end."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: Exit codes of the process that ran the tests: pytest's 1 and 3 are a test that failed, 24 and
#: 152 a limit of CPU time that was hit, 36 and 255 a limit of time; signals are negative.
_KILLED: Final = frozenset({1, 3})
_SURVIVED: Final = 0
_UNTESTED: Final = frozenset({5, 33})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A change: in this function `was` became `now`; the tests ended with this code.

    `name` is mutmut's name, which changes with the function; `place`, `was` and `now` come from the syntax
    tree, and stay.
    """

    name: str
    module: str
    place: str
    was: str
    now: str
    exit_code: int | None

    @property
    def verdict(self) -> str:
        """killed, survived, untested, unfinished, or stuck (too slow, or died)."""
        if self.exit_code is None:
            return 'unfinished'
        if self.exit_code in _KILLED:
            return 'killed'
        if self.exit_code == _SURVIVED:
            return 'survived'
        return 'untested' if self.exit_code in _UNTESTED else 'stuck'


@dataclass(slots=True)
class _Versions:
    """A function of a mutated module: the original, and its mutants by number."""

    original: ast.stmt | None = None
    mutants: dict[str, ast.stmt] = field(default_factory=dict)


def read_mutants(folder: Path) -> list[Mutant]:
    """Every mutant below a folder in which mutmut ran, in the order of the sources."""
    found: list[Mutant] = []
    for meta in sorted(folder.rglob('*.py.meta')):
        codes: dict[str, int | None] = json.loads(meta.read_text())['exit_code_by_key']
        if codes:
            path = meta.with_suffix('')
            module = '.'.join(path.relative_to(folder).with_suffix('').parts)
            found.extend(_read_module(module, ast.parse(path.read_text()), codes))
    return found


def _read_module(module: str, tree: ast.Module, codes: dict[str, int | None]) -> Iterator[Mutant]:
    functions = _functions(tree)
    for name, code in codes.items():
        key, _, number = name.rpartition('__mutmut_')
        key = key.removeprefix(f'{module.removesuffix(".__init__")}.')
        versions = functions[key]
        original, mutant = versions.original, versions.mutants[number]
        assert original is not None
        was, now = difference(original, mutant)
        place = f'{module}.{_plain(key)}'
        yield Mutant(name=name, module=module, place=place, was=was, now=now, exit_code=code)


def _functions(tree: ast.Module) -> dict[str, _Versions]:
    found: dict[str, _Versions] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and '__mutmut_' in node.name:
            key, _, number = node.name.rpartition('__mutmut_')
            versions = found.setdefault(key, _Versions())
            if number == 'orig':
                versions.original = node
            else:
                versions.mutants[number] = node
            node.name = _plain(key)
    return found


def _plain(key: str) -> str:
    """`x_f` is the function f, `xǁCǁm` the method m of C."""
    return key.removeprefix('x_') if key.startswith('x_') else '.'.join(key.split('ǁ')[1:])


def difference(one: ast.AST, other: ast.AST) -> tuple[str, str]:
    """The smallest different parts of two trees, as source; empty for a removed part.

    >>> difference(ast.parse('f(a, 1 < 2)'), ast.parse('f(a, 1 <= 2)'))
    ('1 < 2', '1 <= 2')
    >>> difference(ast.parse('f(a, b=c)'), ast.parse('f(a)'))
    ('b=c', '')
    """
    shown: tuple[ast.AST, ast.AST | None] = (one, other)
    pair: tuple[ast.AST, ast.AST | None] | None = (one, other)
    while pair is not None:
        if isinstance(pair[0], _SHOWN) and (pair[1] is None or isinstance(pair[1], _SHOWN)):
            shown = pair
        pair = None if pair[1] is None else _only_difference(pair[0], pair[1])
    was, now = shown
    return ast.unparse(was).strip(), '' if now is None else ast.unparse(now).strip()


#: An operator alone is not informative, so its operands are shown, too.
_SHOWN: Final = (
    ast.expr, ast.stmt, ast.keyword, ast.match_case, ast.pattern, ast.ExceptHandler, ast.comprehension,
)  # fmt: skip


def _only_difference(one: ast.AST, other: ast.AST) -> tuple[ast.AST, ast.AST | None] | None:
    if type(one) is not type(other):
        return None
    found: list[tuple[object, object]] = []
    for name in one._fields:
        ours, theirs = _values(getattr(one, name)), _values(getattr(other, name))
        if len(theirs) == len(ours) - 1:
            theirs.insert(_first_difference(ours, theirs), None)
        if len(theirs) != len(ours):
            return None
        found += [(a, b) for a, b in zip(ours, theirs, strict=True) if _dump(a) != _dump(b)]
    match found:
        case [(ast.AST() as was, (ast.AST() | None) as now)]:
            return was, now
        case _:
            return None


def _first_difference(ours: list[object], theirs: list[object]) -> int:
    return next((i for i, one in enumerate(theirs) if _dump(ours[i]) != _dump(one)), len(theirs))


def _values(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]


def _dump(value: object) -> str:
    return ast.dump(value) if isinstance(value, ast.AST) else repr(value)
