"""Whole answers of repositories: every member that counts has its place in the listing."""

import json
import time
from typing import Any

import pytest

from dlmachine.core.faults import DoiNotFound, SourceUnusable
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.sources.address import Repositories, Source
from dlmachine.core.sources.inquiry import (
    MAX_ANSWER_BYTES,
    Answered,
    Inquiry,
    advance,
    begin,
)
from dlmachine.core.sources.json_reader import (
    MAX_FILES,
    Unreadable,
    files_of,
    read_object,
    size_of,
    text_of,
)
from dlmachine.core.sources.listing import Listing, SourceFile

USUAL = Repositories()
MD5 = Checksum('md5', 'd41d8cd98f00b204e9800998ecf8427e')
OTHER_MD5 = '0' * 32
MOST = 1 << 60
TRY_LATER = 'Try again later, or use the URL of the file'

ZENODO = Source(repository='zenodo', base='https://z', record='1', shown='doi:z')
FIGSHARE = Source(repository='figshare', base='https://f', record='1', shown='doi:f')
DATAVERSE = Source(repository='dataverse', base='https://d', record='doi:10.1/a:b', shown='doi:d')
DOI = Source(repository='doi', base='https://doi.org', record='10.1/a/b', shown='doi:u')


def told(source: Source, answer: Any) -> Answered:
    """What follows from an answer to the first request."""
    return advance(begin(source), json.dumps(answer), USUAL)


def files_of_dataverse(*files: dict[str, Any]) -> tuple[SourceFile, ...]:
    """The files in an answer of Dataverse."""
    listing = told(DATAVERSE, {'data': {'files': list(files)}})
    assert isinstance(listing, Listing)
    return listing.files


def test_zenodo() -> None:
    """The answer has its own DOI, and links to the contents."""
    content = 'https://z/api/records/2/files/of-a/content'
    links = {'self': 'https://z/api/files/other', 'content': content}
    answer = {
        'id': 2,
        'doi': '10.5281/own',
        'pids': {'doi': {'identifier': '10.5281/other'}},
        'metadata': {'title': 'T', 'version': 'v1'},
        'files': [
            {'key': 'a', 'size': 5, 'checksum': f'md5:{MD5.hex}', 'links': links},
            {'key': 'd/b c'},
        ],
    }
    assert told(ZENODO, answer) == Listing(
        repository='zenodo',
        doi='10.5281/own',
        version='v1',
        title='T',
        files=(
            SourceFile(name='a', url=content, size_bytes=5, checksum=MD5),
            SourceFile(name='d/b c', url='https://z/api/records/2/files/d%2Fb%20c/content'),
        ),
    )


def test_a_number_of_zenodo_is_one_segment() -> None:
    """Whatever the server says."""
    found = told(ZENODO, {'id': '2/x', 'files': [{'key': 'a'}]})
    assert isinstance(found, Listing)
    assert found.files[0].url == 'https://z/api/records/2%2Fx/files/a/content'


def test_figshare() -> None:
    """The computed digest is that of the file; the supplied one may be of another."""
    answer = {
        'doi': '10.6084/m9.own',
        'version': 3,
        'title': 'T',
        'files': [
            {
                'name': 'a',
                'download_url': 'https://f/files/7',
                'size': 5,
                'computed_md5': MD5.hex,
                'supplied_md5': OTHER_MD5,
            }
        ],
    }
    assert told(FIGSHARE, answer) == Listing(
        repository='figshare',
        doi='10.6084/m9.own.v3',
        version='3',
        title='T',
        files=(SourceFile(name='a', url='https://f/files/7', size_bytes=5, checksum=MD5),),
    )


@pytest.mark.parametrize(
    ('given', 'doi'),
    [
        ({'doi': '10.1/a'}, '10.1/a'),
        ({'doi': '10.1/a.v2', 'version': 3}, '10.1/a.v2'),
        ({'doi': '10.1/a.version.v3', 'version': 3}, '10.1/a.version.v3'),
        ({'version': 3}, '10.6084/m9.figshare.1.v3'),
    ],
)
def test_a_doi_of_figshare_names_the_version(given: dict[str, Any], doi: str) -> None:
    """Once, if the version is known."""
    found = told(FIGSHARE, given)
    assert isinstance(found, Listing)
    assert found.doi == doi


