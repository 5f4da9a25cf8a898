"""File names from responses, made safe.

Pure. Content-Disposition takes precedence over the last segment of the URL. A safe name is one path
segment that every common file system accepts, without invisible characters, and not reserved.
"""

import re
from functools import lru_cache
from pathlib import PurePath, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from dlmachine.core.http.content_disposition import disposition_name
from dlmachine.core.http.headers import Headers
from dlmachine.core.regex import regex

_UNSAFE: Final = regex(
    r'[\x00-\x1f\x7f-\x9f<>:"|?*\ud800-\udfff\u200e\u200f\u2028-\u202e\u2066-\u2069]'
)
#: Names that are safe already, as most are.
_PLAIN: Final = regex(r'[A-Za-z0-9](?:[A-Za-z0-9_.\-]{0,150}[A-Za-z0-9])?')
_PLAIN_URL: Final = regex(r'https?://[a-z0-9.:\-]+/(?:[A-Za-z0-9_.~\-]+/)*([A-Za-z0-9_.~\-]*)')
#: A masked parameter of a path segment: `;jsessionid=***`.
_MASKED_PARAMETER: Final = regex(r';[^;]*=\*\*\*')
_SEPARATORS: Final = regex(r'[/\\]')
_RESERVED: Final = regex(r'(?i)(con|prn|aux|nul|con(in|out)\$|(com|lpt)[0-9¹²³]) *(\..*)?')
#: Invisible characters (Default_Ignorable_Code_Point of Unicode), except those that change the
#: text direction: these are replaced by something visible.
_INVISIBLE: Final = regex(
    '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f'
    '\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a'
    '\U000e0000-\U000e0fff]'
)
#: The sub-folder for unfinished files, beside a destination and in a cache.
OUR_FOLDER: Final = '.dlmachine'
#: The shared folder, one user's own, and the temporary one if neither could be used.
_OUR_NAMES: Final = r'\.dlmachine(?:-[0-9a-z]{1,32}){0,2}'
_OUR_FOLDERS: Final = regex(_OUR_NAMES, re.IGNORECASE)
#: The same anywhere in a path of this computer.
_BETWEEN: Final = r'[/\\]' if '\\' in str(PurePath('a', 'b')) else '/'
_IN_OUR_FOLDERS: Final = regex(rf'(?:\A|{_BETWEEN}){_OUR_NAMES}(?:\Z|{_BETWEEN})', re.IGNORECASE)
#: The registry and its files, the tag file of a cache, its versions, and our folders.
_OURS: Final = regex(
    r'(?i)cachedir\.tag|cache\.sqlite(-(wal|shm|journal))?|[0-9a-f]{32}-[0-9]+(\.[^/]*)?'
    # The short names of these files on Windows.
    r'|(cache|cached|dlmach|[0-9a-z]{2}[0-9a-f]{4})~[0-9](\.[^/]*)?|' + _OUR_NAMES
)
#: Our folders in a path, and our names at its end; some others, too.
_MAY_BE_OURS: Final = regex(
    rf'(?:\A|{_BETWEEN})(?:{_OUR_NAMES}{_BETWEEN}|(?:{_OURS.pattern.removeprefix("(?i)")}){_BETWEEN}*\Z)',
    re.IGNORECASE,
)

#: The number of cached names: one download needs the same few names dozens of times.
_REMEMBERED: Final = 256
#: Most file systems take 255 bytes; part files and versions need some of them.
MAX_NAME_BYTES: Final = 200
FALLBACK: Final = 'download'


def name_content(headers: Headers, url: str) -> str:
    """The file name of the content: from the response, from the URL, or `download`.

    >>> headers = Headers((('Content-Disposition', 'attachment; filename="../a b.gz"'),))
    >>> name_content(headers, 'http://h/x')
    'a b.gz'
    """
    if 'Content-Disposition' not in headers:
        return name_in_url(url)
    return safe_name(disposition_name(headers.get_all('Content-Disposition'))) or name_in_url(url)


@lru_cache(maxsize=_REMEMBERED)
def name_in_url(url: str) -> str:
    """The file name of the content without a response: from the URL, or `download`.

    >>> name_in_url('http://h/d/t.csv?x=1'), name_in_url('http://h/')
    ('t.csv', 'download')
    """
    return safe_name(_url_name(url)) or FALLBACK


def safe_name(name: str | None) -> str | None:
    r"""Make a name a safe path segment; None if no safe character remains.

    >>> safe_name('..'), safe_name('C:\\x\\nul.txt'), safe_name('a:b?.txt'), safe_name('.bashrc')
    (None, '_nul.txt', 'a_b_.txt', '_.bashrc')
    >>> safe_name('-rf'), safe_name('cache.sqlite'), safe_name('a\u200bb')
    ('_-rf', '_cache.sqlite', 'ab')
    """
    if name and _PLAIN.fullmatch(name):
        return _unreserved(name)
    last = _INVISIBLE.sub('', _SEPARATORS.split(name or '')[-1])
    cleaned = _UNSAFE.sub('_', last).strip(' ').rstrip('. ')
    if not cleaned.strip('._ '):
        return None
    # A shortened name may end in a dot or a space, or be reserved.
    return _unreserved(_shorten(_unreserved(cleaned)).rstrip('. '))


