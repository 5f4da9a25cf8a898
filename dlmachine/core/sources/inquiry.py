"""The requests that find the files of a record, in their order.

Pure. `begin` gives the first request, `advance` takes its answer and gives the next one, the files,
or a fault. An answer is the text of a response, or None if the server has no such record.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from returns.pipeline import is_successful

from dlmachine.core.faults import DoiNotFound, Fault, SourceUnusable
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.sources import dataverse, figshare, zenodo
from dlmachine.core.sources.address import MAX_PAGES, MAX_SEGMENTS, Repositories, Source, find_page
from dlmachine.core.sources.json_reader import (
    Unreadable,
    files_of,
    member,
    read_object,
    text_of,
    unreadable,
    url_of,
)
from dlmachine.core.sources.listing import Listing

#: The longest answers list some ten thousand files.
MAX_ANSWER_BYTES: Final = 32 << 20
_ADDRESSES: Final[Mapping[str, Callable[[Source], str]]] = {
    'zenodo': zenodo.address,
    'figshare': figshare.address,
    'dataverse': dataverse.address,
}
_READERS: Final[Mapping[str, Callable[[dict[str, Any], Source], Listing]]] = {
    'zenodo': zenodo.read,
    'figshare': figshare.read,
    'dataverse': dataverse.read,
}


@frozen
class Inquiry:
    """A request for the files of a source; `listing` is what earlier answers said.

    `page` is the number of the page that is asked for, if the files are listed in pages.
    """

    source: Source
    url: str
    listing: Listing | None = None
    page: int = 0


Answered: TypeAlias = Inquiry | Listing | Fault


def begin(source: Source) -> Inquiry:
    """The first request.

    >>> begin(Source(repository='zenodo', base='https://zenodo.org', record='42')).url
    'https://zenodo.org/api/records/42'
    """
    if source.repository == 'doi':
        url = f'{source.base}/api/handles/{quote(source.record)}'
    else:
        url = _ADDRESSES[source.repository](source)
    return Inquiry(source=source, url=url)


def advance(inquiry: Inquiry, text: str | None, repositories: Repositories) -> Answered:
    """The next request, the files of the record, or why there are none."""
    source = inquiry.source
    if text is None:
        return _without(inquiry)
    server = redact_url(inquiry.url)
    try:
        if inquiry.listing is not None:
            # The long list of figshare has no object around it.
            found = read_object(f'{{"files":{text}}}', source.shown, server)
        else:
            found = read_object(text, source.shown, server)
        if not is_successful(found):
            fault: Fault = found.failure()
            return fault
        answer = found.unwrap()
        if source.repository == 'doi':
            return _follow(inquiry, answer, repositories)
        if inquiry.listing is not None:
            return _with_page(inquiry, inquiry.listing, answer)
        listing = _READERS[source.repository](answer, source)
    except Unreadable as problem:
        return unreadable(source.shown, server, str(problem))
    if source.repository == 'figshare' and len(listing.files) >= figshare.FIRST_FILES:
        url = figshare.files_address(source, answer)
        return replace(inquiry, url=url, listing=listing, page=1)
    return listing


def _with_page(inquiry: Inquiry, known: Listing, answer: dict[str, Any]) -> Answered:
    new = tuple(figshare.read_file(one) for one in files_of(answer['files']))
    is_first = inquiry.page == 1
    # A server that knows no pages answers with the same files again.
    is_again = not is_first and new[:1] == known.files[:1]
    files = known.files if is_again else new if is_first else known.files + new
    listing = replace(known, files=files)
    if is_again or len(new) < figshare.PAGE_FILES:
        return listing
    if inquiry.page == MAX_PAGES:
        raise Unreadable(f'more than {len(files):,} files')
    url = figshare.page_address(inquiry.url, inquiry.page + 1)
    return replace(inquiry, url=url, listing=listing, page=inquiry.page + 1)


def _without(inquiry: Inquiry) -> Answered:
    source = inquiry.source
    if inquiry.listing is not None:
        return inquiry.listing
    if source.repository != 'doi':
        return DoiNotFound(source=source.shown, where=redact_url(inquiry.url))
    # The end of the DOI may be the path of a file.
    doi, _, name = source.record.rpartition('/')
    file = f'{name}/{source.file}' if source.file else name
    if '/' not in doi or file.count('/') >= MAX_SEGMENTS:
        return DoiNotFound(source=source.shown, where=source.base)
    return begin(replace(source, record=doi, file=file))


def _follow(inquiry: Inquiry, answer: object, repositories: Repositories) -> Answered:
    source = inquiry.source
    for one in files_of(member(answer, 'values')):
        if text_of(member(one, 'type')).upper() != 'URL':
            continue
        url = url_of(member(one, 'data', 'value'))
        if url is None:
            raise Unreadable('something other than a URL')
        page = find_page(url, repositories, source)
        if page is not None:
            return begin(page)
        problem = (
            f'it leads to {redact_url(url)}, which is not a page of Zenodo, figshare or Dataverse'
        )
        advice = 'Use the URL of the file itself'
        return SourceUnusable(source=source.shown, problem=problem, advice=advice)
    raise Unreadable('no URL')