@pytest.mark.parametrize(
    ('asked', 'said', 'segment'),
    [('', {}, '1'), ('2', {}, '2'), ('2', {'version': 3}, '3'), ('', {'version': 'a/b'}, 'a%2Fb')],
)
def test_the_files_of_figshare_are_those_of_a_version(
    asked: str, said: dict[str, Any], segment: str
) -> None:
    """Of the one that was read, else of the one that was asked for, else of the first."""
    source = Source(repository='figshare', base='https://f', record='1', version=asked)
    rows = [{'name': 'a', 'download_url': 'https://f/x'}] * 10
    following = told(source, {**said, 'files': rows})
    assert isinstance(following, Inquiry)
    assert following.url == f'https://f/articles/1/versions/{segment}/files?page_size=1000'


def test_dataverse() -> None:
    """The DOI is that of the caller; a folder comes before the name."""
    citation = {
        'fields': [{'typeName': 'title', 'value': 'T'}, {'typeName': 'title', 'value': 'U'}]
    }
    data = {
        'versionNumber': 2,
        'versionMinorNumber': 1,
        'metadataBlocks': {'citation': citation},
        'files': [
            {
                'label': 'a',
                'directoryLabel': '/X/',
                'dataFile': {'id': 7, 'filesize': 5, 'originalFileSize': 6, 'md5': MD5.hex},
            },
        ],
    }
    url = 'https://d/api/access/datafile/7'
    file = SourceFile(name='X/a', url=url, size_bytes=5, checksum=MD5, other_name='X/a')
    assert told(DATAVERSE, {'data': data}) == Listing(
        repository='dataverse', doi='10.1/a:b', version='2.1', title='T', files=(file,)
    )
    assert told(DATAVERSE, {'data': {}}) == Listing(repository='dataverse', doi='10.1/a:b')


def test_tables_of_dataverse() -> None:
    """A converted table has the size of the original, and another name."""
    sizes = {'filesize': 9, 'originalFileSize': 6}
    named = {'id': 7, 'originalFileName': 'a.csv', **sizes}
    unnamed = {'id': 8, 'originalFileFormat': 'text/csv', **sizes}
    found = files_of_dataverse(
        {'label': 'a.tab', 'directoryLabel': 'd', 'dataFile': named},
        {'label': 'b.tab', 'dataFile': unnamed},
    )
    url = 'https://d/api/access/datafile/'
    assert found == (
        SourceFile(
            name='d/a.csv', url=f'{url}7?format=original', size_bytes=6, other_name='d/a.tab'
        ),
        SourceFile(name='b.tab', url=f'{url}8?format=original', size_bytes=6, other_name='b.tab'),
    )


def test_a_checksum_of_dataverse_has_a_type() -> None:
    """Which is MD5 if it is missing; `md5` is the older member."""
    checksum = {'value': MD5.hex}
    files = files_of_dataverse(
        {'label': 'a', 'dataFile': {'id': 1, 'checksum': checksum, 'md5': OTHER_MD5}},
        {'label': 'b', 'dataFile': {'id': 2, 'checksum': {'type': 'SHA-1', 'value': '0' * 40}}},
    )
    assert [file.checksum for file in files] == [MD5, Checksum('sha1', '0' * 40)]


@pytest.mark.parametrize(
    ('source', 'url'),
    [
        (FIGSHARE, 'https://f/articles/1'),
        (
            DATAVERSE,
            (
                'https://d/api/datasets/:persistentId/versions/:latest-published'
                '?persistentId=doi:10.1/a:b'
            ),
        ),
    ],
)
def test_the_latest_version_is_asked_for(source: Source, url: str) -> None:
    """If the caller named none."""
    assert begin(source).url == url


