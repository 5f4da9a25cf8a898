"""Parse local paths: any name that the system allows, but not a URL.

Pure. A path is never sent to a server, so line breaks, tabs and bytes that are not UTF-8 (PEP 383)
are allowed.
"""

from functools import lru_cache
from pathlib import PurePath
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import redact_url

#: NUL ends a name for the system; these surrogates do not stand for a byte.
_UNWRITABLE: Final = regex('[\0\ud800-\udc7f\udd00-\udfff]')
#: A home folder that the face has not expanded, because the user is not known.
_HOME: Final = regex(r'~(?:[^/\\]{0,80}(?=[/\\])|\Z)')
#: `pathlib` reduces two slashes to one, so one slash is enough for these schemes.
_URL: Final = regex(
    r'(?i)[a-z][a-z0-9+.-]*[a-z0-9]://|(?:https?|ftps?|sftp|scp|file|s3|gs|az|hdfs):/'
)


def path_in(folder: str, name: str) -> str:
    """The path of a name, without separators, in a folder.

    >>> path_in('/data/', 'x.csv'), path_in('.', 'x.csv')
    ('/data/x.csv', 'x.csv')
    """
    return _start_of(folder) + name


@lru_cache(maxsize=64)
def _start_of(folder: str) -> str:
    # `PurePath` is slow, and most files of a process go to a few folders.
    return str(PurePath(folder, '-'))[:-1]


def parse_local_path(path: str, where: str, advice: str = '') -> Result[str, Fault]:
    r"""Parse a path on this computer; `advice` is shown if it is a URL.

    Faults: `InvalidInput` for an empty path, NUL, a lone surrogate, the home of an unknown
    user, or a URL.

    >>> parse_local_path('a\nb', 'dest').unwrap()
    'a\nb'
    >>> parse_local_path('https://h/x', 'dest').failure().problem
    "'https://h/x' is a URL, but a path is expected"
    """
    if not path:
        return Failure(InvalidInput(where=where, problem='is an empty path'))
    found = _UNWRITABLE.search(path)
    if found is not None:
        name = 'NUL' if found.group() == '\0' else 'a lone surrogate'
        problem = f'contains {name} at position {found.start()}'
        advice = 'No file can have such a name'
        return Failure(InvalidInput(where=where, problem=problem, advice=advice))
    home = _HOME.match(path)
    if home is not None:
        problem = f'begins with {home.group()!r}, which is not the home of a known user'
        advice = f'Write the folder out, or ./{home.group()} for a folder of this name'
        return Failure(InvalidInput(where=where, problem=problem, advice=advice))
    if _URL.match(path):
        problem = f'{redact_url(path)!r} is a URL, but a path is expected'
        return Failure(InvalidInput(where=where, problem=problem, advice=advice))
    return Success(path)
