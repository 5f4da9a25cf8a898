"""`@frozen` makes dataclasses like those of `dataclasses`."""

import copy
import inspect
import pickle
from collections.abc import Callable
from dataclasses import (
    FrozenInstanceError,
    asdict,
    astuple,
    dataclass,
    field,
    fields,
    is_dataclass,
    replace,
)
from typing import Any

import pytest

from dlmachine.core import frozen as module
from dlmachine.core.frozen import frozen, show_in_notebooks_by


def _bodies() -> tuple[Callable[[], Any], ...]:
    def plain() -> Any:
        class Kind:
            a: int
            b: str = 'b'

        return Kind

    def empty() -> Any:
        class Kind:
            pass

        return Kind

    def single() -> Any:
        class Kind:
            a: object

        return Kind

    def rich() -> Any:
        class Kind:
            a: int
            made: list[int] = field(default_factory=list, compare=False)
            hidden: str = field(default='x', repr=False)
            kept: int = field(default=7, init=False, compare=False)

        return Kind

    return plain, empty, single, rich


GIVEN: dict[str, dict[str, Any]] = {
    'plain': {'a': 1},
    'empty': {},
    'single': {'a': (1, 2)},
    'rich': {'a': 1},
}
theirs: Any = dataclass(frozen=True, slots=True, kw_only=True)


@pytest.mark.parametrize('body', _bodies(), ids=lambda body: body.__name__)
class TestLikeADataclass:
    """Compares with the original decorator."""

    def test_shows_itself_alike(self, body: Callable[[], Any]) -> None:
        """The repr has the name and the fields, except those with repr=False."""
        mine, other = frozen(body()), theirs(body())
        given = GIVEN[body.__name__]

        assert repr(mine(**given)) == repr(other(**given))

    def test_has_the_same_fields(self, body: Callable[[], Any]) -> None:
        """Names and defaults are equal, and asdict, replace and match work."""
        mine: Any = frozen(body())
        other, given = theirs(body()), GIVEN[body.__name__]

        assert [(each.name, each.default) for each in fields(mine)] == [
            (each.name, each.default) for each in fields(other)
        ]
        assert asdict(mine(**given)) == asdict(other(**given))
        assert astuple(mine(**given)) == astuple(other(**given))
        assert mine.__match_args__ == other.__match_args__
        assert mine.__slots__ == other.__slots__
        assert mine.__dataclass_params__.frozen
        assert is_dataclass(mine)

    def test_is_made_of_the_same_arguments(self, body: Callable[[], Any]) -> None:
        """Names, kinds, types and defaults of the parameters are equal."""
        mine, other = inspect.signature(frozen(body())), inspect.signature(theirs(body()))

        assert [(one.name, one.kind, one.annotation) for one in mine.parameters.values()] == [
            (one.name, one.kind, one.annotation) for one in other.parameters.values()
        ]
        for name in mine.parameters:
            is_free = mine.parameters[name].default is inspect.Parameter.empty
            assert is_free == (other.parameters[name].default is inspect.Parameter.empty)

    def test_is_equal_to_its_like_alone(self, body: Callable[[], Any]) -> None:
        """Values of another class, or with other fields, are not equal."""
        mine, other, given = frozen(body()), frozen(body()), GIVEN[body.__name__]

        assert mine(**given) == mine(**given)
        assert hash(mine(**given)) == hash(mine(**given))
        assert mine(**given) != other(**given)
        assert mine(**given) != 1

    def test_comes_back_from_a_copy(self, body: Callable[[], Any]) -> None:
        """Shallow and deep copies are equal."""
        one = frozen(body())(**GIVEN[body.__name__])

        assert copy.copy(one) == one
        assert copy.deepcopy(one) == one

    def test_cannot_be_changed(self, body: Callable[[], Any]) -> None:
        """Neither a field nor a new attribute can be set."""
        one = frozen(body())(**GIVEN[body.__name__])

        for name in ('a', 'other'):
            with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
                setattr(one, name, 2)
            with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
                delattr(one, name)


@frozen(kw_only=False)
class Point:
    """Two positional fields."""

    x: int
    y: int = 0


@frozen
class Base:
    """A base class."""

    a: int = 0


@frozen
class Derived(Base):
    """A subclass with one more field."""

    b: int


def _family() -> tuple[Any, Any]:
    """The same two classes, created again."""

    @frozen
    class Base:
        a: int = 0

    @frozen
    class Derived(Base):
        b: int

    return Base, Derived


