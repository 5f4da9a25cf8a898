"""The record of an extraction: which files a folder has from which archive.

Pure. The record lies in the folder, where others may change it: it is read strictly.
"""

import json
from typing import Any, Final, TypeGuard

from dlmachine.core.archives.extraction import Selection
from dlmachine.core.frozen import frozen

#: The version of the format, increased when its meaning changes.
_VERSION: Final = 1


@frozen
class ExtractedFile:
    """A file in the folder: its path, size, SHA-256 digest in hex, and time of change.

    `link` is the target of a symbolic link, which has no digest.
    """

    path: str
    size_bytes: int = 0
    sha256: str = ''
    mtime_ns: int = 0
    link: str = ''


@frozen
class ExtractionRecord:
    """What was extracted from where.

    `source` is the URL or the path of the archive, `size_bytes` and `sha256` are those of the
    archive, which had this digest at its modification time `mtime_ns` (None: not known).
    `extracted_at` is a time as ISO 8601 writes it.
    """

    source: str
    size_bytes: int
    sha256: str
    selection: Selection
    extracted_at: str
    files: tuple[ExtractedFile, ...]
    mtime_ns: int | None = None

    @property
    def unpacked_bytes(self) -> int:
        """The size of all files together."""
        return sum(file.size_bytes for file in self.files)

    def to_json(self) -> str:
        """The text of the record, a line for each file."""
        head = {
            'v': _VERSION,
            'source': self.source,
            'size_bytes': self.size_bytes,
            'sha256': self.sha256,
            'mtime_ns': self.mtime_ns,
            'unpacked_bytes': self.unpacked_bytes,
            'members': None if self.selection.members is None else [*self.selection.members],
            'strip': self.selection.strip,
            'extracted_at': self.extracted_at,
        }
        lines = [json.dumps(head), *(json.dumps(_as_dict(file)) for file in self.files)]
        return '\n'.join(lines) + '\n'


def _as_dict(file: ExtractedFile) -> dict[str, object]:
    if file.link:
        return {'path': file.path, 'link': file.link}
    return {
        'path': file.path,
        'size_bytes': file.size_bytes,
        'sha256': file.sha256,
        'mtime_ns': file.mtime_ns,
    }


def parse_extraction_record(text: str) -> ExtractionRecord | None:
    """Read a record; None if it is not one, is damaged, or is of a later version.

    >>> parse_extraction_record('{}') is None
    True
    """
    first, *rows = text.split('\n')
    head = _parse(first)
    members, mtime_ns = head.get('members'), head.get('mtime_ns')
    is_known = (
        head.get('v') == _VERSION
        and (mtime_ns is None or type(mtime_ns) is int)
        and (members is None or _is_texts(members))
        and all(isinstance(head.get(name), str) for name in ('source', 'sha256', 'extracted_at'))
        and all(_is_count(head.get(name)) for name in ('size_bytes', 'strip'))
    )
    if not is_known or rows[-1:] != ['']:
        return None
    files = []
    for row in rows[:-1]:
        file = _read_file(_parse(row))
        if file is None:
            return None
        files.append(file)
    return ExtractionRecord(
        source=head['source'],
        size_bytes=head['size_bytes'],
        sha256=head['sha256'],
        selection=Selection(
            members=None if members is None else tuple(members), strip=head['strip']
        ),
        extracted_at=head['extracted_at'],
        files=tuple(files),
        mtime_ns=mtime_ns,
    )


def parse_unpacked_bytes(first_line: str) -> int | None:
    """The size of all files together, from the first line of a record; None if it does not say.

    >>> parse_unpacked_bytes('{"v": 1, "unpacked_bytes": 12}'), parse_unpacked_bytes('{"v": 1}')
    (12, None)
    """
    head = _parse(first_line)
    size = head.get('unpacked_bytes') if head.get('v') == _VERSION else None
    return size if _is_count(size) else None


def _read_file(row: dict[str, Any]) -> ExtractedFile | None:
    path, link = row.get('path'), row.get('link', '')
    if not _is_inside(path) or not isinstance(link, str):
        return None
    if link:
        return ExtractedFile(path=path, link=link)
    size_bytes, sha256, mtime_ns = (row.get(name) for name in ('size_bytes', 'sha256', 'mtime_ns'))
    if not (_is_count(size_bytes) and isinstance(sha256, str) and type(mtime_ns) is int):
        return None
    return ExtractedFile(path=path, size_bytes=size_bytes, sha256=sha256, mtime_ns=mtime_ns)


def _is_inside(path: object) -> TypeGuard[str]:
    if not isinstance(path, str) or '\x00' in path or '\\' in path:
        return False
    return not {'', '.', '..'} & {*path.split('/')}


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _parse(line: str) -> dict[str, Any]:
    try:
        read = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
