"""The arguments of `extract`, checked."""

import os
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from dlmachine.core.archives.extraction import ExtractionLimits, Selection
from dlmachine.core.faults import DestinationUnusable, Fault, InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.errors import error_for
from dlmachine.paths import PathInput, absolute, path_text


@frozen
class Wanted:
    """An extraction that is asked for."""

    archive: str
    #: The name that tells how the archive is packed.
    name: str
    #: The URL or the path for the record.
    source: str
    #: The digest of the archive, if it is known.
    sha256: str
    folder: str
    selection: Selection
    limits: ExtractionLimits
    password: bytes | None
    overwrite: bool
    deep: bool

    @property
    def above(self) -> str:
        """The folder in which `folder` is or will be."""
        return str(PurePath(self.folder).parent)


def archive_of(source: PathInput | Outcome) -> dict[str, Any]:
    """The fields of `Wanted` about the archive.  Raises: RequestError."""
    if isinstance(source, Outcome):
        if source.path is None:
            problem = 'is in memory; extract needs a file'
            advice = 'Pass path= or pkg= to DownloadManager, or download it to a path'
            raise error_for(InvalidInput(where='source', problem=problem, advice=advice))
        known = source.record
        return {
            'archive': source.path,
            'name': source.path if known is None else known.filename or source.path,
            'source': source.path if known is None else known.url,
            'sha256': '' if known is None else known.sha256,
        }
    text = path_text(source)
    if not isinstance(text, str):
        problem = f'must be a path or an Outcome, not {shown_value(source)}'
        raise error_for(InvalidInput(where='source', problem=problem))
    path = absolute(text)
    return {'archive': path, 'name': path, 'source': path, 'sha256': ''}


def folder_of(folder: object) -> str:
    """The absolute path of the folder.  Raises: RequestError."""
    text = path_text(folder)
    if not isinstance(text, str) or not text:
        raise error_for(_refused('folder', 'a path', folder))
    path = absolute(text).rstrip('/' + os.sep)
    if not path or PurePath(path) == PurePath(path).parent:
        raise error_for(DestinationUnusable(path=text, problem='it is not a folder of its own'))
    return path


def selection_of(members: object, strip: object) -> Selection:
    """Which members.  Raises: RequestError."""
    if not _is_count(strip, 0):
        raise error_for(_refused('strip', 'a whole number of folders, 0 or more', strip))
    if members is None:
        return Selection(strip=strip)  # type: ignore[arg-type]
    listed = tuple(members) if isinstance(members, Iterable) else ()
    if isinstance(members, str) or not listed or not all(isinstance(one, str) for one in listed):
        raise error_for(_refused('members', 'a list of names', members))
    return Selection(members=listed, strip=strip)  # type: ignore[arg-type]


def limits_of(
    max_members: object, max_extracted_bytes: object, max_ratio: object
) -> ExtractionLimits:
    """The limits.  Raises: RequestError."""
    limits: dict[str, Any] = {'max_members': max_members, 'max_ratio': max_ratio}
    for name, value in limits.items():
        if not _is_count(value, 1):
            raise error_for(_refused(name, 'a whole number of 1 or more', value))
    if max_extracted_bytes is not None and not _is_count(max_extracted_bytes, 0):
        raise error_for(
            _refused('max_extracted_bytes', 'a number of bytes, or None', max_extracted_bytes)
        )
    return ExtractionLimits(max_extracted_bytes=max_extracted_bytes, **limits)  # type: ignore[arg-type]


def _is_count(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _refused(where: str, expected: str, value: object) -> Fault:
    return InvalidInput(where=where, problem=f'must be {expected}, not {shown_value(value)}')