class Told:
    """A class with its own constructor, repr, comparison and hash."""

    a: int

    def __init__(self, *, twice: int) -> None:
        """Halves the number."""
        object.__setattr__(self, 'a', twice // 2)

    def __repr__(self) -> str:
        """Shows the number in words."""
        return f'told {self.a}'

    def __eq__(self, other: object) -> bool:
        """Compares the number with that of any object."""
        return getattr(other, 'a', None) == self.a

    def __hash__(self) -> int:
        """Hashes the number."""
        return self.a


def test_fields_may_be_positional() -> None:
    """kw_only=False allows positional arguments."""

    @frozen(kw_only=False)
    class Place:
        x: int
        y: int = 0

    match Place(1, 2):
        case Place(x, y):
            assert (x, y) == (1, 2)
    assert Place(1) == Place(x=1, y=0)
    with pytest.raises(TypeError):
        Base(1)  # type: ignore[call-arg]


def test_an_argument_that_is_missing_or_unknown_is_an_error() -> None:
    """The error is that of any function."""
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        Point(1, z=2)  # type: ignore[call-arg]


def test_default_factory_is_called_for_each_instance() -> None:
    """The factory is called for each instance, but not if a value is passed."""
    kind: Any = frozen(_bodies()[3]())

    assert kind(a=1).made is not kind(a=1).made
    assert kind(a=1, made=[5]).made == [5]
    assert kind(a=1, made=None).made is None


def test_what_is_not_compared_makes_no_difference() -> None:
    """It counts neither for equality nor for the hash."""
    kind: Any = frozen(_bodies()[3]())

    assert kind(a=1, made=[5]) == kind(a=1)
    assert hash(kind(a=1, made=[5])) == hash(kind(a=1))
    assert kind(a=1, hidden='y') != kind(a=1)


def test_fields_are_inherited() -> None:
    """Instances of the two classes are not equal."""
    base, derived = _family()

    assert derived(a=1, b=2) == replace(derived(b=2), a=1)
    assert derived.__slots__ == ('b',)
    assert derived(b=0) != base()
    assert [kind.__dataclass_params__.frozen for kind in (base, derived)] == [True, True]


def test_one_value_is_compared_as_many_are() -> None:
    """A class may have one field or none."""
    single: Any = frozen(_bodies()[2]())
    empty: Any = frozen(_bodies()[1]())

    assert single(a=1) != single(a=2)
    assert hash(single(a=1)) != hash(single(a=2))
    assert empty() == empty()


def test_other_values_have_other_hashes() -> None:
    """Otherwise all values would collide in a set."""
    assert len({hash(Point(number)) for number in range(9)}) == 9


def test_constructor_has_its_names() -> None:
    """Name, module and types are set for introspection."""
    base, _ = _family()
    made = base.__init__

    assert (made.__module__, made.__qualname__) == (__name__, f'{base.__qualname__}.__init__')
    assert made.__annotations__ == {'a': int, 'return': None}


def test_a_state_of_another_class_is_refused() -> None:
    """The pickle of another version may have other fields."""
    for kept in ((1,), (1, 2, 3)):
        with pytest.raises(ValueError, match='zip'):
            object.__new__(Derived).__setstate__((kept, {}))  # type: ignore[attr-defined]


def test_methods_of_the_class_are_kept() -> None:
    """Methods of the class are not replaced."""
    kind: Any = frozen(Told)
    one = kind(twice=8)

    assert (repr(one), hash(one), one == Point(1), one.a) == ('told 4', 4, False, 4)


def test_a_frozen_dataclass_can_be_made_of_one() -> None:
    """Users may add fields to classes of dlmachine."""

    @dataclass(frozen=True)
    class Theirs(Base):
        c: int = 3

    assert Theirs(a=1, c=2) == replace(Theirs(a=1), c=2)


@dataclass(frozen=True, kw_only=True)
class Adding(Derived):
    """A user's subclass with the original decorator."""

    c: int = 3


class Tagged(Derived):
    """A user's subclass without a decorator."""


def _pickled(one: Any) -> Any:
    return pickle.loads(pickle.dumps(one))


def test_what_subclasses_add_comes_back_too() -> None:
    """Its fields and other attributes are pickled too."""
    tagged = Tagged(b=2)
    object.__setattr__(tagged, 'tag', 'genes')
    ways: tuple[Callable[[Any], Any], ...] = (copy.copy, copy.deepcopy, _pickled)
    for again in ways:
        assert again(Adding(a=1, b=2, c=4)) == Adding(a=1, b=2, c=4)
        assert (again(tagged), again(tagged).tag) == (tagged, 'genes')


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_value_can_be_pickled(protocol: int) -> None:
    """Workers in other processes receive values by pickle."""
    one = Derived(a=1, b=2)

    assert pickle.loads(pickle.dumps(one, protocol)) == one


def test_a_function_from_outside_shows_values_in_notebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one that was passed; without one a notebook shows the `repr`."""

    @frozen
    class Kind:
        a: int

    value: Any = Kind(a=1)
    monkeypatch.setattr(module, '_RENDERERS', [])
    assert value._repr_html_() is None

    show_in_notebooks_by(lambda _: 'first')
    show_in_notebooks_by(str)
    assert value._repr_html_() == repr(value)
