"""The answers of repositories, right and wrong."""

import json
from typing import Any

import pytest

from dlmachine.core.faults import DoiNotFound, SourceUnusable
from dlmachine.core.frozen import replace
from dlmachine.core.sources.address import Repositories, Source
from dlmachine.core.sources.inquiry import Answered, Inquiry, advance, begin
from dlmachine.core.sources.listing import Listing, SourceFile, choose_file

USUAL = Repositories()
MD5 = 'd41d8cd98f00b204e9800998ecf8427e'
ZENODO = Source(repository='zenodo', base='https://zenodo.org', record='1', shown='doi:z')
FIGSHARE = Source(repository='figshare', base='https://f', record='1', version='2', shown='doi:f')
DATAVERSE = Source(
    repository='dataverse', base='https://d', record='doi:10.1/X', version='2.0', shown='doi:d'
)
UNKNOWN = Source(repository='doi', base='https://doi.org', record='10.1/a/b c', shown='doi:u')


def chosen(*given: Any) -> Any:
    """The result of a choice."""
    return choose_file(*given)


def told(source: Source, answer: Any) -> Answered:
    """What follows from an answer to the first request."""
    return advance(begin(source), json.dumps(answer), USUAL)


def listed(source: Source, answer: Any) -> Listing:
    """The files in an answer."""
    found = told(source, answer)
    assert isinstance(found, Listing)
    return found


def refused(source: Source, answer: Any) -> str:
    """The problem with an answer."""
    found = told(source, answer)
    assert isinstance(found, SourceUnusable)
    return found.problem.partition(' answered with ')[2]


@pytest.mark.parametrize(
    ('source', 'url'),
    [
        (ZENODO, 'https://zenodo.org/api/records/1'),
        (FIGSHARE, 'https://f/articles/1/versions/2'),
        (
            DATAVERSE,
            'https://d/api/datasets/:persistentId/versions/2.0?persistentId=doi:10.1/X',
        ),
        (UNKNOWN, 'https://doi.org/api/handles/10.1/a/b%20c'),
    ],
)
def test_questions(source: Source, url: str) -> None:
    """Each repository has its own."""
    assert begin(source).url == url


def test_zenodo_in_both_forms() -> None:
    """Of Zenodo and of InvenioRDM; a link that is not one of content is not followed."""
    link = 'https://zenodo.org/api/records/2/files/a/content'
    file = {'key': 'a', 'size': 3, 'checksum': f'md5:{MD5}', 'links': {'self': link}}
    old = listed(ZENODO, {'id': '2', 'conceptdoi': 'x', 'files': [file]})
    assert old.doi == '10.5281/zenodo.2'
    assert (old.files[0].url, str(old.files[0].checksum)) == (link, f'md5:{MD5}')
    links = {'self': 'https://zenodo.org/api/records/2/files/a', 'content': 'javascript:x'}
    entries = {'a': {'key': 'a', 'links': links}}
    pids = {'doi': {'identifier': '10.1/own'}}
    new = listed(ZENODO, {'id': 2, 'pids': pids, 'files': {'entries': entries}})
    assert (new.doi, new.files[0].url, new.files[0].checksum) == ('10.1/own', link, None)
    bucket = {'key': 'a', 'links': {'self': 'https://zenodo.org/api/files/b/a'}}
    assert listed(ZENODO, {'files': [bucket]}).files[0].url == 'https://zenodo.org/api/files/b/a'
    assert listed(ZENODO, {'files': {'entries': [bucket]}}).files[0].name == 'a'
    assert listed(ZENODO, {}).files == ()


def test_figshare_lists_all_files() -> None:
    """By a second request, if there may be more than the first answer has."""
    rows = [{'name': f'{n}', 'download_url': 'https://f/x'} for n in range(10)]
    more = told(FIGSHARE, {'version': 2, 'files': rows})
    assert isinstance(more, Inquiry)
    assert more.url == 'https://f/articles/1/versions/2/files?page_size=1000'
    found = advance(more, json.dumps([*rows, {**rows[0], 'name': 'last'}]), USUAL)
    assert isinstance(found, Listing)
    assert len(found.files) == 11
    # An older installation may not have that list.
    kept = advance(more, None, USUAL)
    assert isinstance(kept, Listing)
    assert len(kept.files) == 10
    assert isinstance(advance(more, '{"x": 1}', USUAL), SourceUnusable)
    assert isinstance(advance(more, '<html>', USUAL), SourceUnusable)
    own = {'name': 'a', 'download_url': 'https://f/x', 'supplied_md5': MD5}
    assert str(listed(FIGSHARE, {'files': [own]}).files[0].checksum) == f'md5:{MD5}'
    assert listed(FIGSHARE, {}).doi == '10.6084/m9.figshare.1'


