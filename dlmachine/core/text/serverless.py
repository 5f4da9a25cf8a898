"""URLs that name no server: DOIs, local files (`file:`), contents (`data:`), and stores (`s3:` …).

Pure. RFC 8089 for files, RFC 2397 for contents.
"""

from base64 import b64decode
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from returns.result import Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.regex import regex
from dlmachine.core.text.percent import PATH_SAFE, QUERY_SAFE, normal_escapes, without_dots
from dlmachine.core.text.stores import STORES, parse_store

#: A DOI: its prefix and its suffix.
_DOI: Final = regex(r'(10\.[0-9.]{4,20})(/.+)')
#: A file: perhaps this computer, or the name of another one, and the path.
_FILE: Final = regex(r'(?://([^/]*)|(?!//))(/.*)')
_DATA_EXAMPLE: Final = 'A data: URL looks like data:text/csv,a%2Cb or data:;base64,YSxi'
_FILE_EXAMPLE: Final = 'The URL of a local file looks like file:///data/table.csv'
_DEFAULT_TYPE: Final = 'text/plain;charset=US-ASCII'
#: The extensions of what data: URLs usually hold.
_EXTENSIONS: Final = {
    'application/gzip': '.gz', 'application/json': '.json', 'application/pdf': '.pdf',
    'application/xml': '.xml', 'application/zip': '.zip', 'image/gif': '.gif',
    'image/jpeg': '.jpg', 'image/png': '.png', 'image/svg+xml': '.svg', 'text/csv': '.csv',
    'text/html': '.html', 'text/plain': '.txt', 'text/tab-separated-values': '.tsv',
    'text/xml': '.xml',
}  # fmt: skip


class Serverless(NamedTuple):
    """The parts of such a URL in normal form."""

    scheme: str
    host: str
    path: str
    query: str = ''
    userinfo: str = ''


class Content(NamedTuple):
    """What a data: URL holds: its media type, and its bytes."""

    media_type: str
    data: bytes


def parse_serverless(text: str, where: str) -> Result[Serverless, Fault] | None:
    """Parse the URL of a DOI, a file, a content or a store; None for any other.

    Faults: `InvalidInput`.

    >>> parse_serverless('file://localhost/a/../b c', 'url').unwrap().path
    '/b%20c'
    >>> parse_serverless('data:,a b', 'url').unwrap().path
    ',a%20b'
    """
    rest = text.partition(':')[2]
    match text.partition(':')[0].lower():
        case scheme if scheme in STORES:
            return parse_store(scheme, rest, where).map(lambda found: Serverless(scheme, *found))
        case 'doi':
            return _parse_doi(rest, where)
        case 'data':
            return _parse_data(rest, where)
        case 'file':
            return _parse_file(rest, where)
    return None


def read_data_url(path: str) -> Content | None:
    """The content of a data: URL from its `Url.path`; None if it is malformed (RFC 2397).

    >>> read_data_url('text/csv;base64,YSxi')
    Content(media_type='text/csv', data=b'a,b')
    >>> read_data_url(',a%2Cb')
    Content(media_type='text/plain;charset=US-ASCII', data=b'a,b')
    """
    media_type, comma, coded = path.partition(',')
    if not comma:
        return None
    data = unquote_to_bytes(coded)
    before, mark, coding = media_type.rpartition(';')
    if mark and coding.strip(' ').lower() == 'base64':
        media_type = before.rstrip(' ')
        letters = b''.join(data.split()).rstrip(b'=')
        try:
            data = b64decode(letters + b'=' * (-len(letters) % 4), validate=True)
        except ValueError:
            return None
    if media_type.startswith(';'):
        media_type = f'text/plain{media_type}'
    return Content(media_type or _DEFAULT_TYPE, data)


def data_name(url: str) -> str:
    """The file name of the content of a data: URL, by its media type; the content may be masked.

    >>> data_name('data:text/csv;charset=utf-8,***'), data_name('data:,***'), data_name('data:x/y,')
    ('data.csv', 'data.txt', 'data')
    """
    media_type = url.partition(':')[2].partition(',')[0].partition(';')[0].strip().lower()
    return f'data{_EXTENSIONS.get(media_type or "text/plain", "")}'


def _parse_doi(rest: str, where: str) -> Result[Serverless, Fault]:
    found = _DOI.fullmatch(rest)
    if found is None:
        advice = 'A DOI looks like doi:10.5281/zenodo.1234567'
        return refuse(where, f'{shown_value(rest)} is not a DOI', advice)
    return Success(Serverless('doi', found[1], normal_escapes(found[2], PATH_SAFE)))


def _parse_data(rest: str, where: str) -> Result[Serverless, Fault]:
    path = normal_escapes(rest.partition('#')[0], QUERY_SAFE)
    if ',' not in path:
        return refuse(where, 'is a data: URL without the comma before its content', _DATA_EXAMPLE)
    if read_data_url(path) is None:
        return refuse(where, 'is a data: URL whose content is not base64', _DATA_EXAMPLE)
    return Success(Serverless('data', '', path))


def _parse_file(rest: str, where: str) -> Result[Serverless, Fault]:
    for mark, written in (('?', '%3F'), ('#', '%23')):
        if mark in rest:
            advice = f'In the name of a file it is written {written}'
            return refuse(where, f'is the URL of a file, and contains {mark}', advice)
    found = _FILE.fullmatch(rest)
    if found is None:
        return refuse(where, 'is the URL of a file without an absolute path', _FILE_EXAMPLE)
    host = found[1] or ''
    if host and host.lower() != 'localhost':
        problem = f'names a file of another computer, {shown_value(host.rpartition("@")[2])}'
        return refuse(where, problem, _FILE_EXAMPLE)
    path = without_dots(normal_escapes(found[2], PATH_SAFE))
    if '%00' in path:
        return refuse(
            where, 'is the URL of a file, and contains %00, which no file name can contain'
        )
    return Success(Serverless('file', '', path or '/'))
