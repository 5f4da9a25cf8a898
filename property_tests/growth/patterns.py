"""The compiled patterns of the package, and the methods that are called on them."""

import ast
import importlib
import inspect
import pkgutil
import re
import re._constants as ops  # type: ignore[import-not-found,unused-ignore]
import re._parser as parser  # type: ignore[import-not-found,unused-ignore]
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, Final

import dlmachine
import dlmachine_adapters
from dlmachine.core.regex import regex

#: The type of a pattern that is compiled on first use.
_DEFERRED: Final = type(regex(''))
#: A pattern that is passed on is tried with each method used in its module.
_USES: Final = ('fullmatch', 'match', 'search', 'finditer', 'findall', 'sub')


@dataclass(frozen=True)
class Used:
    """A pattern, and the name of a method that is called on it."""

    name: str
    pattern: 're.Pattern[Any]'
    use: str

    def __call__(self, text: str) -> Callable[[], object]:
        """Prepares for the call."""
        return partial(self._use, text)

    def _use(self, text: str) -> object:
        given: Any = (
            text.encode('latin-1', 'replace') if isinstance(self.pattern.pattern, bytes) else text
        )
        if self.use == 'sub':
            return self.pattern.sub(given[:0], given)
        made = getattr(self.pattern, self.use)(given)
        return list(made) if isinstance(made, Iterator) else made


def find_patterns() -> Iterator[Used]:
    """All patterns, each with every method that is called on it."""
    for package in (dlmachine, dlmachine_adapters):
        for info in pkgutil.walk_packages(package.__path__, f'{package.__name__}.'):
            if info.name.endswith('__main__'):
                continue
            module = importlib.import_module(info.name)
            yield from _in_module(module)


def units_of(pattern: 're.Pattern[Any]') -> tuple[str, ...]:
    """Texts for a pattern: the characters and literals in it, alone and in pairs."""
    text = pattern.pattern
    source = text.decode('latin-1') if isinstance(text, bytes) else text
    chars = tuple(dict.fromkeys(_chars(parser.parse(source, pattern.flags & ~re.UNICODE))))[:12]
    pairs = tuple(one + other for one in chars for other in chars if one != other)
    return (*chars, *pairs)


def _chars(parsed: Any) -> Iterator[str]:
    """The characters in a parsed pattern, one for each range and category."""
    if isinstance(parsed, (parser.SubPattern, list)):
        for one in parsed:
            yield from _chars(one)
        return
    if not isinstance(parsed, tuple):
        return
    match parsed:
        case (ops.LITERAL | ops.NOT_LITERAL, int(value)):
            yield chr(value)
        case (ops.RANGE, (int(first), _)):
            yield chr(first)
        case (ops.CATEGORY, value):
            yield _CATEGORIES.get(value, 'a')
        case _:
            # Repetitions, groups, branches: all their contents.
            for one in parsed:
                yield from _chars(one)


_CATEGORIES: Final = {ops.CATEGORY_DIGIT: '1', ops.CATEGORY_SPACE: ' ', ops.CATEGORY_WORD: 'a'}


def _in_module(module: ModuleType) -> Iterator[Used]:
    known = {name for name, value in vars(module).items() if [*_patterns_in(value)]}
    uses = _uses(inspect.getsource(module), known) if known else {}
    for name, value in vars(module).items():
        for pattern in _patterns_in(value):
            for use in uses.get(name) or _USES:
                yield Used(f'{module.__name__}.{name}', pattern, use)


def _patterns_in(value: object) -> Iterator['re.Pattern[Any]']:
    if isinstance(value, re.Pattern):
        yield value
    elif type(value) is _DEFERRED:
        made: Any = value
        yield re.compile(made.pattern, made.flags & ~re.UNICODE)
    elif isinstance(value, (tuple, list, frozenset, set)):
        for one in value:
            yield from _patterns_in(one)
    elif isinstance(value, dict):
        yield from _patterns_in((*value, *value.values()))


def _uses(source: str, known: set[str]) -> dict[str, tuple[str, ...]]:
    # A name that is not followed by a dot may be used with any method.
    called: dict[str, set[str]] = {}
    bare: set[str] = set()
    tree = ast.parse(source)
    before_dot = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            called.setdefault(node.value.id, set()).add(node.attr)
        elif (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and id(node) not in before_dot
        ):
            bare.add(node.id)
    others = {use for name, uses in called.items() if name not in known for use in uses}
    here = others & {*_USES}
    return {
        name: tuple(sorted(here if name in bare else used & {*_USES, 'split'}))
        for name, used in {**dict.fromkeys(bare, here), **called}.items()
        if name in known
    }
