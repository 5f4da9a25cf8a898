"""Detect the beginning of a web page.

Pure. Each byte is read once, so the time is linear whatever a server sends. White space, byte order
marks, comments and processing instructions may precede the first tag; they end as the HTML
standard says (WHATWG, section 13.2.5).
"""

from typing import Final

from dlmachine.core.regex import regex

#: The number of bytes to check. A body whose first tag comes later, or whose comment is still open
#: here, counts as data: no real page begins like that.
MAX_START_BYTES: Final = 65_536

#: Neither white space nor one of the bytes of byte order marks (UTF-8, UTF-16, UTF-32).
_NOT_BLANK: Final = regex(rb'[^ \t\n\r\f\v\xef\xbb\xbf\xfe\xff]')
_COMMENT_END: Final = regex(rb'--!?>')
_INSTRUCTION_END: Final = regex(rb'>')
#: The tags with which pages begin, each as a whole word.
_TAG: Final = regex(
    rb'(?i)<(?:!doctype[ \t\n\r\f\v]*html|html|head|body|title|script|meta)(?=[ \t\n\r\f\v/>]|\Z)'
)
#: One of this many first bytes of a page in UTF-16 or UTF-32 is NUL.
_UNIT_BYTES: Final = 4


def is_page(start: bytes) -> bool:
    """Whether bytes begin as a web page (HTML) does.

    >>> is_page(b' <HTML><head>'), is_page(b'a,b'), is_page(b'<sequence>')
    (True, False, False)
    >>> is_page(b'<?xml version="1.0"?><!-- saved --><!DOCTYPE html>')
    True
    """
    data = start[:MAX_START_BYTES]
    if b'<' not in data:
        return False
    if b'\x00' in data[:_UNIT_BYTES]:
        # Without its NULs, ASCII in UTF-16 or UTF-32 is ASCII.
        data = data.replace(b'\x00', b'')
    return _TAG.match(data, _find_first_tag(data)) is not None


def _find_first_tag(data: bytes) -> int:
    """The position of the first byte after everything that may precede a tag."""
    at = 0
    while True:
        found = _NOT_BLANK.search(data, at)
        if found is None:
            return len(data)
        at = found.start()
        if data.startswith(b'<!--', at):
            # Of its own dashes, because `<!-->` is a comment too.
            end = _COMMENT_END.search(data, at)
        elif data.startswith(b'<?', at):
            end = _INSTRUCTION_END.search(data, at)
        else:
            return at
        if end is None:
            return len(data)
        at = end.end()
