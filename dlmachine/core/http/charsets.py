"""Charsets by which foreign text is decoded.  Pure."""

from typing import Final

#: Those that servers name. Not every codec of Python's is meant for this, nor fails in one way
#: only, nor is linear.
TEXT_CHARSETS: Final = frozenset({
    'utf-8', 'utf8', 'us-ascii', 'ascii', 'latin1', 'koi8-r', 'gbk', 'gb2312', 'gb18030', 'big5',
    'shift_jis', 'euc-jp', 'euc-kr', *(f'iso-8859-{part}' for part in (1, 2, 5, 7, 9, 15)),
    *(f'windows-{page}' for page in range(1250, 1259)),
})  # fmt: skip
