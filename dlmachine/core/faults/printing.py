"""Paths and values in messages: on one line, printable, and of a limited length.  Pure."""

import re
from datetime import timedelta
from typing import Final

from dlmachine.core.regex import regex

#: Control characters (also of Unicode), line separators, marks that change the text direction,
#: and lone surrogates, which stand for bytes that are not UTF-8.
_UNPRINTABLE: Final = regex(
    '[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]'
)

#: The maximum length of a value in a message.
_MAX_SHOWN_CHARS: Final = 80


def printable(text: str) -> str:
    r"""Escape the characters that cannot be shown on one line.

    A path may contain any character except NUL; it must not start a new line in a message.

    >>> print(printable('a\nERROR: all is lost'))
    a\x0aERROR: all is lost
    >>> print(printable('caf\udce9/data'))
    caf\udce9/data
    """
    return _UNPRINTABLE.sub(_escaped, text)


def shown_value(value: object) -> str:
    """The repr of a value for a message, cut to 80 characters; its type if it has no repr.

    Python does not format integers of more than 4,300 digits, or endlessly nested values. It shows
    a negative duration as -1 day and hours; here a duration is a number of seconds.

    >>> shown_value('many'), shown_value(10**5000), shown_value(timedelta(days=-1))
    ("'many'", 'the int', '-86,400 s')
    """
    if isinstance(value, timedelta):
        return f'{value.total_seconds():,.15g} s'
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return f'the {type(value).__name__}'
    return shortened(text)


def shortened(text: str) -> str:
    """A text for a message, cut to 80 characters.

    >>> shortened('9' * 5000)[-8:]
    '99999...'
    """
    return text if len(text) <= _MAX_SHOWN_CHARS else f'{text[: _MAX_SHOWN_CHARS - 3]}...'


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f'\\x{code:02x}' if code < 0x100 else f'\\u{code:04x}'
