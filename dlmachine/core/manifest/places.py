"""The paths of entries in a folder.

Pure. A manifest may come from another person: a path stays inside the folder, and each of its
segments is a name that every common file system accepts, unless the caller allows all paths.
"""

from collections.abc import Iterable, Iterator
from pathlib import PurePath, PureWindowsPath
from typing import Final
from unicodedata import normalize

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.http.filename import safe_name
from dlmachine.core.spec.local_path import parse_local_path

#: No system takes a longer path.
_MAX_CHARS: Final = 4_096
#: What to do about a path that leaves the folder: in a manifest, and in a call.
ALLOW: Final = 'Allow it if you trust the manifest: allow_outside=True'
USE_DEST: Final = 'Pass dest= for a file elsewhere'


def parse_place(
    path: object, *, allow_outside: bool = False, advice: str = ALLOW
) -> Result[str, Fault]:
    r"""Parse the path of an entry: its segments, separated by `/`.

    Faults: `InvalidInput` for a path that is not text, that names a folder, that leaves the folder,
    or with a name that is not safe.

    >>> parse_place('./data//t.csv').unwrap()
    'data/t.csv'
    >>> parse_place('../t.csv').failure().problem
    "'../t.csv' leads outside the folder"
    >>> parse_place('a/.netrc').failure().problem
    "'a/.netrc' has the name '.netrc', which is not safe"
    """
    if not isinstance(path, (str, PurePath)):
        problem = f'must be a path such as data/table.csv, not {shown_value(path)}'
        return Failure(InvalidInput(where='path', problem=problem))
    text = path.as_posix() if isinstance(path, PurePath) else path
    if len(text) > _MAX_CHARS:
        problem = f'has {len(text):,} characters; at most {_MAX_CHARS:,} are allowed'
        return Failure(InvalidInput(where='path', problem=problem))
    return parse_local_path(text, 'path').bind(
        lambda known: _parse(known, advice, allow_outside=allow_outside)
    )


def _parse(text: str, advice: str, *, allow_outside: bool) -> Result[str, Fault]:
    segments = [one for one in text.split('/') if one not in {'', '.'}]
    if not segments or text.endswith(('/', '/.', '/..')) or segments[-1] == '..':
        return _refused(text, 'is not the name of a file', 'Name the file, not its folder')
    if allow_outside:
        return Success(text if text.startswith('/') else '/'.join(segments))
    has_drive = (':' in text or '\\' in text) and bool(PureWindowsPath(text).anchor)
    is_absolute = text.startswith('/') or has_drive
    if is_absolute or '..' in segments:
        return _refused(text, 'leads outside the folder', advice)
    for name in segments:
        if '\\' in name:
            return _refused(text, r'has a \ in it', 'Separate folders by /')
        safe = safe_name(name)
        if safe != name:
            either = f'Use {safe!r}, or {advice[0].lower()}{advice[1:]}' if safe else advice
            return _refused(text, f'has the name {name!r}, which is not safe', either)
    return Success('/'.join(segments))


def _refused(text: str, problem: str, advice: str) -> Result[str, Fault]:
    shown = f'{shown_value(text)} {problem}'
    return Failure(InvalidInput(where='path', problem=shown, advice=advice))


def find_clashes(places: Iterable[tuple[str, str | None, object]]) -> Iterator[str | None]:
    """For each entry, with its name and path, or None: the problem if an earlier entry has it.

    The third value says what the entry downloads: several entries may download the same to one
    path. Case and Unicode normalisation are ignored, as many file systems do. A path may not be a
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
        folders, place = _walk(root, _folded(path[:_MAX_CHARS]).split('/'))
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
