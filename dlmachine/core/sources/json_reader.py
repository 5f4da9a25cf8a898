"""Read the JSON of a repository, whose every member may be missing or of another type.  Pure."""

import json
from contextlib import suppress
from typing import Any, Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, SourceUnusable
from dlmachine.core.http.request import HTTP_SCHEMES
from dlmachine.core.http.url import parse_url
from dlmachine.core.integrity.checksum import Checksum, digest_bytes, find_algorithm
from dlmachine.core.regex import regex
from dlmachine.core.text.control_chars import find_control_char

#: The most files that are read; no repository allows as many in a record.
MAX_FILES: Final = 100_000
#: Parsing the answer of a repository takes a moment: it has no more members and lists than these.
_MAX_MEMBERS: Final = 2_000_000
_MAX_CHARS: Final = 1_000
_MAX_SIZE: Final = 1 << 60
_HEX: Final = regex(r'[0-9a-f]{8,128}')


class Unreadable(Exception):  # noqa: N818 -- it never leaves this room
    """The answer lacks what is needed; the text says what."""


def read_object(text: str, source: str, server: str) -> Result[dict[str, Any], Fault]:
    """The object in an answer.  Faults: `SourceUnusable` for anything else.

    >>> read_object('<html>', 'doi:10.1/x', 'https://h/').failure().problem
    'https://h/ answered with something other than a JSON object'
    """
    if text.count(',') + text.count('[') + text.count('{') > _MAX_MEMBERS:
        return Failure(unreadable(source, server, 'more than can be read'))
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, dict):
            return Success(found)
    return Failure(unreadable(source, server, 'something other than a JSON object'))


def unreadable(source: str, server: str, what: str) -> SourceUnusable:
    """The fault of an answer that cannot be used."""
    advice = 'Try again later, or use the URL of the file'
    return SourceUnusable(source=source, problem=f'{server} answered with {what}', advice=advice)


def member(value: object, *names: str) -> Any:
    """The member at a path of names; None if there is none.

    >>> member({'a': {'b': 1}}, 'a', 'b'), member({'a': []}, 'a', 'b')
    (1, None)
    """
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def text_of(value: object) -> str:
    """A text of one line, of a text or a number; empty if it is neither.

    >>> text_of(' v1 '), text_of(3), text_of(None), text_of(True)
    ('v1', '3', '', '')
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_SIZE:
        return str(value)
    if not isinstance(value, str) or find_control_char('', value) is not None:
        return ''
    return value.strip()[:_MAX_CHARS]


def size_of(value: object) -> int | None:
    """A number of bytes; None if it is not one.

    >>> size_of(5), size_of(-1), size_of('5'), size_of(True)
    (5, None, None, None)
    """
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value <= _MAX_SIZE else None  # type: ignore[operator,return-value]


def checksum_of(algorithm: object, digits: object) -> Checksum | None:
    """A checksum; None if there is none, or of an algorithm that hashlib lacks.

    Raises: Unreadable for one that is damaged.

    >>> str(checksum_of('MD5', 'D41D8CD98F00B204E9800998ECF8427E'))
    'md5:d41d8cd98f00b204e9800998ecf8427e'
    """
    if not algorithm or not digits:
        return None
    name = find_algorithm(str(algorithm)[:_MAX_CHARS])
    if name is None:
        return None
    found = str(digits).lower()
    if not _HEX.fullmatch(found) or len(found) != 2 * digest_bytes(name):
        raise Unreadable(f'a damaged checksum ({name})')
    return Checksum(name, found)


def url_of(value: object) -> str | None:
    """A URL that may be downloaded, in normal form; None if it is not one.

    >>> url_of('HTTPS://H/x'), url_of('file:///etc/passwd'), url_of(None)
    ('https://h/x', None, None)
    """
    parsed = parse_url(value).value_or(None)
    return str(parsed) if parsed is not None and parsed.scheme in HTTP_SCHEMES else None


def name_of(value: object) -> str:
    """The name of a file.  Raises: Unreadable if there is none."""
    name = text_of(value)
    if not name:
        raise Unreadable('a file without a name')
    return name


def files_of(value: object) -> list[Any]:
    """A list of files, of which there may be none.  Raises: Unreadable for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_FILES:
        raise Unreadable('something other than a list of files')
    return value
