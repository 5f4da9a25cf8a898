"""Local paths: any name that the system can write, and no URL.

Pure. A path never goes on the wire, so what would break a message is no concern here: line
breaks, tabs, and bytes that are not UTF-8 (PEP 383) are the system's business.
"""

import re
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.redact import redact_url

#: NUL ends a name for the system; these surrogates stand for no byte, so none could be written.
_UNWRITABLE: Final = re.compile('[\0\ud800-\udc7f\udd00-\udfff]')
#: `pathlib` makes one slash of two, so that these schemes are known by one.
_URL: Final = re.compile(
    r'(?i)[a-z][a-z0-9+.-]*[a-z0-9]://|(?:https?|ftps?|sftp|scp|file|s3|gs|az|hdfs):/'
)


def parse_local_path(path: str, where: str, advice: str = '') -> Result[str, Fault]:
    r"""A path on this machine; `advice` is for a URL in its place.

    Faults: `InvalidInput` for an empty path, NUL, a lone surrogate, or a URL.

    >>> parse_local_path('a\nb', 'dest').unwrap()
    'a\nb'
    >>> parse_local_path('https://h/x', 'dest').failure().problem
    "'https://h/x' is a URL, where a path is expected"
    """
    if not path:
        return Failure(InvalidInput(where=where, problem='is an empty path'))
    found = _UNWRITABLE.search(path)
    if found is not None:
        name = 'NUL' if found.group() == '\0' else 'a lone surrogate'
        problem = f'contains {name} at position {found.start()}'
        advice = 'No file can have such a name'
        return Failure(InvalidInput(where=where, problem=problem, advice=advice))
    if _URL.match(path):
        problem = f'{redact_url(path)!r} is a URL, where a path is expected'
        return Failure(InvalidInput(where=where, problem=problem, advice=advice))
    return Success(path)
