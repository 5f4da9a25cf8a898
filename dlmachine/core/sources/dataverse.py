"""Read the datasets of Dataverse.

Pure. Of a table that Dataverse has converted, the original file is taken: its checksum is known.
"""

from typing import Any
from urllib.parse import quote

from dlmachine.core.sources.address import Source
from dlmachine.core.sources.json_reader import (
    Unreadable,
    checksum_of,
    files_of,
    member,
    name_of,
    size_of,
    text_of,
)
from dlmachine.core.sources.listing import Listing, SourceFile


def address(source: Source) -> str:
    """The URL of a version of a dataset; without one it is the latest published."""
    version = source.version or ':latest-published'
    identity = quote(source.record, safe=':/')
    return f'{source.base}/api/datasets/:persistentId/versions/{version}?persistentId={identity}'


def read(answer: dict[str, Any], source: Source) -> Listing:
    """Read a version of a dataset.  Raises: Unreadable.

    >>> source = Source(repository='dataverse', base='https://h', record='doi:10.1/x')
    >>> file = {'label': 'a.csv', 'directoryLabel': 'd', 'dataFile': {'id': 7}}
    >>> answer = {'data': {'versionNumber': 2, 'versionMinorNumber': 1, 'files': [file]}}
    >>> found = read(answer, source)
    >>> found.version, found.files[0].name, found.files[0].url
    ('2.1', 'd/a.csv', 'https://h/api/access/datafile/7')
    """
    data = answer.get('data')
    if not isinstance(data, dict):
        raise Unreadable('no data')
    numbers = (text_of(data.get('versionNumber')), text_of(data.get('versionMinorNumber')))
    citation = files_of(member(data, 'metadataBlocks', 'citation', 'fields'))
    titles = (text_of(member(one, 'value')) for one in citation if _is_title(one))
    return Listing(
        repository='dataverse',
        doi=source.record.partition(':')[2],
        version='.'.join(number for number in numbers if number),
        title=next(titles, ''),
        files=tuple(_file(one, source.base) for one in files_of(data.get('files'))),
    )


def _is_title(field: object) -> bool:
    return text_of(member(field, 'typeName')) == 'title'


def _file(one: object, base: str) -> SourceFile:
    file = member(one, 'dataFile')
    number, label = size_of(member(file, 'id')), name_of(member(one, 'label'))
    if number is None:
        raise Unreadable('a file without a number')
    folder = text_of(member(one, 'directoryLabel')).strip('/')
    path = f'{folder}/' if folder else ''
    original = text_of(member(file, 'originalFileName'))
    is_converted = bool(original or text_of(member(file, 'originalFileFormat')))
    algorithm = text_of(member(file, 'checksum', 'type')) or 'md5'
    digits = text_of(member(file, 'checksum', 'value')) or text_of(member(file, 'md5'))
    size = member(file, 'originalFileSize' if is_converted else 'filesize')
    return SourceFile(
        name=path + (original or label),
        url=f'{base}/api/access/datafile/{number}' + ('?format=original' if is_converted else ''),
        size_bytes=size_of(size),
        checksum=checksum_of(algorithm, digits),
        other_name=path + label,
    )
