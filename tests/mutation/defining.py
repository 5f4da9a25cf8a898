"""Mutants of definitions, which mutmut does not change because they are not bodies of functions.

These are constants and tables of a module, values of enumerations, and defaults of fields. A table
loses one entry after another, a pattern one alternative after another; numbers, truth values,
comparisons and names are changed as mutmut changes them.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.LShift: ast.RShift, ast.Pow: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A node, its replacement, and a description (None: both)."""

    old: ast.AST
    new: ast.AST
    gone: str | None = None

    @property
    def was(self) -> str:
        """What was there, as source."""
        return ast.unparse(self.old) if self.gone is None else self.gone

    @property
    def now(self) -> str:
        """What is there instead; empty for a removed part."""
        return ast.unparse(self.new) if self.gone is None else ''

    def source(self, whole: str) -> str:
        """The complete changed module."""
        return ast.unparse(_Exchanged(self.old, self.new).visit(ast.parse(whole)))


def find_definitions(source: str) -> Iterator[tuple[str, Change]]:
    """Yield every mutant of the definitions in a module, in order, with the name of what it changes.

    >>> [(name, one.was, one.now) for name, one in find_definitions('A = frozenset({1, 2})')]
    [('A', '1', ''), ('A', '2', ''), ('A', '1', '2'), ('A', '2', '3')]
    """
    for place, root in _definitions(ast.parse(source), ''):
        for node in ast.walk(root):
            kinds = (
                _of_name(node) if node is root else (),
                _of_table(node),
                _of_value(node),
                _of_logic(node),
            )
            for change in chain.from_iterable(kinds):
                yield place, change


class _Exchanged(ast.NodeTransformer):
    """Replaces a node, which is identified by its position."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if type(node) is type(self._old) and _position(node) == _position(self._old):
            return self._new
        return self.generic_visit(node)


def _position(node: ast.AST) -> tuple[int | None, ...]:
    names = ('lineno', 'col_offset', 'end_lineno', 'end_col_offset')
    return tuple(getattr(node, name, None) for name in names)


def _definitions(tree: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        name = assigned_name(node)
        if name is not None and isinstance(node, (ast.Assign, ast.AnnAssign)):
            assert node.value is not None
            yield prefix + name, node.value
        elif isinstance(node, ast.ClassDef):
            yield from _definitions(node, f'{prefix}{node.name}.')


def assigned_name(node: ast.stmt) -> str | None:
    """The constant or the field that a statement gives a value; None for any other statement."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) if name != '__all__':
            return name
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr(), annotation=kind):
            return None if 'TypeAlias' in ast.unparse(kind) else name
        case _:
            return None


def _of_name(node: ast.AST) -> Iterator[Change]:
    # A text with a space in it is a message.
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and ' ' not in node.value:
        yield Change(node, ast.Constant(f'XX{node.value}XX'))


def _of_table(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Set(elts=elements) | ast.Tuple(elts=elements, ctx=ast.Load()):
            for index, element in enumerate(elements):
                yield Change(node, _without(node, index), ast.unparse(element))
        case ast.Dict(keys=keys):
            for index, key in enumerate(keys):
                gone = ast.unparse(node.values[index] if key is None else key)
                yield Change(node, _without(node, index), gone)
        case ast.Call(func=ast.Attribute(attr='compile'), args=[ast.Constant(value=str(text)), *_]):
            for alternative, rest in _alternatives(text):
                new = ast.Constant(rest)
                yield Change(node.args[0], new, alternative)
        case _:
            pass


def _of_value(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Constant(value=bool(value)):
            yield Change(node, ast.Constant(not value))
        case ast.Constant(value=(int() | float()) as value):
            yield Change(node, ast.Constant(value + 1))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            new = ast.BinOp(left=left, op=_OPERATORS[type(operator)](), right=right)
            yield Change(node, new)
        case _:
            pass


def _of_logic(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=comparators):
            swapped = _COMPARISONS[type(operator)]()
            yield Change(node, ast.Compare(left=left, ops=[swapped], comparators=comparators))
        case ast.BoolOp(op=operator, values=values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield Change(node, ast.BoolOp(op=other, values=values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield Change(node, operand)
        case ast.IfExp(body=body, orelse=orelse):
            yield Change(node, body)
            yield Change(node, orelse)
        case _:
            pass


def _without(node: ast.Set | ast.Tuple | ast.Dict, index: int) -> ast.expr:
    match node:
        case ast.Dict(keys=keys, values=values):
            return ast.Dict(
                keys=keys[:index] + keys[index + 1 :], values=values[:index] + values[index + 1 :]
            )
        case ast.Set(elts=elements) if len(elements) == 1:
            return ast.Call(func=ast.Name(id='set'), args=[], keywords=[])
        case ast.Set(elts=elements):
            return ast.Set(elts=elements[:index] + elements[index + 1 :])
        case ast.Tuple(elts=elements):
            return ast.Tuple(elts=elements[:index] + elements[index + 1 :], ctx=ast.Load())


def _alternatives(text: str) -> Iterator[tuple[str, str]]:
    """Each alternative of a pattern, and the pattern without it.

    >>> list(_alternatives('a|(b|c)|[d|]'))
    [('a', '(b|c)|[d|]'), ('(b|c)', 'a|[d|]'), ('[d|]', 'a|(b|c)')]
    """
    parts, depth = [''], 0
    for index, character in enumerate(text):
        is_escaped = text[:index].endswith('\\') and not text[:index].endswith('\\\\')
        depth += 0 if is_escaped else (character in '([') - (character in ')]')
        if character == '|' and depth == 0 and not is_escaped:
            parts.append('')
        else:
            parts[-1] += character
    if len(parts) > 1:
        for index, part in enumerate(parts):
            yield part, '|'.join(parts[:index] + parts[index + 1 :])
