"""The objects of stores, as fsspec describes them: from its mapping to size and validators.

Pure. Each package of fsspec has other names for the same; what is not known counts as unknown, and
an object without validators is read from its beginning each time.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from dlmachine.core.sources.answering import SourceInfo, describe_file

#: What identifies a version, by the names of s3fs, gcsfs, adlfs, ossfs and huggingface_hub.
_TAGS: Final = ('etag', 'generation', 'versionid', 'version_id', 'md5hash', 'blob_id', 'sha256')
#: When it was written, by the names of these and of fsspec's own file systems.
_TIMES: Final = (
    'lastmodified', 'last_modified', 'last-modified', 'updated', 'modified', 'mtime',
    'modificationtime', 'created',
)  # fmt: skip
_TYPES: Final = ('contenttype', 'content_type')
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_CHARACTERS: Final = 1_024
#: Later numbers are milliseconds: seconds reach it in the year 5138.
_MAX_SECONDS: Final = 10**11


def describe_object(info: Mapping[str, Any], now: datetime) -> SourceInfo | None:
    """Size, media type and validators of an object; None for what is not a file.

    The ETag is made of all that tells versions apart, so that an object that is written twice, the
    second time with its first content, counts as changed: a partial copy may have bytes of both.

    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> told = {'type': 'file', 'size': 3, 'ETag': '"x"', 'LastModified': now}
    >>> found = describe_object(told, now)
    >>> found.size_bytes, found.etag[:9]
    (3, '"8d171263')
    >>> describe_object({'type': 'directory', 'size': 0}, now)
    """
    size = info.get('size')
    if info.get('type', 'file') != 'file' or not isinstance(size, int) or size < 0:
        return None
    names = {str(name).casefold(): value for name, value in info.items()}
    tags = [str(names[name]) for name in _TAGS if names.get(name)]
    at = next(filter(None, (_time(names.get(name)) for name in _TIMES)), None)
    media_type = next((names[name] for name in _TYPES if _is_text(names.get(name))), '')
    modified_ns = None if at is None else (at - _EPOCH) // timedelta(microseconds=1) * 1_000
    if not tags:
        # As for a local file: one that was written just now may be written again.
        timed = describe_file(size, modified_ns, now) if modified_ns is not None else None
        return SourceInfo(
            size_bytes=size,
            media_type=media_type,
            etag='' if timed is None else timed.etag,
            modified_ns=None if timed is None else timed.modified_ns,
        )
    identity = repr((size, modified_ns, tags)).encode('utf-8', 'backslashreplace')
    return SourceInfo(
        size_bytes=size,
        media_type=media_type,
        etag=f'"{sha256(identity).hexdigest()[:32]}"',
        modified_ns=modified_ns,
    )


def _is_text(value: object) -> bool:
    is_short = isinstance(value, str) and len(value) <= _MAX_CHARACTERS
    return is_short and str(value).isascii() and str(value).isprintable()


def _time(value: object) -> datetime | None:
    try:
        match value:
            case datetime():
                found = value
            case bool():
                return None
            case int() | float():
                seconds = value / 1_000 if value > _MAX_SECONDS else value
                found = datetime.fromtimestamp(seconds, UTC)
            case str():
                found = datetime.fromisoformat(value)
            case _:
                return None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ArithmeticError, OSError, ValueError):
        return None
