"""The members of a JSON value as pairs of name and text.  Pure."""

from collections.abc import Iterator
from typing import Any


def json_pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The names and texts of all members at any depth; `name` is the name of the value itself.

    >>> list(json_pairs('', {'a': [{'b': 'c'}], 'd': 1}))
    [('b', 'c'), ('d', '1')]
    """
    match value:
        case dict():
            for key, one in value.items():
                yield from json_pairs(key, one)
        case list():
            for one in value:
                yield from json_pairs(name, one)
        case None | bool():
            return
        case _:
            yield name, str(value)
