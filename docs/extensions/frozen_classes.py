"""Tells the reference that `@frozen` makes dataclasses, so that it shows how they are called."""

from typing import Any

import griffe

_OURS = 'dlmachine.core.frozen.frozen'


class FrozenClasses(griffe.Extension):
    """`@frozen` read as `@dataclass(frozen=True, kw_only=…)`."""

    def on_class_instance(self, *, cls: griffe.Class, **_: Any) -> None:
        """Put the other decorator in its place."""
        before, cls.decorators = cls.decorators, [_as_dataclass(each) for each in cls.decorators]
        if before != cls.decorators:
            cls.labels.add('dataclass')


def _as_dataclass(decorator: griffe.Decorator) -> griffe.Decorator:
    if decorator.callable_path != _OURS:
        return decorator
    given = decorator.value.arguments if isinstance(decorator.value, griffe.ExprCall) else []
    said = {each.name: each for each in given if isinstance(each, griffe.ExprKeyword)}
    frozen = griffe.ExprKeyword('frozen', 'True')
    by_name = said.get('kw_only', griffe.ExprKeyword('kw_only', 'True'))
    call = griffe.ExprCall(griffe.ExprName('dataclasses.dataclass'), [frozen, by_name])
    return griffe.Decorator(call, lineno=decorator.lineno, endlineno=decorator.endlineno)
