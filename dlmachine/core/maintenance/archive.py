"""The entries of a cache in an archive: names of its members, and the text about each entry.

Pure. An archive comes from elsewhere: every text in it is checked before it is used.
"""

import json
from dataclasses import field
from typing import Any, Final

from returns.pipeline import is_successful

from dlmachine.core.cache.record import DownloadRecord, is_sha256, parse_record
from dlmachine.core.frozen import frozen
from dlmachine.core.http.filename import safe_name
from dlmachine.core.regex import regex

#: The version of the format, increased when its meaning changes.
ARCHIVE_VERSION: Final = 1
#: The last member, which has the number of entries.
END_NAME: Final = 'end.json'
_MEMBER: Final = regex(r'entries/[0-9]{1,9}\.(json|data)')


@frozen
class Archived:
    """One entry in an archive: its key and its record."""

    key: str
    record: DownloadRecord = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The entry as JSON has it."""
        record = self.record
        return {
            'url': record.url,
            'key': self.key,
            'size': record.size_bytes,
            'sha256': record.sha256,
        }


def member_name(number: int, ending: str) -> str:
    """The name of a member.

    >>> member_name(3, 'json')
    'entries/3.json'
    """
    return f'entries/{number}.{ending}'


def find_member_problem(name: str, *, is_plain: bool) -> str:
    """Why a member of an archive cannot be read; empty if it can.

    >>> find_member_problem('../x', is_plain=True), find_member_problem(END_NAME, is_plain=True)
    ('has a name that an exported cache does not have', '')
    """
    if not is_plain:
        return 'is not a regular file'
    if name != END_NAME and _MEMBER.fullmatch(name) is None:
        return 'has a name that an exported cache does not have'
    return ''


def format_archived(entry: Archived) -> str:
    """The text about an entry, with its record, which has no secrets."""
    return json.dumps({'v': ARCHIVE_VERSION, 'key': entry.key, 'record': entry.record.to_json()})


def format_end(count: int) -> str:
    """The text of the last member."""
    return json.dumps({'v': ARCHIVE_VERSION, 'entries': count})


def parse_archived(text: str) -> Archived | None:
    """Parse the text about an entry; None if it is not one, or has an unsafe file name.

    >>> parse_archived('{}') is None
    True
    """
    stored = _parse(text)
    key, record = stored.get('key'), stored.get('record')
    if stored.get('v') != ARCHIVE_VERSION or not is_sha256(key) or not isinstance(record, str):
        return None
    parsed = parse_record(record)
    if not is_successful(parsed):
        return None
    found = parsed.unwrap()
    if found.filename and safe_name(found.filename) != found.filename:
        return None
    return Archived(key=key, record=found)


def parse_end(text: str) -> int | None:
    """The number of entries in the last member."""
    stored = _parse(text)
    count = stored.get('entries')
    return count if stored.get('v') == ARCHIVE_VERSION and type(count) is int else None


def _parse(text: str) -> dict[str, object]:
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return stored if isinstance(stored, dict) else {}
