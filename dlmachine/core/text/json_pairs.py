"""The members of a JSON value as pairs of name and text.  Pure."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

#: The members that say how another member of the same object is called: in lists of header fields,
#: parameters and variables, as in `[{"name": "Accept", "value": "text/csv"}]`.
_NAMING: Final = frozenset({'name', 'key', 'header', 'field', 'parameter', 'param', 'variable'})
_MAX_NAMES: Final = 8


def json_pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The names and texts of all members at any depth; `name` is the name of the value itself.

    A text has several names: of its member, of the object that has this member, the name that
    another member states, and the first text of its list.

    >>> list(json_pairs('', {'a': [{'b': 'c'}], 'd': 1}))
    [('b', 'c'), ('a', 'c'), ('d', '1')]
    >>> list(json_pairs('', [{'name': 'b', 'value': 'c'}]))
    [('name', 'b'), ('value', 'c'), ('b', 'c')]
    >>> list(json_pairs('a', ['b', 'c']))
    [('a', 'b'), ('a', 'c'), ('b', 'c')]
    """
    match value:
        case dict():
            named = names_in(value)
            for key, one in value.items():
                yield from json_pairs(key, one)
                if name or named:
                    others = (name,) if is_naming(key) else (name, *named)
                    yield from ((other, text) for text in _texts(one) for other in others if other)
        case list():
            for one in value:
                yield from json_pairs(name, one)
            if len(value) > 1 and isinstance(value[0], str):
                yield from ((value[0], str(one)) for one in value[1:] if isinstance(one, str))
        case None | bool():
            return
        case _:
            yield name, str(value)


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, (str, int, float)) and not isinstance(one, bool):
            yield str(one)


def names_in(value: Mapping[Any, Any]) -> tuple[str, ...]:
    """What an object's members say about the name of its other members.

    >>> names_in({'Name': 'Cookie', 'value': 'a=1'}), names_in({'a': 'b'})
    (('Cookie',), ())
    """
    named = (one for key, one in value.items() if isinstance(one, str) and is_naming(key))
    return tuple(islice(named, _MAX_NAMES))


def is_naming(key: object) -> bool:
    """Whether a member with this name holds the name of another."""
    return isinstance(key, str) and key.casefold() in _NAMING
