"""DOIs and records of Zenodo, figshare and Dataverse, from servers that speak their APIs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.faults import DoiNotFound, SourceUnusable
from dlmachine.errors import IntegrityError, OfflineMissError, RequestError, ServerError
from dlmachine.manager import DownloadManager
from tests.servers import repositories
from tests.servers.behaviours import resource, respond
from tests.servers.http import Server
from tests.servers.repositories import FILES, answer, bases, md5_of

MakeManager = Callable[..., DownloadManager]
TABLE, ABOUT = FILES['table.csv'], FILES['read me.txt']


@pytest.fixture
def known(make_manager: MakeManager, server: Server, tmp_path: Path) -> DownloadManager:
    """A manager with a cache, for the repositories of the test's server."""
    return make_manager(path=tmp_path / 'cache', repositories=bases(server))


def read(manager: DownloadManager, url: str, **options: Any) -> bytes:
    """Read the content of a URL, by way of the cache."""
    return Path(str(manager.download(url, **options))).read_bytes()


def paths(server: Server) -> list[str]:
    """The paths that were asked for, without those of files."""
    return [one.path for one in server.asked if 'content' not in one.path]


def test_one_file_of_a_record(known: DownloadManager, server: Server) -> None:
    """It is verified by the checksum of the record, and found again without a request."""
    repositories.zenodo(server, 42)
    outcome = known.fetch('doi:10.5281/zenodo.42/table.csv')
    assert Path(str(outcome.path)).read_bytes() == TABLE
    record = outcome.record
    assert record is not None
    assert (record.url, record.filename) == ('doi:10.5281/zenodo.42/table.csv', 'table.csv')
    assert record.verified_by == (('md5', 'zenodo'),)
    assert dict(record.source) == {
        'repository': 'zenodo',
        'doi': '10.5281/zenodo.42',
        'version': 'v42',
        'file': 'table.csv',
    }
    asked = len(server.asked)
    assert read(known, 'doi:10.5281/zenodo.42/table.csv', offline=True) == TABLE
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    'url',
    [
        'doi:10.5281/zenodo.42/read%20me.txt',
        'DOI:10.5281/Zenodo.42/read me.txt',
        'https://doi.org/10.5281/zenodo.42/read me.txt',
        'doi:10.6084/m9.figshare.42/read me.txt',
        'doi:10.6084/m9.figshare.42.v2/read me.txt',
        'doi:10.7910/DVN/ABC/data/read me.txt',
        'doi:10.1234/other.5/read me.txt',
    ],
)
def test_every_spelling(known: DownloadManager, server: Server, url: str) -> None:
    """Of every repository, known by the DOI or by where it leads."""
    repositories.zenodo(server, 42)
    repositories.figshare(server, 42)
    page = repositories.dataverse(server, '10.7910/DVN/ABC')
    repositories.handle(server, '10.7910/DVN/ABC', page)
    repositories.handle(server, '10.1234/other.5', server.url('/zenodo/records/42'))
    assert read(known, url) == ABOUT


@pytest.mark.parametrize('kind', ['zenodo', 'figshare', 'dataverse'])
def test_the_page_of_a_record_with_one_file(
    known: DownloadManager, server: Server, kind: str
) -> None:
    """Its file is downloaded in place of the page; of a converted table, the original."""
    files = {'table.csv': TABLE}
    repositories.zenodo(server, 42, files)
    repositories.figshare(server, 42, files)
    page = repositories.dataverse(server, '10.7910/DVN/ABC', files)
    url = {
        'zenodo': server.url('/zenodo/records/42'),
        'figshare': 'https://figshare.com/articles/dataset/More_data/42/2',
        'dataverse': page,
    }[kind]
    outcome = known.fetch(url)
    assert outcome.record is not None
    assert Path(str(outcome.path)).read_bytes() == TABLE
    assert outcome.record.filename == 'table.csv'
    assert dict(outcome.record.source)['repository'] == kind


def test_a_concept_names_its_latest_version(known: DownloadManager, server: Server) -> None:
    """The record says which; another check finds a newer one, by its other checksum."""
    repositories.zenodo(server, 42)
    repositories.concept(server, 40, 42)
    url = 'doi:10.5281/zenodo.40/table.csv'
    first = known.fetch(url).record
    repositories.zenodo(server, 43, {'table.csv': b'new', 'other': b''})
    repositories.concept(server, 40, 43)
    again = known.fetch(url, check_freshness=True).record
    assert first is not None
    assert again is not None
    assert [dict(one.source)['doi'] for one in (first, again)] == [
        '10.5281/zenodo.42',
        '10.5281/zenodo.43',
    ]
    assert again.size_bytes == 3


