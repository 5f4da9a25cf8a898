"""How a path is shown in a message: on one line, and writable.  Pure."""

import re
from typing import Final

#: Control characters (also of Unicode), separators of lines, marks that turn the direction of
#: writing, and lone surrogates, which stand for bytes that are not UTF-8.
_UNPRINTABLE: Final = re.compile(
    '[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]'
)


def printable(text: str) -> str:
    r"""The text with what cannot be shown on one line escaped.

    A path may hold any character but NUL; in a message it must not begin a line of its own.

    >>> print(printable('a\nERROR: all is lost'))
    a\x0aERROR: all is lost
    >>> print(printable('caf\udce9/data'))
    caf\udce9/data
    """
    return _UNPRINTABLE.sub(_escaped, text)


def shown_value(value: object) -> str:
    """A value as it stands in a message: its repr, if it has one, and not more than 80 characters.

    Python shows no integer of more than 4,300 digits, and goes into no depth without end.

    >>> shown_value('many'), shown_value(10**5000)
    ("'many'", 'the int')
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return f'the {type(value).__name__}'
    return text if len(text) <= 80 else f'{text[:77]}...'


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f'\\x{code:02x}' if code < 0x100 else f'\\u{code:04x}'
