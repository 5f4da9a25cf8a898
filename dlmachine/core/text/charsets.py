"""Charsets that dlmachine decodes.  Pure."""

from typing import Final

#: The charsets that servers name. Python has other codecs that are not for text, raise other
#: errors, or are not linear.
TEXT_CHARSETS: Final = frozenset({
    'utf-8', 'utf8', 'us-ascii', 'ascii', 'latin1', 'koi8-r', 'gbk', 'gb2312', 'gb18030', 'big5',
    'shift_jis', 'euc-jp', 'euc-kr', *(f'iso-8859-{part}' for part in (1, 2, 5, 7, 9, 15)),
    *(f'windows-{page}' for page in range(1250, 1259)),
})  # fmt: skip
