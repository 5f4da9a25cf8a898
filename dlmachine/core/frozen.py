"""A decorator for frozen, slotted dataclasses that creates classes and instances faster.

Pure. Only the constructor is generated for each class, when it is first called; comparison, hash,
repr and immutability are shared by all classes. Creating a class takes a tenth of the time of
`@dataclass(frozen=True, slots=True)`. More than a hundred are created before the first download,
which uses a third of them. Notebooks ask the values for HTML, which is made by a function that the
face has passed.

The classes are dataclasses in every other way: `dataclasses.fields`, `replace`, `asdict`, `match`.
The `replace` of this module takes half the time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    NamedTuple,
    NoReturn,
    TypeVar,
    dataclass_transform,
    overload,
)

from dlmachine.core.deprecation import warn_renamed, with_former_parameters

T = TypeVar('T')

#: For a class whose fields were never renamed.
NO_NAMES: Final[Mapping[str, str]] = {}

#: The default of a field that is created for each instance.
_TO_BE_MADE: Final = object()
#: How notebooks show the values of all classes: at most one function, which is not the core's.
_RENDERERS: Final[list[Callable[[object], str | None]]] = []


def show_in_notebooks_by(render: Callable[[object], str | None]) -> None:
    """Let a function render values as HTML in notebooks; None leaves a value to its `repr`."""
    _RENDERERS[:] = [render]


@overload
def frozen(kind: type[T], /) -> type[T]: ...


@overload
def frozen(
    *, kw_only: bool = True, old_names: Mapping[str, str] = ...
) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(
    frozen_default=True, kw_only_default=True, eq_default=True, field_specifiers=(field,)
)
def frozen(
    kind: type[T] | None = None,
    /,
    *,
    kw_only: bool = True,
    old_names: Mapping[str, str] = NO_NAMES,
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class a frozen, slotted dataclass.

    Methods that the class defines are kept. `old_names` maps former names of fields to present
    names: a former name can still be passed and read, with a DeprecationWarning.

    >>> @frozen
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(x=1), Point(x=1) == Point(x=1, y=0)
    (Point(x=1, y=0), True)
    >>> Point(x=1).x = 2
    Traceback (most recent call last):
        ...
    dataclasses.FrozenInstanceError: cannot assign to field 'x'
    """
    if kind is None:
        return lambda it: _make(it, kw_only, old_names)
    return _make(kind, kw_only, old_names)


if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 -- exported to type checkers
else:  # Type checkers know the fields only of the standard library's function.

    def replace(one: T, /, **changes: object) -> T:
        """The same value with other fields.

        >>> @frozen
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> replace(Point(x=1), y=2)
        Point(x=1, y=2)
        """
        shape = one.__shape__
        values = zip(shape.names, shape.values(one), strict=True)
        return type(one)(**dict(values, **changes))


class _Shape(NamedTuple):
    """The properties of a class that the shared methods need."""

    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    values_compared: Callable[[Any], tuple[Any, ...]]
    shown: tuple[str, ...]


def _make(kind: type[T], kw_only: bool, old_names: Mapping[str, str]) -> type[T]:
    own = frozenset(kind.__dict__)
    bases = [base for base in kind.__mro__[1:] if hasattr(base, '__shape__')]
    _set_frozen(bases, is_frozen=False)
    made: Any = dataclass(slots=True, kw_only=kw_only, init=False, eq=False, repr=False)(kind)
    _set_frozen([made, *bases], is_frozen=True)
    every = fields(made)
    if '__init__' not in own:
        made.__init__ = _Deferred(made, every)
    for name, function in _SHARED.items():
        if name not in own:
            setattr(made, name, function)
    names = tuple(each.name for each in every if each.init)
    made.__shape__ = _Shape(
        names=names,
        values=_getter(names),
        values_compared=_getter(tuple(each.name for each in every if each.compare)),
        shown=tuple(each.name for each in every if each.repr),
    )
    if old_names:
        _accept_old_names(made, old_names)
    return made  # type: ignore[no-any-return]


def _accept_old_names(made: Any, old_names: Mapping[str, str]) -> None:
    made.__init__ = with_former_parameters(made.__name__, **old_names)(made.__init__)
    for old, new in old_names.items():
        setattr(made, old, property(_reader(made.__name__, old, new)))