@pytest.mark.parametrize(
    ('source', 'text', 'what'),
    [
        (ZENODO, '<html>', 'something other than a JSON object'),
        (ZENODO, '[' * 100_000, 'something other than a JSON object'),
        (ZENODO, '{"files": 5}', 'something other than a list of files'),
        (ZENODO, '{"files": [{"key": "a", "checksum": "md5:00:00"}]}', 'a damaged checksum (md5)'),
        (DATAVERSE, '{}', 'no data'),
        (DOI, '{}', 'no URL'),
    ],
    ids=['HTML', 'nested', 'number', 'checksum', 'empty', 'no address'],
)
def test_an_answer_that_cannot_be_used(source: Source, text: str, what: str) -> None:
    """The fault names what was asked for, the server, and what is wrong with its answer."""
    inquiry = begin(source)
    problem = f'{inquiry.url} answered with {what}'
    fault = SourceUnusable(source=source.shown, problem=problem, advice=TRY_LATER)
    assert advance(inquiry, text, USUAL) == fault


def test_the_list_of_files_cannot_be_used() -> None:
    """It is a second answer, with faults of its own."""
    url = 'https://f/list?token=secret'
    inquiry = Inquiry(source=FIGSHARE, url=url, listing=Listing(repository='figshare', doi=''))
    shown = 'https://f/list?token=***'
    problem = f'{shown} answered with something other than a JSON object'
    fault = SourceUnusable(source='doi:f', problem=problem, advice=TRY_LATER)
    assert advance(inquiry, '<html>', USUAL) == fault


def test_a_record_that_does_not_exist() -> None:
    """The fault names the server, without secrets."""
    inquiry = Inquiry(source=ZENODO, url='https://z/api?token=secret')
    fault = DoiNotFound(source='doi:z', where='https://z/api?token=***')
    assert advance(inquiry, None, USUAL) == fault


def test_a_doi_leads_to_another_page() -> None:
    """The fault says where."""
    value = {'type': 'URL', 'data': {'value': 'https://h/page'}}
    places = 'which is not a page of Zenodo, figshare or Dataverse'
    assert told(DOI, {'values': [value]}) == SourceUnusable(
        source='doi:u',
        problem=f'it leads to https://h/page, {places}',
        advice='Use the URL of the file itself',
    )


@pytest.mark.parametrize(
    ('value', 'size'),
    [(0, 0), (1, 1), (MOST, MOST), (MOST + 1, None), (-1, None), (True, None), ('5', None)],
)
def test_sizes(value: object, size: int | None) -> None:
    """A number from 0 to the largest that a file system has."""
    assert size_of(value) == size


@pytest.mark.parametrize(
    ('value', 'text'),
    [(MOST, str(MOST)), (-MOST, str(-MOST)), (MOST + 1, ''), (-MOST - 1, ''), (' a ', 'a')],
)
def test_texts(value: object, text: str) -> None:
    """A number as text, too, unless it is out of all reason."""
    assert text_of(value) == text


@pytest.mark.parametrize('digits', ['0' * 30, '0' * 34, 'z' * 32])
def test_a_damaged_checksum(digits: str) -> None:
    """It is not ignored: it has another length, or is not of hex digits."""
    found = told(FIGSHARE, {'files': [
        {'name': 'a', 'download_url': 'https://f/x', 'computed_md5': digits}
    ]})  # fmt: skip
    problem = 'https://f/articles/1 answered with a damaged checksum (md5)'
    assert found == SourceUnusable(source='doi:f', problem=problem, advice=TRY_LATER)


def test_the_longest_list() -> None:
    """One more file is too many."""
    assert len(files_of([None] * MAX_FILES)) == MAX_FILES
    with pytest.raises(Unreadable):
        files_of([None] * (MAX_FILES + 1))


@pytest.mark.timing
@pytest.mark.parametrize('unit', ['[],', '{},', '{"a":1},', '1,', '0.1,', '"a",', '[', '{"a":'])
def test_a_hostile_answer_takes_a_moment(unit: str) -> None:
    """The largest that is downloaded; with too many members it is not parsed."""
    text = f'{{"files":[{unit * (MAX_ANSWER_BYTES // len(unit))}null]}}'
    began = time.process_time()
    assert 'answered with' in str(read_object(text, 'doi:10.1/x', 'https://h/').failure())
    assert time.process_time() - began < 2
