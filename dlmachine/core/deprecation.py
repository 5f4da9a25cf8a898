"""Support for former names, which work with a warning that contains the present name."""

import sys
import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from types import FrameType
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec('P')
R = TypeVar('R')

#: Packages whose calls are not the caller's: dlmachine, and what it calls itself through.
_OWN: Final = frozenset({'dlmachine', 'dlmachine_adapters', 'contextlib', 'functools', 'returns'})


def warn_renamed(old: str, new: str) -> None:
    """Warn that a name has changed, at the line of the caller outside dlmachine.

    Python shows a DeprecationWarning by default only if that line is in the program itself.
    """
    frame = sys._getframe(1)  # noqa: SLF001 -- `inspect` reads the source of each frame
    warnings.warn(f'{old} is now called {new}', DeprecationWarning, level_outside(frame))


def level_outside(frame: FrameType) -> int:
    """The `stacklevel` of the nearest frame outside dlmachine, if this frame has `stacklevel` 2."""
    level = 2
    while frame.f_back and str(frame.f_globals.get('__name__')).partition('.')[0] in _OWN:
        frame, level = frame.f_back, level + 1
    return level


def renamed(module: Mapping[str, Any], /, **names: str) -> Callable[[str], Any]:
    """Make a `__getattr__` (PEP 562) that knows former names, for a module with these globals.

    Each is passed as `former='present'`.
    """
    title = module['__name__']

    def find(name: str) -> Any:
        new = names.get(name)
        if new is None:
            raise AttributeError(f'module {title!r} has no attribute {name!r}')
        warn_renamed(f'{title}.{name}', new)
        return module[new]

    return find


def with_former_parameters(
    title: str = '', /, **former: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Accept former names of a function's parameters, each passed as `former='present'`.

    A warning calls the function `title`, or by its own name.

    >>> @with_former_parameters(colour='color')
    ... def paint(color: str) -> str:
    ...     return color
    >>> paint('red')
    'red'
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for old, present in former.items():
                if old in kwargs:
                    warn_renamed(f'{title or function.__name__}({old}=)', f'{present}=')
                    kwargs[present] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return wrap