def _reader(kind: str, old: str, new: str) -> Callable[[Any], Any]:
    def read(self: Any) -> Any:
        warn_renamed(f'{kind}.{old}', new)
        return getattr(self, new)

    return read


def _set_frozen(kinds: Iterable[Any], *, is_frozen: bool) -> None:
    # `dataclasses` checks this flag before it lets one class inherit from another.
    for kind in kinds:
        kind.__dataclass_params__.frozen = is_frozen


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple([getattr(one, name) for name in names])


class _Deferred:
    """A constructor that replaces itself by a generated one when it is first looked up.

    Most classes of a process have no instances: those of faults that do not happen.
    """

    def __init__(self, kind: Any, every: tuple[Field[Any], ...]) -> None:
        self._kind, self._every = kind, every

    def __get__(self, one: Any, owner: Any) -> Any:
        made: Any = _constructor(self._kind, self._every)
        self._kind.__init__ = made
        return made.__get__(one, owner)


def _constructor(kind: Any, every: tuple[Field[Any], ...]) -> Callable[..., None]:
    positional = [_parameter(each) for each in every if each.init and not each.kw_only]
    by_name = [_parameter(each) for each in every if each.init and each.kw_only]
    parameters = ['self', *positional, *(['*', *by_name] if by_name else [])]
    lines = [f' _set_{each.name}(self, {_value(each)})' for each in every] or [' pass']
    text = f'def __init__({", ".join(parameters)}):\n' + '\n'.join(lines)
    words: dict[str, Any] = {'_TO_BE_MADE': _TO_BE_MADE}
    for each in every:
        # Sets the slot directly, because `__setattr__` refuses.
        words[f'_set_{each.name}'] = getattr(kind, each.name).__set__
        words[f'_default_{each.name}'] = each.default
        words[f'_make_{each.name}'] = each.default_factory
    exec(text, words)  # noqa: S102 -- as `dataclasses` and `collections` do; only names are put in
    made: Any = words['__init__']
    made.__qualname__ = f'{kind.__qualname__}.__init__'
    made.__module__ = kind.__module__
    made.__annotations__ = {each.name: each.type for each in every if each.init} | {'return': None}
    return made  # type: ignore[no-any-return]


def _parameter(each: 'Field[Any]') -> str:
    if each.default_factory is not MISSING:
        return f'{each.name}=_TO_BE_MADE'
    return each.name if each.default is MISSING else f'{each.name}=_default_{each.name}'


def _value(each: 'Field[Any]') -> str:
    if each.default_factory is not MISSING:
        return f'_make_{each.name}() if {each.name} is _TO_BE_MADE else {each.name}'
    return each.name if each.init else f'_default_{each.name}'


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    values = self.__shape__.values_compared
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(self.__shape__.values_compared(self))


def _repr(self: Any) -> str:
    shown = ', '.join(f'{name}={getattr(self, name)!r}' for name in self.__shape__.shown)
    return f'{type(self).__qualname__}({shown})'


def _refuse_to_set(self: Any, name: str, _: object) -> NoReturn:
    raise FrozenInstanceError(f'cannot assign to field {name!r}')


def _refuse_to_delete(self: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f'cannot delete field {name!r}')


def _state(self: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    # A subclass may have more fields, and other attributes in a `__dict__`.
    return tuple(getattr(self, each.name) for each in fields(self)), getattr(self, '__dict__', {})


def _set_state(self: Any, state: tuple[tuple[Any, ...], Mapping[str, Any]]) -> None:
    names = tuple(each.name for each in fields(self))
    for name, one in (*zip(names, state[0], strict=True), *state[1].items()):
        object.__setattr__(self, name, one)


def _repr_html(self: Any) -> str | None:
    for render in _RENDERERS:
        return render(self)
    return None


_SHARED: Final[Mapping[str, Callable[..., Any]]] = {
    '__eq__': _equal,
    '__hash__': _hash,
    '__repr__': _repr,
    '_repr_html_': _repr_html,
    '__setattr__': _refuse_to_set,
    '__delattr__': _refuse_to_delete,
    '__getstate__': _state,
    '__setstate__': _set_state,
}
