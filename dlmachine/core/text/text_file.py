"""Decode text files that people write with any editor on any system.

Pure. Decodes lists of URLs, manifests, configuration and checksum files.
"""

import json

from returns.result import Failure, Result, Success

#: Enough for half a million URLs; a larger file is not a list or a configuration.
MAX_TEXT_BYTES = 64 * 1024 * 1024


def decode_text(data: bytes) -> Result[str, str]:
    r"""The text with LF line ends, or the problem with its line.

    UTF-8, or UTF-16 and UTF-32 by their byte order mark or by the zeros of their first
    characters (RFC 4627 section 3). NUL and Ctrl-Z at the end (from DOS) are removed, and so are
    byte order marks, also those inside joined files. No other encoding is guessed, because a
    wrong guess would change names and URLs.

    >>> decode_text('http://h/a\r\n'.encode('utf-16')).unwrap()
    'http://h/a\n'
    >>> decode_text(b'good\ncaf\xe9').failure()
    'is not text in UTF-8 (line 2)'
    """
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix('-sig').upper()
        # Without the byte order mark, from which it does not count.
        line = error.object[: error.start].count(b'\n') + 1
        return Failure(f'is not text in {name} (line {line})')
    text = text.replace('\r\n', '\n').replace('\r', '\n').rstrip('\0\x1a')
    return Success(text.replace('\n\ufeff', '\n').removeprefix('\ufeff'))
