"""The lockfile of a manifest: which bytes its entries had.

Pure. It has no times and no URLs of redirects, so that locking twice gives the same text, and no
secrets. The manifest says how to download a file; the lockfile says which file it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import pairwise
from typing import Any, Final

import tomli_w
from returns.result import Failure, Result, Success

from dlmachine.core.cache.record import is_field_text, is_sha256
from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.regex import regex

#: The version of the format, increased when an older dlmachine could not read it rightly.
LOCK_VERSION: Final = 1
_HEAD: Final = '# Written by dlmachine lock. Commit this file, and do not edit it.\n'
#: What to do about a damaged lockfile.
DAMAGED: Final = 'Restore the lockfile, or remove it and lock the manifest again'


@frozen
class LockedFile:
    """The bytes of an entry: their size, digest and validators, and the digest of the entry.

    `name` is that of the entry, `url` its URL with secrets masked.
    """

    name: str
    url: str
    entry: str
    size: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None


@frozen
class Lock:
    """The locked files, sorted by name."""

    files: tuple[LockedFile, ...] = ()


def make_lock(files: Iterable[LockedFile]) -> Lock:
    """Make a lockfile of files in any order."""
    return Lock(files=tuple(sorted(files, key=lambda file: file.name)))


def write_lock(lock: Lock) -> str:
    """The lockfile as TOML.

    >>> file = LockedFile(name='t', url='http://h/t', entry='0' * 64, size=5, sha256='1' * 64)
    >>> write_lock(Lock(files=(file,))).splitlines()[1:5]
    ['version = 1', '', '[[file]]', 'name = "t"']
    """
    rows = [
        {name: value for name in _NAMES if (value := getattr(file, name)) is not None}
        for file in lock.files
    ]
    return _HEAD + tomli_w.dumps({'version': LOCK_VERSION, 'file': rows})


_NAMES: Final = tuple(field.name for field in fields(LockedFile))


def read_written(text: str) -> Lock | None:
    """Read a lockfile exactly as `write_lock` writes it; None for any other text.

    It takes a tenth of the time of parsing TOML: a large lockfile is read before every download.

    >>> file = LockedFile(name='"t"', url='http://h/t', entry='0' * 64, size=5, sha256='1' * 64)
    >>> read_written(write_lock(Lock(files=(file,)))) == Lock(files=(file,))
    True
    >>> read_written('version = 1') is None
    True
    """
    start = len(_START)
    if not text.startswith(_START):
        return None
    files: list[LockedFile] = []
    while start < len(text):
        found = _WRITTEN.match(text, start)
        if found is None:
            return None
        words: dict[str, Any] = found.groupdict()
        start = found.end()
        for name in _TEXTS:
            value = words[name]
            if value is not None and '\\' in value:
                # Quotation marks, as around ETags, are all that most texts escape.
                has_more = '\\\\' in value
                words[name] = _ESCAPE.sub(r'\1', value) if has_more else value.replace('\\"', '"')
        files.append(LockedFile(**{**words, 'size': int(words['size'])}))
    is_sorted = all(one.name < other.name for one, other in pairwise(files))
    return Lock(files=tuple(files)) if is_sorted else None


def parse_lock(found: Mapping[str, object], where: str) -> Result[Lock, Fault]:
    """Parse the content of a lockfile; `where` names its file.

    Faults: `InvalidInput` for a damaged lockfile, which names the entry, and for a later format.

    >>> parse_lock({'version': 2}, 'x.lock').failure().problem
    'has the format 2, but this version of dlmachine reads format 1'
    """
    version, rows = found.get('version'), found.get('file', [])
    if type(version) is not int or version < 1:
        return _damaged(where, 'has no format version')
    if version > LOCK_VERSION:
        problem = f'has the format {version}, but this version of dlmachine reads format 1'
        advice = 'Install a newer dlmachine'
        return Failure(InvalidInput(where=where, problem=problem, advice=advice))
    if not isinstance(rows, list) or not found.keys() <= {'version', 'file'}:
        return _damaged(where, 'has other names than version and file')
    return _parse_rows(rows, where)


def _parse_rows(rows: Iterable[Any], where: str) -> Result[Lock, Fault]:
    files: dict[str, LockedFile] = {}
    for number, row in enumerate(rows, start=1):
        name = row.get('name') if isinstance(row, dict) else None
        named = name if isinstance(name, str) else ''
        problem = 'occurs twice' if named in files else _find_problem(row)
        if problem is not None:
            label = f'entry {named!r}' if named else f'entry {number}'
            return _damaged(f'{where}, {label}', problem)
        files[named] = LockedFile(**row)
    return Success(make_lock(files.values()))


def _find_problem(row: Any) -> str | None:
    if not isinstance(row, dict):
        return 'is not a table'
    other = next((name for name in row if name not in _NAMES), None)
    if other is not None:
        return f'has the unknown name {other!r}'
    for name in _NAMES:
        value = row.get(name)
        if value is None and name not in _OPTIONAL:
            return f'has no {name}'
        if value is not None and not _IS_VALUE[name](value):
            return f'has {shown_value(value)} as {name}, which must be {_EXPECTED[name]}'
    return None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_field_text(value)


def _is_size(value: object) -> bool:
    return type(value) is int and value >= 0


#: What `write_lock` writes before the first entry, and for each entry, if its texts are printable.
_START: Final = f'{_HEAD}version = {LOCK_VERSION}\n'
_TEXT: Final = r'"(?P<{}>(?:[^"\\\x00-\x1f\x7f]|\\["\\])+)"'
_TEXTS: Final = ('name', 'url', 'etag', 'last_modified')
_WRITTEN: Final = regex(
    r'\n\[\[file\]\]\n'
    rf'name = {_TEXT.format("name")}\n'
    rf'url = {_TEXT.format("url")}\n'
    r'entry = "(?P<entry>[0-9a-f]{64})"\n'
    r'size = (?P<size>0|[1-9][0-9]{0,17})\n'
    r'sha256 = "(?P<sha256>[0-9a-f]{64})"\n'
    rf'(?:etag = {_TEXT.format("etag")}\n)?'
    rf'(?:last_modified = {_TEXT.format("last_modified")}\n)?'
)
_ESCAPE: Final = regex(r'\\(.)')
_OPTIONAL: Final = ('etag', 'last_modified')
_DIGEST: Final = 'a SHA-256 digest of 64 hex digits'
_IS_VALUE: Final = {
    'name': lambda value: isinstance(value, str) and value != '',
    **dict.fromkeys(('url', 'etag', 'last_modified'), _is_text),
    **dict.fromkeys(('entry', 'sha256'), is_sha256),
    'size': _is_size,
}
_EXPECTED: Final = {
    'name': 'text',
    **dict.fromkeys(('url', 'etag', 'last_modified'), 'text on one line'),
    **dict.fromkeys(('entry', 'sha256'), _DIGEST),
    'size': 'a number of bytes',
}


def _damaged(where: str, problem: str) -> Result[Lock, Fault]:
    return Failure(InvalidInput(where=where, problem=problem, advice=DAMAGED))