def page_of(first: int, count: int) -> str:
    """A page of the files of an article."""
    numbers = range(first, first + count)
    return json.dumps([{'name': f'{n}', 'download_url': f'https://f/{n}'} for n in numbers])


def test_figshare_lists_files_in_pages() -> None:
    """Until a page is not full, and not for ever; the same page again is the end, too."""
    rows = json.loads(page_of(0, 10))
    asked = told(FIGSHARE, {'version': 2, 'files': rows})
    urls = []
    for first, count in ((0, 1000), (1000, 1000), (2000, 5)):
        assert isinstance(asked, Inquiry)
        urls.append(asked.url.partition('?')[2])
        asked = advance(asked, page_of(first, count), USUAL)
    assert urls == ['page_size=1000', 'page_size=1000&page=2', 'page_size=1000&page=3']
    assert isinstance(asked, Listing)
    assert [file.name for file in asked.files] == [str(n) for n in range(2005)]
    begun = told(FIGSHARE, {'version': 2, 'files': rows})
    assert isinstance(begun, Inquiry)
    second = advance(begun, page_of(0, 1000), USUAL)
    assert isinstance(second, Inquiry)
    same = advance(second, page_of(0, 1000), USUAL)
    assert isinstance(same, Listing)
    assert len(same.files) == 1000
    last = advance(replace(second, page=100), page_of(1000, 1000), USUAL)
    assert isinstance(last, SourceUnusable)
    assert 'more than 2,000 files' in last.problem


def test_dataverse_gives_the_original_of_a_table() -> None:
    """Under its own name or that of the table."""
    data = {'id': 7, 'originalFileFormat': 'text/csv', 'md5': MD5, 'filesize': 9}
    rows = [
        {'label': 'a.tab', 'dataFile': {**data, 'originalFileName': 'a.csv'}},
        {'label': 'b.tab', 'dataFile': data},
        {'label': 'c', 'dataFile': {'id': 8, 'checksum': {'type': 'SHA-1', 'value': 'ab' * 20}}},
    ]
    title = {'typeName': 'title', 'value': 'T'}
    blocks = {'citation': {'fields': [{'typeName': 'author'}, title]}}
    found = listed(
        DATAVERSE, {'data': {'versionNumber': 2, 'metadataBlocks': blocks, 'files': rows}}
    )
    assert found.title == 'T'
    assert [(file.name, file.other_name) for file in found.files] == [
        ('a.csv', 'a.tab'), ('b.tab', 'b.tab'), ('c', 'c'),
    ]  # fmt: skip
    assert found.files[0].url == 'https://d/api/access/datafile/7?format=original'
    assert found.files[0].size_bytes is None
    assert str(found.files[2].checksum) == f'sha1:{"ab" * 20}'
    assert found.version == '2'
    assert chosen(found, 'a.tab', 'd').unwrap().name == 'a.csv'


BAD: list[tuple[Source, Any, str]] = [
    (ZENODO, [], 'something other than a JSON object'),
    (ZENODO, {'files': 5}, 'something other than a list of files'),
    (ZENODO, {'files': [{}]}, 'a file without a name'),
    (ZENODO, {'files': [5]}, 'a file without a name'),
    (ZENODO, {'files': [{'key': 'a\nb'}]}, 'a file without a name'),
    (ZENODO, {'files': [{'key': '\ud800'}]}, 'a file without a name'),
    (ZENODO, {'files': [{'key': 'a', 'checksum': 'md5:00'}]}, 'a damaged checksum (md5)'),
    (FIGSHARE, {'files': [{'name': 'a'}]}, 'a file without a URL'),
    (FIGSHARE, {'files': [{'name': 'a', 'download_url': 'file:///x'}]}, 'a file without a URL'),
    (DATAVERSE, {'data': []}, 'no data'),
    (DATAVERSE, {'data': {'files': [{'label': 'a'}]}}, 'a file without a number'),
    (UNKNOWN, {'values': []}, 'no URL'),
    (UNKNOWN, {'values': [{'type': 'HS_ADMIN'}]}, 'no URL'),
    (UNKNOWN, {'values': [{'type': 'URL'}]}, 'something other than a URL'),
]


