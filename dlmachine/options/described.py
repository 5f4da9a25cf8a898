"""Parse the keywords of a Descriptor that can have defaults."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from returns.result import Failure, Result, Success

from dlmachine.core.access.auth import parse_auth
from dlmachine.core.access.caller_cookies import parse_cookies
from dlmachine.core.access.secret import parse_optional_secret
from dlmachine.core.faults import Fault, refuse
from dlmachine.core.secrets.secret_names import parse_secret_names
from dlmachine.core.sources.storage_options import parse_storage_options
from dlmachine.core.spec import option_parsers as parsers
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.key_names import parse_key_names
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.options import find_endless
from dlmachine.options.lists import KEY_OPTIONS


def read_described(name: str, value: Any) -> Result[Any, Fault]:
    """Parse the value of one of `DESCRIBED_NAMES`.  Faults: `InvalidInput`."""
    endless = find_endless(name, value)
    if endless is not None:
        return Failure(endless)
    if name == 'verify':
        return parsers.read_bool(name, value)
    if value is None:
        return Success(None)
    if name == 'headers':
        # Parsed as part of a descriptor, because some headers are not for callers to set.
        return Descriptor.parse('http://defaults.invalid', headers=value).map(lambda _: value)
    if name == 'secret_names':
        return parse_secret_names(value)
    if name in _OF_ACCESS:
        return _OF_ACCESS[name](value)
    if name in KEY_OPTIONS:
        return parse_key_names(value, name)
    if isinstance(value, str):
        return parse_local_path(value, name)
    return parsers.read_text(name, value)


#: The keywords that say who one is.
_OF_ACCESS: Final[dict[str, Callable[[Any], Result[Any, Fault]]]] = {
    'auth': parse_auth,
    'storage_options': parse_storage_options,
    'cookies': parse_cookies,
    'key_password': partial(parse_optional_secret, 'key_password'),
}


def refuse_everywhere(name: str, value: Any) -> Result[Any, Fault]:
    """The same value, unless it is a secret that every host would receive.

    Faults: `InvalidInput` for a password or a token that is not for some URLs only.
    """
    has_secret = (
        name == 'auth' and value is not None and (value.secret or value.recipe) is not None
    ) or (name == 'cookies' and value is not None and value.own)
    has_secret = has_secret or (name == 'storage_options' and value is not None and value.secrets)
    if not has_secret:
        return Success(value)
    problem = 'would send a secret to every host'
    advice = f"Pass it to a call, or in a rule: {{'match': 'https://example.org/**', '{name}': …}}"
    return refuse(name, problem, advice)
