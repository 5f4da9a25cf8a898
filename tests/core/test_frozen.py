"""`@frozen`: dataclasses like any, but for the time that they take."""

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

from dlmachine.core.frozen import frozen


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
    """Whatever one can do with the original."""

    def test_shows_itself_alike(self, body: Callable[[], Any]) -> None:
        """Name and fields, but those that are not to be shown."""
        mine, other = frozen(body()), theirs(body())
        given = GIVEN[body.__name__]

        assert repr(mine(**given)) == repr(other(**given))

    def test_has_the_same_fields(self, body: Callable[[], Any]) -> None:
        """Names, defaults, and what becomes of a value that is taken apart."""
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
        """Their names, kinds and types, and which of them have defaults."""
        mine, other = inspect.signature(frozen(body())), inspect.signature(theirs(body()))

        assert [(one.name, one.kind, one.annotation) for one in mine.parameters.values()] == [
            (one.name, one.kind, one.annotation) for one in other.parameters.values()
        ]
        for name in mine.parameters:
            is_free = mine.parameters[name].default is inspect.Parameter.empty
            assert is_free == (other.parameters[name].default is inspect.Parameter.empty)

    def test_is_equal_to_its_like_alone(self, body: Callable[[], Any]) -> None:
        """To another of the same class with the same values."""
        mine, other, given = frozen(body()), frozen(body()), GIVEN[body.__name__]

        assert mine(**given) == mine(**given)
        assert hash(mine(**given)) == hash(mine(**given))
        assert mine(**given) != other(**given)
        assert mine(**given) != 1

    def test_comes_back_from_a_copy(self, body: Callable[[], Any]) -> None:
        """Deep or not."""
        one = frozen(body())(**GIVEN[body.__name__])

        assert copy.copy(one) == one
        assert copy.deepcopy(one) == one

    def test_can_not_be_changed(self, body: Callable[[], Any]) -> None:
        """Neither a field that there is, nor one that there is not."""
        one = frozen(body())(**GIVEN[body.__name__])

        for name in ('a', 'other'):
            with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
                setattr(one, name, 2)
            with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
                delattr(one, name)


@frozen(kw_only=False)
class Point:
    """Two numbers, by place."""

    x: int
    y: int = 0


@frozen
class Base:
    """What others build on."""

    a: int = 0


@frozen
class Derived(Base):
    """One field more."""

    b: int


def _family() -> tuple[Any, Any]:
    """The same two, made anew."""

    @frozen
    class Base:
        a: int = 0

    @frozen
    class Derived(Base):
        b: int

    return Base, Derived


class Told:
    """A class that says for itself how it is made, shown, compared and hashed."""

    a: int

    def __init__(self, *, twice: int) -> None:
        """Half of it."""
        object.__setattr__(self, 'a', twice // 2)

    def __repr__(self) -> str:
        """In words."""
        return f'told {self.a}'

    def __eq__(self, other: object) -> bool:
        """To anything with the same number."""
        return getattr(other, 'a', None) == self.a

    def __hash__(self) -> int:
        """By that number."""
        return self.a


def test_fields_are_given_by_place_where_that_is_wanted() -> None:
    """As coordinates are."""

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
    """With the words of any function."""
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        Point(1, z=2)  # type: ignore[call-arg]


def test_a_default_that_is_made_is_made_anew() -> None:
    """And not made where one is given."""
    kind: Any = frozen(_bodies()[3]())

    assert kind(a=1).made is not kind(a=1).made
    assert kind(a=1, made=[5]).made == [5]
    assert kind(a=1, made=None).made is None


def test_what_is_not_compared_makes_no_difference() -> None:
    """Neither to equality nor to the hash."""
    kind: Any = frozen(_bodies()[3]())

    assert kind(a=1, made=[5]) == kind(a=1)
    assert hash(kind(a=1, made=[5])) == hash(kind(a=1))
    assert kind(a=1, hidden='y') != kind(a=1)


def test_fields_are_inherited() -> None:
    """And the classes remain two kinds of values."""
    base, derived = _family()

    assert derived(a=1, b=2) == replace(derived(b=2), a=1)
    assert derived.__slots__ == ('b',)
    assert derived(b=0) != base()
    assert [kind.__dataclass_params__.frozen for kind in (base, derived)] == [True, True]


def test_one_value_is_compared_as_many_are() -> None:
    """A class of a single field, and one of none."""
    single: Any = frozen(_bodies()[2]())
    empty: Any = frozen(_bodies()[1]())

    assert single(a=1) != single(a=2)
    assert hash(single(a=1)) != hash(single(a=2))
    assert empty() == empty()


def test_other_values_have_other_hashes() -> None:
    """Else they would all lie in one place of a set."""
    assert len({hash(Point(number)) for number in range(9)}) == 9


def test_a_constructor_says_whose_it_is() -> None:
    """Name, module and types, for those who look into it."""
    base, _ = _family()
    made = base.__init__

    assert (made.__module__, made.__qualname__) == (__name__, f'{base.__qualname__}.__init__')
    assert made.__annotations__ == {'a': int, 'return': None}


def test_a_state_of_another_class_is_refused() -> None:
    """What another version pickled has other fields, and must not be read half."""
    for kept in ((1,), (1, 2, 3)):
        with pytest.raises(ValueError, match='zip'):
            object.__new__(Derived).__setstate__((kept, {}))  # type: ignore[attr-defined]


def test_what_a_class_says_itself_counts() -> None:
    """Nothing of it is written over."""
    kind: Any = frozen(Told)
    one = kind(twice=8)

    assert (repr(one), hash(one), one == Point(1), one.a) == ('told 4', 4, False, 4)


def test_a_frozen_dataclass_can_be_made_of_one() -> None:
    """As users do who add to what is ours."""

    @dataclass(frozen=True)
    class Theirs(Base):
        c: int = 3

    assert Theirs(a=1, c=2) == replace(Theirs(a=1), c=2)


@dataclass(frozen=True, kw_only=True)
class Adding(Derived):
    """A user's, by the original decorator."""

    c: int = 3


class Tagged(Derived):
    """A user's, without any."""


def _pickled(one: Any) -> Any:
    return pickle.loads(pickle.dumps(one))


def test_what_subclasses_add_comes_back_too() -> None:
    """Fields, and whatever else they keep."""
    tagged = Tagged(b=2)
    object.__setattr__(tagged, 'tag', 'genes')
    ways: tuple[Callable[[Any], Any], ...] = (copy.copy, copy.deepcopy, _pickled)
    for again in ways:
        assert again(Adding(a=1, b=2, c=4)) == Adding(a=1, b=2, c=4)
        assert (again(tagged), again(tagged).tag) == (tagged, 'genes')


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_value_can_be_pickled(protocol: int) -> None:
    """For workers in other processes."""
    one = Derived(a=1, b=2)

    assert pickle.loads(pickle.dumps(one, protocol)) == one
