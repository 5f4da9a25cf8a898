"""Text files of any editor."""

import pytest

from dlmachine.core.text.text_file import decode_text


@pytest.mark.parametrize(
    ('data', 'text'),
    [
        (b'', ''),
        (b'X\n\n X \n', 'X\n\n X \n'),
        (b'a\r\nb\rc\n\r\n', 'a\nb\nc\n\n'),
        (b'a\n\x1a\0', 'a\n'),
        (b'ab\0c\x1ad', 'ab\0c\x1ad'),
        (b'X\x1a\n', 'X\x1a\n'),
        (b'aX\x1a', 'aX'),
        ('\ufeffa\n\ufeffb\ufeff'.encode(), 'a\nb\ufeff'),
        ('\ufeff\ufeffXa'.encode(), 'Xa'),
        ('é\r\n'.encode('utf-16'), 'é\n'),
        ('a\n'.encode('utf-16-be'), 'a\n'),
        ('a\n'.encode('utf-32'), 'a\n'),
    ],
)
def test_texts(data: bytes, text: str) -> None:
    """Line ends of any system; without byte order marks, and without what DOS writes at the end."""
    assert decode_text(data).unwrap() == text


@pytest.mark.parametrize(
    ('data', 'problem'),
    [
        (b'\xe9', 'is not text in UTF-8 (line 1)'),
        (b'a\nb\ncaf\xe9\n', 'is not text in UTF-8 (line 3)'),
        (b'\xef\xbb\xbfa\n\xe9', 'is not text in UTF-8 (line 2)'),
        ('a\n'.encode('utf-16') + b'\0', 'is not text in UTF-16 (line 2)'),
    ],
)
def test_other_bytes(data: bytes, problem: str) -> None:
    """The problem has the encoding and the line."""
    assert decode_text(data).failure() == problem