@pytest.mark.parametrize(('source', 'answer', 'problem'), BAD)
def test_bad_answers(source: Source, answer: Any, problem: str) -> None:
    """A member that is missing, or of another type, is a fault of its own."""
    assert refused(source, answer) == problem


def test_a_checksum_that_hashlib_lacks_is_left_out() -> None:
    """The size is still compared."""
    file = {'key': 'a', 'size': 3, 'checksum': 'crc32:00'}
    assert listed(ZENODO, {'files': [file]}).files[0] == SourceFile(
        name='a', url='https://zenodo.org/api/records/1/files/a/content', size_bytes=3
    )


def test_the_end_of_a_doi_may_be_a_file() -> None:
    """The resolver is asked for shorter and shorter ones."""
    first = advance(begin(UNKNOWN), None, USUAL)
    assert isinstance(first, Inquiry)
    assert (first.source.record, first.source.file) == ('10.1/a', 'b c')
    last = advance(first, None, USUAL)
    assert last == DoiNotFound(source='doi:u', where='https://doi.org')
    deep = Source(repository='doi', base='https://h', record='10.1/' + '/'.join('abcdefg'))
    answered: Answered = begin(deep)
    asked = 0
    while isinstance(answered, Inquiry):
        answered, asked = advance(answered, None, USUAL), asked + 1
    assert isinstance(answered, DoiNotFound)
    assert asked == 5


def test_a_doi_leads_to_a_record() -> None:
    """Or to something else, which is refused."""
    value = {'type': 'URL', 'data': {'value': 'https://zenodo.org/records/1'}}
    page = told(UNKNOWN, {'values': [{'type': 'EMAIL'}, value]})
    assert isinstance(page, Inquiry)
    assert page.url == 'https://zenodo.org/api/records/1'
    value = {'type': 'url', 'data': {'value': 'https://doi.org/10.5281/zenodo.1'}}
    assert isinstance(told(UNKNOWN, {'values': [value]}), SourceUnusable)
    assert isinstance(advance(begin(ZENODO), None, USUAL), DoiNotFound)


def test_no_file_of_this_name() -> None:
    """The nearest one is named, if there is one."""
    one = Listing(repository='zenodo', doi='', files=(SourceFile(name='a.csv', url=''),))
    near = chosen(one, 'b.csv', 'd').failure()
    assert (near.problem, near.advice) == (
        'it has no file b.csv; it has 1 file: a.csv', 'Did you mean a.csv?',
    )  # fmt: skip
    assert chosen(one, 'zzz', 'd').failure().advice == 'Name one of its files'
    assert chosen(one, '', 'd').unwrap().name == 'a.csv'
    nothing = Listing(repository='zenodo', doi='')
    assert chosen(nothing, '', 'd').failure().problem == 'it lists no files'


def test_many_names_are_cut() -> None:
    """A message has a few of them."""
    files = tuple(SourceFile(name=f'{n}.csv', url='') for n in range(30))
    many = Listing(repository='zenodo', doi='', files=files)
    assert chosen(many, '', 'd').failure().problem.endswith('19.csv and 10 more')


@pytest.mark.parametrize(
    ('name', 'path'),
    [('a/b', 'a/b'), ('../../etc/passwd', 'etc/passwd'), ('..', 'download'), ('/x', 'x')],
)
def test_paths_are_safe(name: str, path: str) -> None:
    """A record cannot name a file outside the folder."""
    assert SourceFile(name=name, url='').path == path


def test_a_manifest_has_a_head() -> None:
    """Title, version and size, and a checksum for each file that has one."""
    file = {'key': 'a', 'size': 3, 'checksum': f'md5:{MD5}'}
    found = listed(ZENODO, {'id': 1, 'metadata': {'title': 'T'}, 'files': [file, file]})
    assert found.manifest.startswith('# T\n# doi:10.5281/zenodo.1\n# 2 files, 6 bytes\n')
    assert found.entries[0]['checksum'] == f'md5:{MD5}'
