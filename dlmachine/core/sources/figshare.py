"""Read the articles of figshare.  Pure."""

from typing import Any, Final
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
    url_of,
)
from dlmachine.core.sources.listing import Listing, SourceFile

#: Files in one answer; the article itself lists fewer, and further ones are on later pages.
FIRST_FILES: Final = 10
PAGE_FILES: Final = 1_000


def address(source: Source) -> str:
    """The URL of an article; without a version it is the latest one."""
    version = f'/versions/{source.version}' if source.version else ''
    return f'{source.base}/articles/{source.record}{version}'


def files_address(source: Source, answer: dict[str, Any]) -> str:
    """The URL of the first page of files of the version that was read."""
    version = quote(text_of(answer.get('version')) or source.version or '1', safe='')
    path = f'articles/{source.record}/versions/{version}/files'
    return f'{source.base}/{path}?page_size={PAGE_FILES}'


def page_address(first: str, page: int) -> str:
    """The URL of a later page, by that of the first one.

    >>> page_address('https://h/files?page_size=1000', 2)
    'https://h/files?page_size=1000&page=2'
    """
    return f'{first.partition("&page=")[0]}&page={page}'


def read(answer: dict[str, Any], source: Source) -> Listing:
    """Read an article.  Raises: Unreadable.

    >>> source = Source(repository='figshare', base='https://h', record='1')
    >>> file = {'name': 'x', 'download_url': 'https://h/f', 'size': 5}
    >>> read({'doi': '10.6084/m9.figshare.1', 'version': 3, 'files': [file]}, source).doi
    '10.6084/m9.figshare.1.v3'
    """
    version = text_of(answer.get('version'))
    doi = text_of(answer.get('doi')) or f'10.6084/m9.figshare.{source.record}'
    if version and not doi.rpartition('.v')[2].isdigit():
        doi = f'{doi}.v{version}'
    return Listing(
        repository='figshare',
        doi=doi,
        version=version,
        title=text_of(answer.get('title')),
        files=tuple(read_file(one) for one in files_of(answer.get('files'))),
    )


def read_file(one: object) -> SourceFile:
    """Read a file.  Raises: Unreadable."""
    name, url = name_of(member(one, 'name')), url_of(member(one, 'download_url'))
    if url is None:
        raise Unreadable('a file without a URL')
    digits = text_of(member(one, 'computed_md5')) or text_of(member(one, 'supplied_md5'))
    return SourceFile(
        name=name,
        url=url,
        size_bytes=size_of(member(one, 'size')),
        checksum=checksum_of('md5', digits),
    )
