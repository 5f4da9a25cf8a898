"""Entries of a manifest that have one path.

Pure. Case and Unicode normalization are ignored, as many file systems do.
"""

from collections.abc import Iterable, Iterator
from itertools import tee
from typing import Any, Final
from unicodedata import normalize

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.frozen import replace
from dlmachine.core.manifest.places import MAX_CHARS

#: The levels of folders that the quick look for clashes takes.
_MAX_LEVELS: Final = 16


def check_clashes(targets: tuple[Any, ...], source: str = '') -> Result[tuple[Any, ...], Fault]:
    """The targets, if each has a path of its own; otherwise none of them may be downloaded.

    Faults: `InvalidInput` that names the path, its two entries, and the `source` of them.
    """
    paths = [getattr(one, 'path', None) for one in targets]
    if not may_clash(path for path in paths if path):
        return Success(targets)
    faults = (fault for _, fault in _faults(targets, source) if fault is not None)
    fault = next(faults, None)
    return Success(targets) if fault is None else Failure(fault)


def refuse_clashes_in_turn(targets: Iterable[Any]) -> Iterator[Any]:
    """The targets one by one; an entry whose path an earlier one has becomes one with a fault."""
    for item, fault in _faults(targets):
        yield item if fault is None else replace(item, descriptor=None, fault=fault)


def _faults(targets: Iterable[Any], source: str = '') -> Iterator[tuple[Any, Fault | None]]:
    items, named = tee(targets)
    places = ((getattr(one, 'name', ''), getattr(one, 'path', None), _what(one)) for one in named)
    advice = 'Give each entry a path of its own; some file systems ignore case'
    file = f' ({source})' if source else ''
    for item, problem in zip(items, find_clashes(places), strict=True):
        if problem is None:
            yield item, None
        else:
            where = f'entry {item.name!r}{file}'
            yield item, InvalidInput(where=where, problem=problem, advice=advice)


def _what(target: object) -> object:
    return tuple([getattr(target, name, None) for name in ('descriptor', 'policy', 'sha256')])


def may_clash(paths: Iterable[str]) -> bool:
    """Whether `find_clashes` may find a problem with these paths: a quick look at all of them.

    >>> may_clash(['a/t.csv', 'b/t.csv']), may_clash(['t.csv', 'T.csv']), may_clash(['a', 'a/t'])
    (False, True, True)
    """
    # No path has a NUL, and no character is composed with one.
    folded = _folded('\0'.join(paths)).split('\0')
    files = frozenset(folded)
    if len(files) < len(folded):
        return True
    inner = files
    for _ in range(_MAX_LEVELS):
        inner = frozenset([path.rpartition('/')[0] for path in inner if '/' in path])
        if not inner or not inner.isdisjoint(files):
            break
    return bool(inner)


def find_clashes(places: Iterable[tuple[str, str | None, object]]) -> Iterator[str | None]:
    """For each entry, with its name and path, or None: the problem if an earlier entry has it.

    The third value says what the entry downloads: several entries may download the same to one
    path. Case and Unicode normalization are ignored, as many file systems do. A path may not be a
    file of one entry and a folder of another.

    >>> list(find_clashes([('first', 'a/t.csv', 1), ('second', 'A/T.csv', 2)]))
    [None, "has the path 'A/T.csv', which is that of entry 'first'"]
    >>> list(find_clashes([('first', 'a/t.csv', 1), ('second', 'a/t.csv', 1)]))
    [None, None]
    """
    root = _Place()
    for name, path, what in places:
        if path is None:
            yield None
            continue
        folders, place = _walk(root, _folded(path[:MAX_CHARS]).split('/'))
        file = next((one.file for one in (place, *folders) if one.file is not None), None)
        if place.file is not None and place.file[1:] == (path, what):
            yield None
        elif file is not None:
            relation = 'that of' if file is place.file else 'below that of'
            yield f'has the path {path!r}, which is {relation} entry {file[0]!r}'
        elif place.folder_of is not None:
            yield f'has the path {path!r}, which is a folder of entry {place.folder_of!r}'
        else:
            place.file = name, path, what
            for folder in folders:
                folder.folder_of = folder.folder_of or name
            yield None


class _Place:
    """A path: the file that an entry has there, or the entry that it is a folder of."""

    __slots__ = ('file', 'folder_of', 'inner')

    def __init__(self) -> None:
        self.file: tuple[str, str, object] | None = None
        self.folder_of: str | None = None
        self.inner: dict[str, _Place] = {}


def _walk(root: _Place, segments: list[str]) -> tuple[list[_Place], _Place]:
    # A tree, because the time of a table of all the folders would be quadratic in the path.
    passed, place = [], root
    for segment in segments:
        passed.append(place)
        inner = place.inner.get(segment)
        if inner is None:
            inner = place.inner[segment] = _Place()
        place = inner
    return passed[1:], place


def _folded(path: str) -> str:
    return normalize('NFC', normalize('NFC', path).casefold())
