"""Destinations: the wanted one from the option `dest`, and the resolved one; and `extract`.

Pure. `parse_destination` parses `dest`, and `read_extract` the folder of extracted files.
`resolve_destination` resolves `dest` with the observed cache and path.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from pathlib import PurePath
from typing import Final, TypeAlias, assert_never

from returns.result import Failure, Result, Success

from dlmachine.core.faults import DestinationUnusable, Fault, refuse
from dlmachine.core.faults.printing import printable, shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.http.filename import is_in_our_folder, is_reserved_name, may_be_ours
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.reuse import Extract

#: Path separators: two on Windows, one elsewhere.
_SEPARATORS: Final = ('/', '\\') if str(PurePath('a', 'b')) == 'a\\b' else ('/',)
_ALL_SEPARATORS: Final = ''.join(_SEPARATORS)

#: The limit for one segment of a path on all common file systems.
_MAX_NAME_BYTES: Final = 255
#: The limit of Linux for a path; other systems allow less.
_MAX_PATH_BYTES: Final = 4095

_NOT_LOCAL: Final = 'The URL comes first, then dest='


@frozen(kw_only=False)
class Auto:
    """The cache if the manager has one, otherwise memory."""


@frozen(kw_only=False)
class ToMemory:
    """A buffer in memory; the cache is not used."""


@frozen(kw_only=False)
class ToPath:
    """A file; or a folder, if the path ends in a separator or is an existing folder.

    `is_named_by_url` says that the caller named only the folder of a file whose name is known, so
    that the path cannot be a folder.
    """

    path: str
    is_named_by_url: bool = field(default=False, repr=False)


Wanted: TypeAlias = Auto | ToMemory | ToPath


@frozen(kw_only=False)
class InCache:
    """A new version in the cache folder."""

    folder: str


@frozen(kw_only=False)
class InMemory:
    """A buffer in memory."""


@frozen(kw_only=False)
class AtPath:
    """The file with this path."""

    path: str


@frozen(kw_only=False)
class InFolder:
    """A file in this folder, named by the response."""

    folder: str


Destination: TypeAlias = InCache | InMemory | AtPath | InFolder


class PathKind(Enum):
    """The kinds of objects at a path."""

    MISSING = 'missing'
    FILE = 'file'
    FOLDER = 'folder'
    OTHER = 'other'


@frozen
class PathSeen:
    """The observed destination: the path itself, and a file in the way.

    `blocker` is the nearest existing parent that is not a folder; `has_folder` says whether the
    folder of the file exists; `real_path` is the path with links to folders resolved.
    """

    kind: PathKind
    blocker: str | None = None
    has_folder: bool = True
    real_path: str = ''


def parse_destination(dest: object) -> Result[Wanted, Fault]:
    r"""Parse `dest`: a path, None or True (cache, otherwise memory), False (memory).

    >>> parse_destination('/tmp/x').unwrap(), parse_destination(False).unwrap()
    (ToPath(path='/tmp/x'), ToMemory())
    >>> parse_destination('a\0b').failure().problem
    'contains NUL at position 1'
    """
    match dest:
        case None | True:
            return Success(Auto())
        case False:
            return Success(ToMemory())
        case Auto() | ToMemory() | ToPath():
            return Success(dest)
        case str() | PurePath():
            return _parse_path(str(dest))
        case _:
            return refuse('dest', f'must be a path, True, False or None, not {type(dest).__name__}')


def resolve_destination(
    wanted: Wanted, cache_folder: str | None, seen: PathSeen | None
) -> Destination | DestinationUnusable:
    """Resolve the destination with the observed cache and path.

    Faults: `DestinationUnusable` if there is a file in place of a folder, if the path is neither a
    file nor a folder, or if it is reserved for dlmachine.

    >>> resolve_destination(Auto(), None, None)
    InMemory()
    >>> resolve_destination(ToPath('/data/'), None, None)
    InFolder(folder='/data/')
    """
    match wanted:
        case Auto():
            return InMemory() if cache_folder is None else InCache(cache_folder)
        case ToMemory():
            return InMemory()
        case ToPath(path=path):
            kind = PathKind.MISSING if seen is None else seen.kind
            blocker = None if seen is None else seen.blocker
            if blocker is not None:
                problem = f'{printable(blocker)} is not a folder'
                return DestinationUnusable(path=path, problem=problem)
            real_path = path if seen is None else seen.real_path
            is_ours = _is_our_own(path, cache_folder)
            if is_ours or (real_path != path and _is_our_own(real_path, cache_folder)):
                return DestinationUnusable(path=path, problem='this name is reserved for dlmachine')
            if wanted.is_named_by_url and kind is PathKind.FOLDER:
                problem = 'is a folder, and the file cannot have its name'
                return DestinationUnusable(path=path, problem=problem)
            return _existing(path, kind)
        case _:
            assert_never(wanted)


def _is_our_own(path: str, cache_folder: str | None) -> bool:
    # The registry, versions and tag file of the cache, and unfinished files in any folder. Every
    # use of a recorded file comes here, so most paths are done with one look.
    if not may_be_ours(path):
        return False
    if is_in_our_folder(path):
        return True
    if cache_folder is None or not is_reserved_name(_name(path)):
        return False
    return PurePath(path).parent == PurePath(cache_folder)


def _name(path: str) -> str:
    name = path.rstrip(_ALL_SEPARATORS)
    for separator in _SEPARATORS:
        name = name.rpartition(separator)[2]
    return name


def ends_in_separator(path: str) -> bool:
    """Whether the path ends in a separator, so that it means a folder."""
    return path.endswith(_SEPARATORS)


def _parse_path(path: str) -> Result[Wanted, Fault]:
    parsed = parse_local_path(path, 'dest', _NOT_LOCAL)
    return parsed if isinstance(parsed, Failure) else Success(ToPath(parsed.unwrap()))


def _existing(path: str, kind: PathKind) -> Destination | DestinationUnusable:
    is_folder = path.endswith(_SEPARATORS)
    if kind is PathKind.FILE and is_folder:
        problem = 'is a file, but the separator at its end means a folder'
        return DestinationUnusable(path=path, problem=problem)
    if kind is PathKind.OTHER:
        return _other(path)
    return InFolder(path) if is_folder or kind is PathKind.FOLDER else AtPath(path)


def _other(path: str) -> DestinationUnusable:
    size = max((_size(name) for name in PurePath(path).parts), default=0)
    if size > _MAX_NAME_BYTES:
        problem = f'has a name of {size} bytes, which no file system here can store'
        return DestinationUnusable(path=path, problem=problem, advice='Shorten the name')
    if _size(path) > _MAX_PATH_BYTES:
        problem = f'is a path of {_size(path)} bytes, which is longer than the system allows'
        return DestinationUnusable(path=path, problem=problem, advice='Shorten the path')
    problem = 'is neither a file nor a folder'
    return DestinationUnusable(path=path, problem=problem)


def _size(text: str) -> int:
    return len(text.encode('utf-8', 'surrogateescape'))


def read_extract(name: str, value: object) -> Result[object, Fault]:
    """Parse the option `extract`: True, a folder, or a mapping; False and None: no extraction.

    Faults: `InvalidInput`, and `UnknownName` for a key of the mapping.

    >>> read_extract('extract', 'tables').unwrap().into
    'tables'
    """
    if value is None or value is False or isinstance(value, Extract):
        return Success(value or None)
    if value is True or is_switch(value):
        is_on = value is True or _SWITCHES[str(value).strip().lower()]
        return Success(Extract() if is_on else None)
    if isinstance(value, Mapping):
        from dlmachine.core.archives.parse_extract import parse_extract

        return parse_extract(value, name).map(lambda fields: Extract(**fields))
    if isinstance(value, (str, PurePath)) and str(value):
        return Success(Extract(into=str(value)))
    problem = f'must be true, false, a folder, or a mapping, not {shown_value(value)}'
    return refuse(name, problem)


def is_switch(value: object) -> bool:
    """Whether a text of a variable or of a command line is a bool and not a folder."""
    return isinstance(value, str) and value.strip().lower() in _SWITCHES


_SWITCHES: Final = {
    '1': True, 'true': True, 'yes': True, 'on': True,
    '0': False, 'false': False, 'no': False, 'off': False,
}  # fmt: skip
