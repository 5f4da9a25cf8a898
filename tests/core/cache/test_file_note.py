"""The note about a published file."""

from dlmachine.core.cache.file_note import format_file_note, parse_file_note
from dlmachine.core.cache.updates import FileRecord
from tests.builders import a_record

KEY = 'ab' * 32


def test_a_note_is_one_text_and_back() -> None:
    """Names beyond ASCII are written as they are."""
    row = FileRecord(key=KEY, folder='/d', name='größe.csv', version=2, record=a_record())
    text = format_file_note(row)
    assert text.startswith(
        f'{{"v": 1, "key": "{KEY}", "name": "größe.csv", "version": 2, "record": "'
    )
    assert parse_file_note(text, '/d') == row
