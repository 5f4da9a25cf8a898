"""The options of a store, such as its endpoint and a profile, as a value.

Pure. They are those of the package of fsspec that reads the store. All of them count in the cache
key, because another endpoint may have another file by the same URL.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.secrets.redact import MASK
from dlmachine.core.secrets.secret_names import is_secret_name

#: Options with which fsspec would read something else, or which dlmachine sets itself.
_REFUSED: Final = frozenset({
    'asynchronous', 'fo', 'fs', 'loop', 'protocol', 'skip_instance_cache', 'target_options',
    'target_protocol', 'use_listings_cache',
})  # fmt: skip
_EXAMPLE: Final = "Write it like {'profile': 'lab', 'endpoint_url': 'https://s3.example.org'}"
_MAX_DEPTH: Final = 8


@frozen
class StorageOptions:
    """The options as canonical JSON; `str()` shows their names only."""

    json: str = field(default='', repr=False)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.json)

    def __str__(self) -> str:
        """The names of the options."""
        return ', '.join(self.values())

    def values(self) -> dict[str, Any]:
        """The options as they were passed; none if a stored plan has something else here."""
        try:
            found: Any = json.loads(self.json) if self.json else {}
        except (ValueError, RecursionError):
            return {}
        is_ours = isinstance(found, dict) and _find_fault(found, '', _MAX_DEPTH) is None
        return found if is_ours else {}

    @property
    def secrets(self) -> frozenset[str]:
        """The texts under names that are secret."""
        return frozenset(_secrets_in(self.values(), is_secret=False)) - {''}

    def redacted(self) -> 'StorageOptions':
        """A copy to be shown and stored."""
        return self if not self.json else StorageOptions(json=_written(_redacted(self.values())))


#: Without options: those of the environment and of the user's files count.
NO_STORAGE_OPTIONS: Final = StorageOptions()


def parse_storage_options(
    given: object, where: str = 'storage_options'
) -> Result[StorageOptions, Fault]:
    """Parse the options of a store: a mapping, or its JSON.

    Their values are texts, numbers, True, False, None, and lists and mappings of these, so that a
    plan can be sent to another process. Faults: `InvalidInput`, without secrets.

    >>> made = parse_storage_options({'anon': True, 'secret': 'x'}).unwrap()
    >>> str(made), made.redacted().values()
    ('anon, secret', {'anon': True, 'secret': '***'})
    >>> print(parse_storage_options(5).failure().what())
    storage_options must be a mapping, not int
    """
    if isinstance(given, StorageOptions):
        return Success(given)
    if given is None or given == '':
        return Success(NO_STORAGE_OPTIONS)
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return refuse(where, 'is a text, but not JSON', 'Write it like {"anon": true}')
    if not isinstance(given, Mapping):
        problem = f'must be a mapping, not {type(given).__name__}'
        return refuse(where, problem, _EXAMPLE)
    unusable = next((name for name in given if name in _REFUSED), None)
    if unusable is not None:
        return refuse(f'{where}[{unusable!r}]', 'is set by dlmachine itself', 'Leave it out')
    fault = _find_fault(given, where, _MAX_DEPTH)
    if fault is not None:
        return Failure(fault)
    return Success(StorageOptions(json=_written(given)) if given else NO_STORAGE_OPTIONS)


def _written(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(',', ':'))


def _find_fault(value: object, where: str, depth: int) -> InvalidInput | None:
    problem = ''
    match value:
        case None | bool() | int() | str():
            return None
        case float() if value == value and abs(value) != float('inf'):  # noqa: PLR0124 -- not NaN
            return None
        case Mapping() if depth:
            for name, one in value.items():
                if not isinstance(name, str):
                    problem = f'has the name {shown_value(name)}, which is not a text'
                    return InvalidInput(where=where, problem=problem)
                fault = _find_fault(one, f'{where}[{name!r}]', depth - 1)
                if fault is not None:
                    return fault
            return None
        case list() | tuple() if depth:
            faults = (_find_fault(one, where, depth - 1) for one in value)
            return next((fault for fault in faults if fault is not None), None)
        case Mapping() | list() | tuple():
            problem = f'is nested more than {_MAX_DEPTH} times'
        case _:
            kind = type(value).__name__
            problem = (
                f'must be a text, a number, True, False, None, a list or a mapping, not {kind}'
            )
    return InvalidInput(where=where, problem=problem)


def _is_secret(name: str) -> bool:
    return is_secret_name(name) or 'connection_string' in name.casefold()


def _secrets_in(value: object, *, is_secret: bool) -> Iterator[str]:
    match value:
        case str():
            yield from (value,) if is_secret else ()
        case dict():
            for name, one in value.items():
                yield from _secrets_in(one, is_secret=is_secret or _is_secret(name))
        case list():
            for one in value:
                yield from _secrets_in(one, is_secret=is_secret)
        case _:
            return


def _redacted(value: dict[str, Any]) -> dict[str, Any]:
    return {name: _redacted_member(name, one) for name, one in value.items()}


def _redacted_member(name: str, value: object) -> object:
    match value:
        case dict() if not _is_secret(name):
            return _redacted(value)
        case None | bool():
            return value
        case _:
            from dlmachine.core.secrets.configuration import redact_value

            return MASK if _is_secret(name) else redact_value(value)
