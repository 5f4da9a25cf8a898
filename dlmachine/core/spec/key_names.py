"""Names of header fields and query parameters that do not count in the cache key.

Pure. `*` in a name stands for any text. Without such names, everything that identifies a request
counts.
"""

from urllib.parse import unquote_plus

from returns.result import Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.secrets.secret_names import parse_names
from dlmachine.core.text.glob import is_like


def parse_key_names(given: object, where: str) -> Result[tuple[str, ...], Fault]:
    """Parse names: a list of strings, or one string separated by commas or spaces.

    Faults: `InvalidInput`, also for a name that is true of everything.

    >>> parse_key_names('token, X-Amz-*', 'key_ignores_query').unwrap()
    ('X-Amz-*', 'token')
    >>> parse_key_names(['*'], 'key_ignores_query').failure().problem
    "must not contain '*', because different downloads would then share one copy"
    """
    return parse_names(given, where).bind(lambda names: _refuse_everything(names, where))


def _refuse_everything(names: tuple[str, ...], where: str) -> Result[tuple[str, ...], Fault]:
    for name in names:
        if not name.strip('*'):
            reason = 'because different downloads would then share one copy'
            return refuse(where, f'must not contain {name!r}, {reason}', 'List the names')
    return Success(names)


def is_named(name: str, names: tuple[str, ...]) -> bool:
    """Whether one of the names is true of this one; case counts.

    >>> is_named('X-Amz-Date', ('X-Amz-*',)), is_named('x-amz-date', ('X-Amz-*',))
    (True, False)
    """
    return name in names or any(is_like(name, one) for one in names if '*' in one)


def without_parameters(url: str, names: tuple[str, ...]) -> str:
    """A URL without the query parameters of these names; the others stay as they are written.

    >>> without_parameters('http://h/x?a=1&X-Amz-Date=2&b', ('X-Amz-*',))
    'http://h/x?a=1&b'
    >>> without_parameters('http://h/x?token=1', ('token',))
    'http://h/x'
    """
    path, mark, query = url.partition('?')
    if not names or not mark:
        return url
    pairs = query.split('&')
    given = {pair.partition('=')[0] for pair in pairs}
    ignored = {name for name in given if is_named(unquote_plus(name), names)}
    kept = [pair for pair in pairs if pair.partition('=')[0] not in ignored]
    if len(kept) == len(pairs):
        return url
    return f'{path}?{"&".join(kept)}' if kept else path
