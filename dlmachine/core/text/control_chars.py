"""Check text that is sent to a server.

Pure. CR, LF and NUL could end a header or a request line early (RFC 9110 section
5.5: "invalid and dangerous"), so they are refused in every text that is written outside the body.
Lone surrogates cannot be written in UTF-8.
"""

from typing import Final

from dlmachine.core.faults import InvalidInput
from dlmachine.core.regex import regex

_FORBIDDEN: Final = regex('[\r\n\0]')
_SURROGATE: Final = regex('[\ud800-\udfff]')
_NAMES: Final = {'\r': 'CR', '\n': 'LF', '\0': 'NUL'}


def find_control_char(where: str, text: str) -> InvalidInput | None:
    r"""The first CR, LF or NUL in the text as a fault, or None.

    >>> find_control_char("headers['A']", 'x\r\nEvil: 1').problem
    'contains CR at position 1'
    """
    found = _FORBIDDEN.search(text)
    if found:
        problem = f'contains {_NAMES[found.group()]} at position {found.start()}'
        advice = 'Remove it: it would end the line early'
        return InvalidInput(where=where, problem=problem, advice=advice)
    return find_unwritable(where, text)


def as_utf8(text: str) -> str:
    """Decode a header field, which was read as ISO 8859-1, as UTF-8 if it is valid UTF-8.

    Servers that do not escape paths send UTF-8.
    """
    try:
        return text.encode('latin-1').decode('utf-8')
    except UnicodeError:
        return text


def find_not_latin(where: str, text: str) -> InvalidInput | None:
    """A character that a header field cannot have, as a fault, or None (RFC 9110 section 5.5).

    >>> find_not_latin('token', 'x☃').problem
    'has a character at position 1 that ISO 8859-1 does not have'
    """
    try:
        text.encode('latin-1')
    except UnicodeEncodeError as error:
        problem = f'has a character at position {error.start} that ISO 8859-1 does not have'
        return InvalidInput(where=where, problem=problem)
    return None


def find_unwritable(where: str, text: str) -> InvalidInput | None:
    """A lone surrogate in the text as a fault, or None."""
    found = _SURROGATE.search(text)
    if found is None:
        return None
    problem = f'contains a lone surrogate at position {found.start()}'
    return InvalidInput(where=where, problem=problem, advice='Remove it: it is not a character')
