"""The arguments of the methods of a cache: paths, filters, limits, and what is only shown."""

import sys
from collections.abc import Iterable
from os import PathLike

from dlmachine.core.faults import InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.errors import error_for, unwrap
from dlmachine.paths import path_text


def file_path(name: str, value: object) -> str:
    """The text of a path, with `~` expanded.  Raises: RequestError."""
    path = path_text(value)
    if not isinstance(path, str):
        problem = f'must be a path, not {shown_value(value)}'
        raise error_for(InvalidInput(where=name, problem=problem))
    unwrap(parse_local_path(path, name))
    return path


def file_paths(name: str, value: object) -> list[str]:
    """The texts of one path or of several.  Raises: RequestError."""
    if isinstance(value, (str, bytes, PathLike)):
        return [file_path(name, value)]
    if not isinstance(value, Iterable):
        problem = f'must be a path or a list of paths, not {shown_value(value)}'
        raise error_for(InvalidInput(where=name, problem=problem))
    return [file_path(name, one) for one in value]


def texts(name: str, value: object) -> list[str]:
    """One text or several.  Raises: RequestError."""
    if isinstance(value, str):
        return [value]
    found: list[str] = []
    for one in value if isinstance(value, Iterable) else [value]:
        if not isinstance(one, str):
            problem = f'must be a text or a list of texts, not {shown_value(one)}'
            raise error_for(InvalidInput(where=name, problem=problem))
        found.append(one)
    return found


def count(name: str, value: object) -> int | None:
    """A number of things, or None.  Raises: RequestError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= sys.maxsize:
        problem = f'must be a whole number of 0 or more, not {shown_value(value)}'
        raise error_for(InvalidInput(where=name, problem=problem))
    return value


def flag(name: str, value: object) -> bool:
    """Check a bool; 0 and 1 are refused, too.  Raises: RequestError."""
    if not isinstance(value, bool):
        problem = f'must be True or False, not {shown_value(value)}'
        raise error_for(InvalidInput(where=name, problem=problem))
    return value
