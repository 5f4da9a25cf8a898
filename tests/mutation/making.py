"""The mutants of a module: mutmut makes those of functions, `defining` those of definitions."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.mutation.defining import Change, find_definitions

#: Exit codes of the process that ran the tests; negative ones are signals, as for too much time.
KILLED: Final = 1
SURVIVED: Final = 0
UNTESTED: Final = 33
#: It survived in place, but imports run the function, too; or its code cannot be exchanged.
NOT_IN_PLACE: Final = 77


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A change: in this function `was` became `now`; the tests ended with this code.

    `name` changes with the function; `place`, `was` and `now` come from the syntax tree, and stay.
    """

    name: str
    module: str
    place: str
    was: str
    now: str
    exit_code: int | None = None

    @property
    def verdict(self) -> str:
        """killed, survived, untested, unfinished, or stuck (too slow, or died)."""
        return _VERDICTS.get(self.exit_code, 'stuck')


_VERDICTS: Final = {
    None: 'unfinished', KILLED: 'killed', SURVIVED: 'survived', UNTESTED: 'untested', NOT_IN_PLACE: 'survived',
}  # fmt: skip


def make_mutants(module: str, source: str) -> Iterator[tuple[Mutant, Change]]:
    """Yield every mutant of a module, in the order of the source; definitions come last."""
    # Here, because only `make mutants` installs it.
    from mutmut.mutation.file_mutation import mutate_file_contents

    originals = dict(_functions(ast.parse(source), ''))
    code = mutate_file_contents(f'{module}.py', _undecorated(source)).code
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.FunctionDef) or '__mutmut_' not in node.name:
            continue
        name, (mangled, _, number) = node.name, node.name.rpartition('__mutmut_')
        qualname = mangled.removeprefix('x_')
        if 'ǁ' in mangled:
            qualname = '.'.join(mangled.split('ǁ')[1:])
        original = originals[qualname]
        if number == 'orig':
            continue
        node.name, node.decorator_list = original.name, original.decorator_list
        was, now = difference(original, node)
        place = f'{module}.{qualname}'
        mutant = Mutant(name=f'{module}.{name}', module=module, place=place, was=was, now=now)
        yield mutant, Change(original, node)
    for index, (defined, one) in enumerate(find_definitions(source)):
        place = f'{module}.{defined}'
        name = f'{place}__definition_{index}'
        mutant = Mutant(name=name, module=module, place=place, was=one.was, now=one.now)
        yield mutant, one


def _functions(
    node: ast.Module | ast.ClassDef, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef]]:
    for one in node.body:
        if isinstance(one, ast.FunctionDef):
            yield prefix + one.name, one
        elif isinstance(one, ast.ClassDef):
            yield from _functions(one, f'{prefix}{one.name}.')


def _undecorated(source: str) -> str:
    r"""The source without decorators of functions, because mutmut passes over a function that has one.

    >>> _undecorated('@cache\ndef f(): ...')
    '\ndef f(): ...'
    """
    lines = source.split('\n')
    for _, function in _functions(ast.parse(source), ''):
        for one in function.decorator_list:
            if ast.unparse(one) != 'overload':
                end = one.end_lineno or one.lineno
                lines[one.lineno - 1 : end] = [''] * (end - one.lineno + 1)
    return '\n'.join(lines)


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
