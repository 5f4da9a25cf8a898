"""Paths as people write them: `~`, bytes, and relative to the folder of the file they stand in.

The one place where the home and the current folder are looked up. Local names are the
system's business: any that it can write will do.
"""

import os
from collections.abc import Mapping
from os import PathLike, fsdecode
from pathlib import Path
from typing import Any, Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.options import SYNONYMS
from dlmachine.core.readers import is_checksum_list
from dlmachine.core.spec.local_path import parse_local_path

#: A path as callers give it; bytes are a name as the system has it.
PathInput: TypeAlias = str | bytes | PathLike[str] | PathLike[bytes]

#: Options whose value is a path, or may be one.
PATH_NAMES: Final = frozenset(
    {'path', 'dest', 'checksum', 'checksum_file', 'cainfo', 'cert', 'key'}
)
#: Of these what is written, and what is shown to a server: not outside the folder of a file that
#: may come from somebody else. The others are only read here, and nothing of them is sent.
_CONFINED: Final = frozenset({'dest', 'cert', 'key'})
_ADVICE: Final = 'Allow it if you trust the file: allow_outside=True'


def expand(place: str) -> str:
    """The path with `~` and `~user` as shells read them; a separator at its end stays."""
    if not place.startswith('~'):
        return place
    try:
        return os.path.expanduser(place)  # noqa: PTH111 -- `Path` would fail where there is no home
    except ValueError:
        return place  # Which is refused for what is in it.


def absolute(place: str, folder: str | None = None) -> str:
    """The path below a folder, or below the current one; a separator at its end stays."""
    place = expand(place)
    if not is_successful(parse_local_path(place, 'path')):
        return place  # Which is refused for what is in it.
    try:
        made = os.path.abspath(os.path.join(folder or '', place))  # noqa: PTH118
    except OSError:  # The current folder has been removed.
        return place
    ends = place.endswith((os.sep, os.altsep or os.sep)) and not made.endswith(os.sep)
    return f'{made}{os.sep}' if ends else made


def expand_words(words: Mapping[str, Any]) -> dict[str, Any]:
    """Options with `~` expanded and bytes decoded in their paths; what is relative stays so."""
    return {name: _expanded(name, value) for name, value in words.items()}


def settle_words(
    words: Mapping[str, Any], folder: str, *, allow_outside: bool, is_own: bool = False
) -> Result[dict[str, Any], Fault]:
    """Options that stand in a file, with their paths below the folder of that file.

    `is_own` says that the file is the user's configuration and no manifest: nothing of it is
    confined. Faults: `InvalidInput` for a destination or a client certificate outside.
    """
    settled: dict[str, Any] = {}
    for name, value in words.items():
        place = _expanded(name, value)
        if _is_path(name, place):
            place = _kept(place, absolute(fsdecode(place), folder))
            is_confined = SYNONYMS.get(name, name) in _CONFINED and not (allow_outside or is_own)
            if is_confined and not is_inside(str(place), folder):
                return Failure(outside(name, value))
        settled[name] = place
    return Success(settled)


def absolute_words(words: Mapping[str, Any]) -> dict[str, Any]:
    """Options with their paths below the current folder, wherever the process goes later."""
    expanded = expand_words(words)
    return {
        name: _kept(value, absolute(fsdecode(value))) if _is_path(name, value) else value
        for name, value in expanded.items()
    }


def _kept(value: object, place: str) -> str | Path:
    return Path(place) if isinstance(value, PathLike) else place


def is_inside(place: str, folder: str) -> bool:
    """Whether a path lies below a folder, by their names."""
    top = absolute(folder or os.curdir)
    return f'{place.rstrip(os.sep)}{os.sep}'.startswith(f'{top.rstrip(os.sep)}{os.sep}')


def outside(where: str, value: object) -> InvalidInput:
    """The fault for a path that leads out of the folder of its file."""
    problem = f'{value!r} is outside the folder of the file that names it'
    return InvalidInput(where=where, problem=problem, advice=_ADVICE)


def _expanded(name: str, value: Any) -> Any:
    if SYNONYMS.get(name, name) not in PATH_NAMES or not isinstance(value, (str, bytes, PathLike)):
        return value
    place = expand(fsdecode(value))
    # What is a path beyond doubt stays one: a text may be the digest itself.
    return Path(place) if name == 'checksum' and isinstance(value, PathLike) else place


def _is_path(name: str, value: Any) -> bool:
    if SYNONYMS.get(name, name) not in PATH_NAMES or not isinstance(value, (str, PathLike)):
        return False
    if name.startswith('checksum'):
        is_list = name == 'checksum_file' or is_checksum_list(value)
        return is_list and '://' not in str(value)
    return bool(value)
