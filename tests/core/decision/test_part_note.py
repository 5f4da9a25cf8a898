"""Notes of partial files: valid notes are read back, and invalid ones rejected."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from dlmachine.core.decision.part_note import (
    MAX_NOTE_BYTES,
    PartNote,
    parse_part_note,
    write_part_note,
)
from dlmachine.core.integrity.representation import Representation

PLAIN: Final = PartNote(
    validator='"v1"', url_digest='86ca99740210faa0', kept_bytes=5, is_left=True, host='h', pid=7, boot='b',
    representation=Representation(size_bytes=9, source='86ca99740210faa0', promised=('Repr-Digest', 'sha256', 'ab')),
)  # fmt: skip
HOLED: Final = PartNote(
    validator='Sun, 06 Nov 1994 08:49:37 GMT', host='h', pid=7, boot='', whole_bytes=10,
    written=((0, 2), (4, 9)), synced=((0, 1),),
)  # fmt: skip


@pytest.mark.parametrize('note', [PLAIN, HOLED], ids=['plain', 'in segments'])
def test_a_note_is_read_as_it_was_written(note: PartNote) -> None:
    """Each field is read back, in both formats."""
    assert parse_part_note(write_part_note(note)) == note


def test_what_is_synced_is_vouched_for() -> None:
    """The synced spans are the first bytes, or the spans of segments."""
    assert PLAIN.synced_ranges == ((0, 4),)
    assert HOLED.synced_ranges == ((0, 1),)


ODD: Final[list[tuple[str, Any]]] = [
    ('validator', '"a"\r\nEvil: 1'),
    ('validator', 'W/"a"'),
    ('validator', 'a'),
    ('validator', ''),
    ('validator', '"\u20ac"'),
    ('validator', 5),
    ('validator', None),
    ('validator', '"' + 'a' * 9000 + '"'),
    ('address', 'x\n'),
    ('address', 'a' * 65),
    ('address', 5),
    ('kept_bytes', -1),
    ('kept_bytes', 1 << 63),
    ('kept_bytes', True),
    ('kept_bytes', 1.0),
    ('kept_bytes', '5'),
    ('kept_bytes', None),
    ('is_left', 1),
    ('is_left', None),
    ('host', 'a\x1b[2J'),
    ('host', 5),
    ('pid', -1),
    ('pid', 1 << 32),
    ('pid', False),
    ('boot', []),
    ('said', None),
    ('said', {'size_bytes': '9', 'place': '', 'promised': None}),
    ('said', {'size_bytes': -9, 'place': '', 'promised': None}),
    ('said', {'size_bytes': 9, 'place': 'a b', 'promised': None}),
    ('said', {'size_bytes': 9, 'place': '', 'promised': ['Digest', 'sha256']}),
    ('said', {'size_bytes': 9, 'place': '', 'promised': ['Digest\n', 'sha256', 'ab']}),
    ('said', {'size_bytes': 9, 'place': '', 'promised': ['Digest', 'shake_256', 'ab']}),
    ('said', {'size_bytes': 9, 'place': '', 'promised': ['Digest', 'sha256', 'xy']}),
    ('said', {'size_bytes': 9, 'place': '', 'promised': 'abc'}),
    ('segmented', []),
    ('segmented', 5),
    ('segmented', {'validator': '"v1"', 'whole_bytes': 10, 'written': [], 'synced': None}),
]


@pytest.mark.parametrize(('field', 'value'), ODD)
def test_an_invalid_field_invalidates_the_note(field: str, value: Any) -> None:
    """Types are exact, numbers are bounded, and text can go into a header field."""
    stored = json.loads(write_part_note(PLAIN))
    assert parse_part_note(json.dumps({**stored, field: value}).encode()) is None


@pytest.mark.parametrize(
    'spans',
    [
        [[0, 10]], [[-1, 2]], [[3, 2]], [[4, 5], [0, 1]], [[0, 1], [1, 2]], [[0]], [[0, 1, 2]], ['01'],
        [[0.0, 1]], [[False, 1]], [[2 * at, 2 * at] for at in range(2000)],
    ],
    ids=str,
)  # fmt: skip
def test_invalid_spans_invalidate_the_note(spans: Any) -> None:
    """Spans are in order, separate, within the file, and not too many."""
    stored = json.loads(write_part_note(HOLED))
    stored['segmented'] |= {'whole_bytes': max(10, 2 * len(spans)), 'written': spans}
    assert parse_part_note(json.dumps(stored).encode()) is None


@pytest.mark.parametrize('field', ['validator', 'address', 'kept_bytes', 'is_left', 'host', 'pid', 'boot', 'said'])  # fmt: skip
def test_a_missing_field_invalidates_the_note(field: str) -> None:
    """No field has a default."""
    stored = json.loads(write_part_note(PLAIN))
    del stored[field]
    assert parse_part_note(json.dumps(stored).encode()) is None


@pytest.mark.parametrize(
    'data',
    [
        b'', b'\0', b'{', b'[]', b'1', b'null', b'"x"', b'\xff\xfe', b'[' * (MAX_NOTE_BYTES - 1),
        b'{"a":' * 12_000, b'NaN', b'9' * 60_000, b' ' * (MAX_NOTE_BYTES + 1),
        write_part_note(PLAIN).replace(b'5', b'NaN'), write_part_note(PLAIN).replace(b'5', b'1e400'),
        write_part_note(PLAIN) + b' ' * MAX_NOTE_BYTES,
    ],
    ids=lambda data: repr(data[:9]),
)  # fmt: skip
def test_invalid_notes_are_rejected(data: bytes) -> None:
    """Deep nesting and long notes are rejected too."""
    assert parse_part_note(data) is None


@pytest.mark.parametrize(
    ('field', 'value'), [('kept_bytes', (1 << 63) - 1), ('pid', (1 << 32) - 1), ('kept_bytes', 0)]
)
def test_the_largest_numbers_are_read(field: str, value: int) -> None:
    """The limits themselves are valid."""
    given: dict[str, Any] = {field: value}
    note = replace(PLAIN, **given)
    assert parse_part_note(write_part_note(note)) == note


@pytest.mark.parametrize(('count', 'is_read'), [(1024, True), (1025, False)])
def test_the_number_of_spans_is_limited(count: int, is_read: bool) -> None:
    """Each span may be of one byte."""
    spans = tuple((2 * at, 2 * at) for at in range(count))
    note = replace(HOLED, whole_bytes=2 * count, written=spans, synced=())
    assert (parse_part_note(write_part_note(note)) == note) is is_read


@pytest.mark.parametrize(('excess', 'is_read'), [(0, True), (1, False)])
def test_the_size_of_a_note_is_limited(excess: int, is_read: bool) -> None:
    """Blanks at the end count."""
    data = write_part_note(PLAIN)
    padded = data + b' ' * (MAX_NOTE_BYTES + excess - len(data))
    assert (parse_part_note(padded) == PLAIN) is is_read


@pytest.mark.parametrize('number', ['1.5', 'NaN', '1e3'])
def test_numbers_that_are_not_whole_invalidate_the_note(number: str) -> None:
    """In fields that this version does not know, too."""
    text = write_part_note(PLAIN).decode().replace('{', f'{{"new": {number}, ', 1)
    assert parse_part_note(text.encode()) is None
