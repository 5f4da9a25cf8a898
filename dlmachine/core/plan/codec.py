"""Write the core's values as JSON, and read them back.

Pure. Every dataclass becomes an object that names its type under `$`; types that JSON does not
have (bytes, dates, enums) are marked in the same way. Only the types listed here are read back.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from types import ModuleType
from typing import Final

from returns.result import Result, Success

from dlmachine.core.access import access_effects, auth, caller_cookies, login_recipe, secret
from dlmachine.core.cache import entries, missing, record
from dlmachine.core.caching import freshness
from dlmachine.core.decision import snapshot, verdict
from dlmachine.core.faults import FAULTS, Fault, refuse
from dlmachine.core.http import body, request
from dlmachine.core.http.headers import Headers
from dlmachine.core.integrity import checksum, representation
from dlmachine.core.network import network, proxy
from dlmachine.core.plan import former_names
from dlmachine.core.protocol import effects, expectation
from dlmachine.core.sources import address, resolved, storage_options
from dlmachine.core.spec import descriptor, destination, policy, rate_limit, reuse

_MODULES: Final[tuple[ModuleType, ...]] = (
    access_effects, address, auth, body, caller_cookies, checksum, descriptor, destination, effects,
    entries, expectation, freshness, login_recipe, missing, network, policy, proxy, rate_limit,
    record, request, representation, resolved, reuse, secret, snapshot, storage_options, verdict,
)  # fmt: skip
_MARK: Final = '$'


def _known_types() -> dict[str, type]:
    found = {kind.__name__: kind for kind in (*FAULTS, Headers)}
    for module in _MODULES:
        found |= {
            name: kind
            for name, kind in vars(module).items()
            if isinstance(kind, type) and kind.__module__ == module.__name__
        }
    return found


_TYPES: Final = _known_types()
_KINDS: Final = frozenset(_TYPES.values())


def encode(value: object) -> object:
    """The value as dicts, lists, strings, numbers, bools and None.

    Raises: TypeError for a type that is not one of the core.
    """
    match value:
        case Enum():
            return {_MARK: type(value).__name__, 'value': value.value}
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return {_MARK: 'bytes', 'base64': b64encode(value).decode('ascii')}
        case datetime():
            return {_MARK: 'datetime', 'iso': value.isoformat()}
        case timedelta():
            return {_MARK: 'timedelta', 'parts': [value.days, value.seconds, value.microseconds]}
        case tuple():
            return [encode(one) for one in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            # The fields that a caller's subclass adds could not be read back elsewhere.
            kind = next((one for one in type(value).__mro__ if one in _KINDS), type(value))
            names = [field.name for field in fields(kind) if field.init]
            return {_MARK: kind.__name__, **{name: encode(getattr(value, name)) for name in names}}
        case _:
            raise TypeError(f'{type(value).__name__} is not a value of the core')


def dumps(value: object) -> str:
    """The value as a line of JSON.

    >>> loads(dumps(timedelta(seconds=90))).unwrap()
    datetime.timedelta(seconds=90)
    """
    return json.dumps(encode(value), ensure_ascii=True)


def loads(text: str, *more: type) -> Result[object, Fault]:
    """Read a value back; `more` are types to know besides those of the core.

    Faults: `InvalidInput` if the text is not JSON, or names a type that is not listed.
    """
    try:
        return Success(_decode(json.loads(text), _TYPES | {kind.__name__: kind for kind in more}))
    except json.JSONDecodeError:
        return refuse('plan', 'is not JSON')
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        return refuse('plan', f'is not a plan that this version can read: {type(error).__name__}')


def _decode(value: object, types: Mapping[str, type]) -> object:
    match value:
        case list():
            return tuple(_decode(one, types) for one in value)
        case {'$': 'bytes', 'base64': str(text)}:
            return b64decode(text, validate=True)
        case {'$': 'datetime', 'iso': str(text)}:
            return datetime.fromisoformat(text)
        case {'$': 'timedelta', 'parts': [days, seconds, microseconds]}:
            return timedelta(days=days, seconds=seconds, microseconds=microseconds)
        case {'$': str(name), **rest}:
            kind = types[former_names.TYPES.get(name, name)]
            if issubclass(kind, Enum):
                values = former_names.VALUES.get(kind.__name__, {})
                return kind(values.get(rest['value'], rest['value']))
            former = former_names.FIELDS.get(kind.__name__, {})
            given = ((str(field), _decode(one, types)) for field, one in rest.items())
            return kind(**{former.get(field, field): one for field, one in given})
        case dict():
            raise KeyError(_MARK)
        case _:
            return value
