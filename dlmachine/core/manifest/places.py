"""The paths of entries in a folder.

Pure. A manifest may come from another person: a path stays inside the folder, and each of its
segments is a name that every common file system accepts, unless the caller allows all paths.
"""

from pathlib import PurePath, PureWindowsPath
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.http.filename import MAX_NAME_BYTES, safe_name
from dlmachine.core.regex import regex
from dlmachine.core.spec.local_path import parse_local_path

#: No system takes a longer path.
MAX_CHARS: Final = 4_096
#: A name without folders, as most paths are.
_PLAIN: Final = regex(r'[A-Za-z0-9_][A-Za-z0-9_.\-]{0,100}')
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
    if _PLAIN.fullmatch(text) and safe_name(text) == text:
        return Success(text)  # As most are.
    if len(text) > MAX_CHARS:
        problem = f'has {len(text):,} characters; at most {MAX_CHARS:,} are allowed'
        return Failure(InvalidInput(where='path', problem=problem))
    return parse_local_path(text, 'path').bind(
        lambda known: _parse(known, advice, allow_outside=allow_outside)
    )


def _parse(text: str, advice: str, *, allow_outside: bool) -> Result[str, Fault]:
    segments = [one for one in text.split('/') if one not in {'', '.'}]
    if not segments or text.endswith(('/', '/.')) or segments[-1] == '..':
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
        size, safe = len(name.encode('utf-8', 'surrogatepass')), safe_name(name)
        if size > MAX_NAME_BYTES:
            problem = f'has a name of {size:,} bytes; at most {MAX_NAME_BYTES} are allowed'
            return _refused(text, problem, 'Use a shorter name')
        if safe != name:
            either = f'Use {safe!r}, or {advice[0].lower()}{advice[1:]}' if safe else advice
            return _refused(text, f'has the name {name!r}, which is not safe', either)
    return Success('/'.join(segments))


def _refused(text: str, problem: str, advice: str) -> Result[str, Fault]:
    shown = f'{shown_value(text)} {problem}'
    return Failure(InvalidInput(where='path', problem=shown, advice=advice))
