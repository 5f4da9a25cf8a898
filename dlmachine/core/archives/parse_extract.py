"""Parse the mapping of the option `extract`, and the keywords of `dlmachine.extract`.

Pure.
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, UnknownName
from dlmachine.core.faults.printing import shortened
from dlmachine.core.secrets.refusal import refused

#: The keys of the mapping.
EXTRACT_KEYS: Final = (
    'into', 'members', 'strip', 'deep', 'max_members', 'max_extracted_bytes', 'max_ratio',
)  # fmt: skip


def parse_extract(given: Mapping[Any, object], where: str = '') -> Result[dict[str, Any], Fault]:
    """Parse them into the fields of an `Extract`.

    Faults: `InvalidInput`, and `UnknownName` for another key.

    >>> parse_extract({'into': None, 'members': ['*.tsv']}).unwrap()
    {'into': '', 'members': ('*.tsv',)}
    """
    fields: dict[str, Any] = {}
    for key, value in given.items():
        if key not in EXTRACT_KEYS:
            return Failure(_unknown_key(key, where))
        expected = _find_problem(key, value)
        if expected:
            named = refused(f"{where}['{key}']" if where else key, value, expected)
            return Failure(named.failure())
        fields[key] = _plain(key, value)
    return Success(fields)


def _plain(key: str, value: Any) -> Any:
    if key == 'into':
        return '' if value is None else str(value)
    return tuple(value) if key == 'members' and value is not None else value


def _unknown_key(key: object, where: str) -> UnknownName:
    import difflib

    near = difflib.get_close_matches(str(key), EXTRACT_KEYS, n=1)
    return UnknownName(name=shortened(str(key)), nearest=next(iter(near), None), source=where)


def _find_problem(key: str, value: Any) -> str:
    """What was expected instead of this value; empty if it is right."""
    match key:
        case 'into':
            is_right, expected = value is None or isinstance(value, (str, PurePath)), 'a path'
        case 'members':
            is_right, expected = value is None or _is_names(value), 'a list of names'
        case 'strip':
            is_right, expected = _is_count(value, 0), 'a whole number of folders, 0 or more'
        case 'deep':
            is_right, expected = isinstance(value, bool), 'true or false'
        case 'max_extracted_bytes':
            is_right, expected = value is None or _is_count(value, 0), 'a number of bytes, or None'
        case _:
            is_right, expected = _is_count(value, 1), 'a whole number of 1 or more'
    return '' if is_right else expected


def _is_names(value: object) -> bool:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        return False
    names = tuple(value)
    return bool(names) and all(isinstance(one, str) for one in names)


def _is_count(value: object, least: int) -> bool:
    return type(value) is int and value >= least