def _unreserved(name: str) -> str:
    # A server could plant a .bashrc, which programs read, or a name that a command takes for an
    # option.
    is_special = name.startswith(('.', '-', '~')) or is_device_name(name)
    return f'_{name}' if is_special or is_reserved_name(name) else name


def is_device_name(name: str) -> bool:
    """Whether Windows would take a file with this name for a device.

    >>> [is_device_name(name) for name in ('nul.txt', 'COM1', 'null')]
    [True, True, False]
    """
    return _RESERVED.fullmatch(name) is not None


def is_reserved_name(name: str) -> bool:
    """Whether dlmachine would take a file with this name in its folders for its own.

    Case is ignored, as many file systems do.

    >>> [is_reserved_name(name) for name in ('cache.sqlite-wal', '.DLMACHINE', 'cache.csv')]
    [True, True, False]
    """
    return _OURS.fullmatch(name) is not None


def may_be_ours(path: str) -> bool:
    """Whether a path may lead into a folder of dlmachine, or have a name of its own: a quick look.

    >>> [may_be_ours(path) for path in ('/d/.dlmachine/x', '/d/CACHE.sqlite/', '/d/cache.csv')]
    [True, True, False]
    """
    return _MAY_BE_OURS.search(path) is not None


def is_our_folder(name: str) -> bool:
    """Whether a folder with this name holds parts and locks, of this or another user.

    >>> [is_our_folder(name) for name in ('.dlmachine', '.dlmachine-1000', '.dlmachines')]
    [True, True, False]
    """
    return _OUR_FOLDERS.fullmatch(name) is not None


def is_in_our_folder(path: str) -> bool:
    """Whether a path leads into a folder that holds parts and locks, or is one.

    >>> [is_in_our_folder(path) for path in ('/d/.DLmachine/x', 'd/.dlmachine', '.dlmachines/x')]
    [True, True, False]
    """
    return _IN_OUR_FOLDERS.search(path) is not None


@lru_cache(maxsize=_REMEMBERED)
def extension(name: str) -> str | None:
    """The whole extension without its dot: `vcf.gz`, `tar.zst`, `csv`; None without one.

    Before the suffix of a compression, one more suffix belongs to the extension, unless it looks
    like a part of a version.

    >>> extension('a.vcf.gz'), extension('a.CSV'), extension('v1.2.gz'), extension('.hidden')
    ('vcf.gz', 'csv', 'gz', None)
    """
    suffixes = _suffixes(name)
    is_compressed = len(suffixes) > 1 and suffixes[-1] in _COMPRESSIONS
    return (
        '.'.join(suffixes[-2:] if is_compressed and _is_kind(suffixes[-2]) else suffixes[-1:])
        or None
    )


@lru_cache(maxsize=_REMEMBERED)
def outer_extension(name: str) -> str | None:
    """The extension of the format that a file begins with; a compressed tar is one format.

    >>> outer_extension('a.vcf.gz'), outer_extension('a.tar.gz'), outer_extension('a.csv')
    ('gz', 'tar.gz', 'csv')
    """
    suffixes = _suffixes(name)
    is_tar = suffixes[-1:] and suffixes[-2:-1] == ('tar',) and suffixes[-1] in _COMPRESSIONS
    return '.'.join(suffixes[-2:] if is_tar else suffixes[-1:]) or None


@lru_cache(maxsize=_REMEMBERED)
def _suffixes(name: str) -> tuple[str, ...]:
    suffixes = tuple(name.rpartition('/')[2].lstrip('.').lower().split('.')[1:])
    return suffixes if suffixes and _SUFFIX.fullmatch(suffixes[-1]) else ()


def _is_kind(suffix: str) -> bool:
    return suffix in _NUMBERED_KINDS or _KIND.fullmatch(suffix) is not None


_SUFFIX: Final = regex(r'[a-z0-9_\-]{1,16}')
_COMPRESSIONS: Final = frozenset({
    'gz', 'bgz', 'bz2', 'xz', 'zst', 'zstd', 'lz4', 'lzma', 'br', 'z',
})  # fmt: skip
#: The suffix of a kind of content: letters only, so that `p14` and `0` are not taken for one.
_KIND: Final = regex(r'[a-z]{2,10}')
_NUMBERED_KINDS: Final = frozenset({
    'gff2', 'gff3', 'gtf2', 'bed3', 'bed6', 'bed9', 'bed12', 'h5', 'h5ad', 'h5mu', 'a3m', 'n3',
})  # fmt: skip


def _url_name(url: str) -> str:
    plain = _PLAIN_URL.fullmatch(url)
    if plain is not None:
        return plain[1]
    if url[:5] == 'data:':
        from dlmachine.core.text.serverless import data_name  # Imported late: it is rare.

        return data_name(url)
    try:
        last = urlsplit(url).path.rpartition('/')[2]
        return unquote(_MASKED_PARAMETER.sub('', last))
    except ValueError:
        return ''


def _shorten(name: str) -> str:
    encoded = name.encode('utf-8')
    if len(encoded) <= MAX_NAME_BYTES:
        return name
    suffix = PurePosixPath(name).suffix.encode('utf-8')[:16]
    kept = encoded[: MAX_NAME_BYTES - len(suffix)].decode('utf-8', 'ignore')
    return kept + suffix.decode('utf-8', 'ignore')