def test_every_spelling_is_one_entry(known: DownloadManager, server: Server) -> None:
    """One request, and one copy, also offline; another version is another entry."""
    repositories.zenodo(server, 42)
    path = known.download('doi:10.5281/zenodo.42/table.csv')
    asked = len(server.asked)
    for url in ('https://doi.org/10.5281/Zenodo.42/table.csv', 'DOI:10.5281/ZENODO.42/table.csv'):
        assert known.download(url, offline=True) == path
    assert len(server.asked) == asked
    repositories.zenodo(server, 43)
    assert known.download('doi:10.5281/zenodo.43/table.csv') != path


def test_the_record_of_a_concept_is_shown(
    known: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """With DOI, version and file, in the record beside a file and in that of the cache."""
    repositories.zenodo(server, 42)
    repositories.concept(server, 40, 42)
    url = 'doi:10.5281/zenodo.40/table.csv'
    known.download(url, f'{tmp_path}/t.csv')
    known.download(url)
    expected = [('doi', '10.5281/zenodo.42'), ('version', 'v42'), ('file', 'table.csv')]
    for stored in (known.info(tmp_path / 't.csv'), known.info(url)):
        record: Any = None if stored is None else stored.record
        assert [pair for pair in record.source if pair[0] != 'repository'] == expected


def test_a_doi_is_a_name_of_its_entry(known: DownloadManager, server: Server) -> None:
    """Where a path or a URL is expected."""
    repositories.zenodo(server, 42)
    url = 'doi:10.5281/zenodo.42/table.csv'
    known.download(url)
    found = known.info(url)
    assert found is not None
    assert found.url == url
    known.pin(url)
    assert {one.url: one.is_pinned for one in known.cache_entries()}[url]


def test_many_files_ask_once(known: DownloadManager, server: Server) -> None:
    """With a cache the list of files is kept."""
    files = {f'{number}.csv': bytes([number]) for number in range(12)}
    repositories.figshare(server, 42, files)
    urls = [f'doi:10.6084/m9.figshare.42/{name}' for name in files]
    results = known.download_all(urls)
    assert not results.failed
    asked = [one.target for one in server.asked if '/articles/' in one.target]
    assert asked == [
        '/figshare/articles/42',
        '/figshare/articles/42/versions/2/files?page_size=1000',
    ]


def test_resolve_gives_a_manifest(known: DownloadManager, server: Server, tmp_path: Path) -> None:
    """Which can be downloaded and locked, without another question."""
    repositories.zenodo(server, 42)
    found = known.resolve('doi:10.5281/zenodo.42')
    assert [(file.name, file.size_bytes) for file in found.files] == [
        (name, len(body)) for name, body in FILES.items()
    ]
    assert (found.doi, found.version, found.title) == ('10.5281/zenodo.42', 'v42', 'Some data')
    assert not known.download_all(found.entries, f'{tmp_path}/data/').failed
    assert (tmp_path / 'data' / 'read me.txt').read_bytes() == ABOUT
    manifest = tmp_path / 'downloads.toml'
    manifest.write_text(found.manifest)
    asked = paths(server)
    report = known.lock(manifest)
    report.raise_for_failures()
    assert report.is_written
    assert paths(server) == asked
    (one,) = known.resolve('doi:10.5281/zenodo.42/table.csv').files
    assert one.name == 'table.csv'


def test_an_entry_of_a_manifest_may_be_a_doi(
    known: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """It is locked like any other."""
    repositories.zenodo(server, 42)
    manifest = tmp_path / 'downloads.toml'
    manifest.write_text('[[download]]\nurl = "doi:10.5281/zenodo.42/table.csv"\npath = "t.csv"\n')
    report = known.lock(manifest)
    report.raise_for_failures()
    known.sync(manifest, f'{tmp_path}/data/').raise_for_failures()
    assert (tmp_path / 'data' / 't.csv').read_bytes() == TABLE


def test_a_folder_gets_the_name_of_the_file(
    known: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """Even if only the record names it."""
    repositories.figshare(server, 42, {'table.csv': TABLE})
    path = known.download('doi:10.6084/m9.figshare.42', f'{tmp_path}/data/')
    assert Path(str(path)).name == 'table.csv'


def test_plan_and_probe(known: DownloadManager, server: Server) -> None:
    """A plan asks nobody; a probe asks the repository, and then for the file."""
    repositories.zenodo(server, 42)
    plan = known.plan('doi:10.5281/zenodo.42/table.csv')
    assert server.asked == []
    assert f'read {server.url("/zenodo/api/records/42")}, which lists the files' in str(plan)
    (row,) = known.audit(['doi:10.5281/zenodo.42/table.csv'])
    assert row.fault is None
    assert known.probe('doi:10.5281/zenodo.42/table.csv').size_bytes == len(TABLE)
    with pytest.raises(RequestError, match='it has 2 files'):
        known.probe('doi:10.5281/zenodo.42')


def test_rules_of_the_repository_hold(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """For the list of the files, and for a file."""
    repositories.zenodo(server, 42)
    rule = {'match': f'{server.url("/**")}', 'headers': {'X-Team': 'genes'}}
    manager = make_manager(path=tmp_path, repositories=bases(server), rules=[rule])
    manager.download('doi:10.5281/zenodo.42/table.csv')
    assert [one.get('X-Team') for one in server.asked] == ['genes', 'genes']


def test_credentials_go_to_the_named_repository_only(
    known: DownloadManager, server: Server
) -> None:
    """Not to one that a DOI leads to."""
    repositories.zenodo(server, 42)
    repositories.handle(server, '10.1234/other.5', server.url('/zenodo/records/42'))
    auth = {'bearer': 'planted'}
    known.download('doi:10.1234/other.5/table.csv', auth=auth)
    assert {one.get('Authorization') for one in server.asked} == {None}
    server.asked.clear()
    known.download('doi:10.5281/zenodo.42/table.csv', auth=auth)
    assert {one.get('Authorization') for one in server.asked} == {'Bearer planted'}


BAD: list[tuple[str, str, str]] = [
    ('doi:10.5281/zenodo.7/x.csv', 'does not exist', 'Check the DOI for typing errors'),
    ('doi:10.1234/nothing', 'does not exist', 'Check the DOI for typing errors'),
    ('doi:10.5281/zenodo.42', 'it has 2 files: table.csv, read me.txt', 'zenodo.42/table.csv'),
    ('doi:10.5281/zenodo.42/tabel.csv', 'it has no file tabel.csv', 'Did you mean table.csv?'),
    ('doi:10.5281/zenodo.42/zzz', 'it has no file zzz', 'Name one of its files'),
    ('doi:10.5281/zenodo.50', 'it lists no files', 'may be restricted'),
    ('doi:10.5281/zenodo.51', 'something other than a JSON object', 'Try again later'),
    ('doi:10.5281/zenodo.52', 'a damaged checksum (md5)', 'Try again later'),
    ('doi:10.1234/article', 'which is not a page of Zenodo', 'Use the URL of the file'),
    ('doi:zenodo.42', 'is not a DOI', 'doi:10.5281/zenodo.1234567'),
]


@pytest.mark.parametrize(('url', 'problem', 'advice'), BAD, ids=[row[1] for row in BAD])
def test_bad_input_has_its_own_fault(
    known: DownloadManager, server: Server, url: str, problem: str, advice: str
) -> None:
    """That says what to do; nothing is stored."""
    repositories.zenodo(server, 42)
    repositories.zenodo(server, 50, {})
    server.on('/zenodo/api/records/51', resource(b'<html>busy</html>'))
    answer(server, '/zenodo/api/records/52', {'files': [{'key': 'a', 'checksum': 'md5:x'}]})
    repositories.handle(server, '10.1234/article', 'https://journal.example/1')
    with pytest.raises(RequestError) as caught:
        known.download(url)
    assert problem in str(caught.value)
    assert advice in str(caught.value)


def test_what_is_not_a_record_cannot_be_resolved(known: DownloadManager, server: Server) -> None:
    """A URL of a file needs no list."""
    with pytest.raises(RequestError, match='not a DOI or the page of a record'):
        known.resolve(server.url('/x.csv'))
    with pytest.raises(RequestError) as caught:
        known.resolve('doi:10.5281/zenodo.9')
    assert isinstance(caught.value.fault, DoiNotFound)
    assert not isinstance(caught.value.fault, SourceUnusable)


def test_trouble_of_the_repository_is_its_own(known: DownloadManager, server: Server) -> None:
    """It is tried again like any download, and reported as what it is."""
    server.on('/zenodo/api/records/42', respond(503))
    with pytest.raises(ServerError) as caught:
        known.download('doi:10.5281/zenodo.42', retries=1, retry_wait=0)
    assert caught.value.status == 503
    assert len(server.asked) == 2
    with pytest.raises(OfflineMissError):
        known.download('doi:10.5281/zenodo.42', offline=True)


def test_bytes_that_the_record_does_not_promise_are_refused(
    known: DownloadManager, server: Server
) -> None:
    """By the checksum, and by the size if there is none."""
    repositories.zenodo(server, 42)
    path = '/zenodo/api/records/42/files/table.csv/content'
    server.on(path, resource(b'other'))
    with pytest.raises(IntegrityError, match=md5_of(TABLE)):
        known.download('doi:10.5281/zenodo.42/table.csv', retries=0)
    row = {'key': 'table.csv', 'size': 6, 'links': {'self': server.url(path)}}
    answer(server, '/zenodo/api/records/43', {'id': 43, 'files': [row]})
    with pytest.raises(ServerError):
        known.download('doi:10.5281/zenodo.43', retries=0)
    wanted = f'md5:{md5_of(b"other")}'
    assert read(known, 'doi:10.5281/zenodo.43', checksum=wanted, min_bytes=1) == b'other'


def test_without_a_cache(make_manager: MakeManager, server: Server) -> None:
    """The list of files is in memory."""
    repositories.zenodo(server, 42)
    manager = make_manager(repositories=bases(server))
    got: Any = manager.download('doi:10.5281/zenodo.42/table.csv', dest=False)
    assert got.read() == TABLE
