"""Read the records of Zenodo, and of other installations of InvenioRDM.  Pure."""

from typing import Any
from urllib.parse import quote

from dlmachine.core.sources.address import Source
from dlmachine.core.sources.json_reader import (
    checksum_of,
    files_of,
    member,
    name_of,
    size_of,
    text_of,
    url_of,
)
from dlmachine.core.sources.listing import Listing, SourceFile


def address(source: Source) -> str:
    """The URL of a record; that of all versions redirects to the latest one."""
    return f'{source.base}/api/records/{source.record}'


def read(answer: dict[str, Any], source: Source) -> Listing:
    """Read a record.  Raises: Unreadable.

    >>> source = Source(repository='zenodo', base='https://h', record='1')
    >>> found = read({'id': 2, 'files': [{'key': 'a b.csv', 'size': 5}]}, source)
    >>> found.doi, found.files[0].url
    ('10.5281/zenodo.2', 'https://h/api/records/2/files/a%20b.csv/content')
    """
    record = text_of(answer.get('id')) or source.record
    listed = answer.get('files')
    if isinstance(listed, dict):
        entries = listed.get('entries')
        listed = list(entries.values()) if isinstance(entries, dict) else entries
    files = tuple(_file(one, source.base, record) for one in files_of(listed))
    doi = text_of(answer.get('doi')) or text_of(member(answer, 'pids', 'doi', 'identifier'))
    return Listing(
        repository='zenodo',
        doi=doi or f'10.5281/zenodo.{record}',
        version=text_of(member(answer, 'metadata', 'version')),
        title=text_of(member(answer, 'metadata', 'title')),
        files=files,
    )


def _file(one: object, base: str, record: str) -> SourceFile:
    name = name_of(member(one, 'key'))
    algorithm, _, digits = text_of(member(one, 'checksum')).partition(':')
    content = url_of(member(one, 'links', 'content')) or url_of(member(one, 'links', 'self'))
    is_content = content is not None and (content.endswith('/content') or '/api/files/' in content)
    made = f'{base}/api/records/{quote(record, safe="")}/files/{quote(name, safe="")}/content'
    return SourceFile(
        name=name,
        url=content if content is not None and is_content else made,
        size_bytes=size_of(member(one, 'size')),
        checksum=checksum_of(algorithm, digits),
    )
