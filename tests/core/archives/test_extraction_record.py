"""The record of an extraction is read strictly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmachine.core.archives.extraction import Selection
from dlmachine.core.archives.extraction_record import (
    ExtractedFile,
    ExtractionRecord,
    parse_extraction_record,
    parse_unpacked_bytes,
)
from dlmachine.core.frozen import replace

FILE = ExtractedFile(path='d/a.tsv', size_bytes=3, sha256='ab' * 32, mtime_ns=-5)
RECORD = ExtractionRecord(
    source='https://h/data.zip',
    size_bytes=10,
    sha256='cd' * 32,
    selection=Selection(members=('d', '*.tsv'), strip=1),
    extracted_at='2026-01-01T00:00:00+00:00',
    files=(FILE, ExtractedFile(path='l', link='d/a.tsv')),
)


@pytest.mark.parametrize(
    'record',
    [
        RECORD,
        replace(RECORD, mtime_ns=1_700_000_000_000_000_000),
        ExtractionRecord(
            source='', size_bytes=0, sha256='', selection=Selection(), extracted_at='', files=()
        ),
    ],
)
def test_a_record_is_read_as_it_was_written(record: ExtractionRecord) -> None:
    """With and without members, files and links."""
    assert parse_extraction_record(record.to_json()) == record


def change(line: int, **changes: object) -> str:
    """The text of a record with other values in a line; None takes one away."""
    lines = RECORD.to_json().splitlines()
    row = {**json.loads(lines[line]), **changes}
    lines[line] = json.dumps({name: value for name, value in row.items() if value != 'gone'})
    return '\n'.join(lines) + '\n'


@pytest.mark.parametrize(
    'text',
    [
        '', '\n', '{}\n', '[]\n', 'x\n', '[' * 100_000 + '\n',
        RECORD.to_json()[:-1],
        RECORD.to_json()[:-20],
        RECORD.to_json() + '\n',
        change(0, v=2), change(0, v='gone'), change(0, source=5), change(0, sha256=None),
        change(0, extracted_at='gone'), change(0, size_bytes=-1), change(0, size_bytes=True),
        change(0, mtime_ns='1'), change(0, mtime_ns=True),
        change(0, strip='1'), change(0, members='d'), change(0, members=[1]),
        change(1, path='../x'), change(1, path='/x'), change(1, path='a/./b'), change(1, path=''),
        change(1, path='a\\b'), change(1, path='a\x00'), change(1, path=5), change(1, path='gone'),
        change(1, size_bytes=1.5), change(1, size_bytes=-1), change(1, sha256=None),
        change(1, mtime_ns='1'), change(1, mtime_ns=True), change(1, link=5),
    ],
)  # fmt: skip
def test_anything_else_is_not_a_record(text: str) -> None:
    """It lies in a folder that others may write to."""
    assert parse_extraction_record(text) is None


def test_the_first_line_has_the_size_of_all_files() -> None:
    """A record of an earlier version does not say it, and nor does anything else."""
    first = RECORD.to_json().partition('\n')[0]
    assert parse_unpacked_bytes(first) == RECORD.unpacked_bytes == 3
    for text in ('', '[]', '{}', first[:-1], change(0, unpacked_bytes='gone').partition('\n')[0]):
        assert parse_unpacked_bytes(text) is None
    for size in (-1, '3', True):
        assert parse_unpacked_bytes(change(0, unpacked_bytes=size).partition('\n')[0]) is None
    assert parse_unpacked_bytes(change(0, v=2).partition('\n')[0]) is None


@given(st.text())
def test_reading_never_raises(text: str) -> None:
    """Any text."""
    assert parse_extraction_record(text) is None
