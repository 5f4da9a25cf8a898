"""Text files that people make, by any editor on any system: bytes into text.

Pure. Lists of URLs, manifests, configuration and lists of checksums all come through here.
"""

import json

from returns.result import Failure, Result, Success

#: Larger files are no list or configuration; half a million URLs fit.
MAX_TEXT_BYTES = 64 * 1024 * 1024


def decode_text(data: bytes) -> Result[str, str]:
    r"""The text with LF as its ends of lines; or what is wrong, with the line.

    UTF-8, or UTF-16 and UTF-32 by their byte order mark or by the zeros of their first
    characters (RFC 4627 section 3). NUL and Ctrl-Z at the end, as DOS put them there, go, and
    so do byte order marks, of files that were joined too. Nothing else is guessed: bytes in
    an unknown encoding would become other names and other URLs.

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
        line = data[: error.start].count(b'\n') + 1
        return Failure(f'is not text in {name} (line {line})')
    text = text.replace('\r\n', '\n').replace('\r', '\n').rstrip('\0\x1a')
    return Success(text.replace('\n\ufeff', '\n').removeprefix('\ufeff'))
