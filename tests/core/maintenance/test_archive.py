"""The texts and names in an archive of a cache."""

import json
from datetime import UTC, datetime

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import replace
from dlmachine.core.maintenance.archive import (
    END_NAME,
    Archived,
    find_member_problem,
    format_archived,
    format_end,
    parse_archived,
    parse_end,
)

AT = datetime(2024, 5, 1, tzinfo=UTC)
RECORD = DownloadRecord(
    url='http://h/x', started_at=AT, finished_at=AT, size_bytes=3, sha256='ab' * 32, filename='x'
)
ENTRY = Archived(key='cd' * 32, record=RECORD)


def test_what_is_written_is_read() -> None:
    """Entries and the end."""
    assert parse_archived(format_archived(ENTRY)) == ENTRY
    assert parse_end(format_end(3)) == 3


def test_bad_texts_are_refused() -> None:
    """Whatever they have instead."""
    unsafe = replace(RECORD, filename='../x')
    good = json.loads(format_archived(ENTRY))
    bad = [
        'x', '[]', '[' * 100_000, format_archived(Archived(key=ENTRY.key, record=unsafe)),
        *(json.dumps({**good, **other}) for other in (
            {'v': 2}, {'key': 'x'}, {'key': 3}, {'record': 3}, {'record': '{}'},
        )),
    ]  # fmt: skip
    assert [parse_archived(text) for text in bad] == [None] * len(bad)
    assert parse_end('{"v": 1, "entries": true}') is parse_end('{"entries": 1}') is None


def test_members_that_are_no_files_are_refused() -> None:
    """Links, pipes, devices and folders."""
    assert find_member_problem('entries/1.json', is_plain=False) == 'is not a regular file'
    assert find_member_problem('entries/1.data', is_plain=True) == ''
    assert find_member_problem(END_NAME, is_plain=True) == ''
    assert find_member_problem(f'{END_NAME}x', is_plain=True) == (
        'has a name that an exported cache does not have'
    )
