"""DOIs and URLs of records are recognized; all other URLs are those of files."""

from typing import Any

import pytest
from returns.pipeline import is_successful

from dlmachine.core.faults import InvalidInput
from dlmachine.core.http.url import parse_url
from dlmachine.core.sources.address import (
    Repositories,
    Source,
    find_page,
    find_source,
    read_repositories,
)
from dlmachine.core.sources.inquiry import begin

USUAL = Repositories()
EXAMPLE = "Write it like {'zenodo': 'https://sandbox.zenodo.org'}"
ZENODO, FIGSHARE, RESOLVER = 'https://zenodo.org', 'https://api.figshare.com/v2', 'https://doi.org'
FOUND: list[tuple[str, str, str, str, str, str]] = [
    ('doi:10.5281/zenodo.1', 'zenodo', ZENODO, '1', '', ''),
    ('doi:10.5281/ZENODO.1/a/b%20c', 'zenodo', ZENODO, '1', '', 'a/b c'),
    ('doi:10.5072/zenodo.1', 'zenodo', ZENODO, '1', '', ''),
    ('doi:10.6084/m9.figshare.1', 'figshare', FIGSHARE, '1', '', ''),
    ('doi:10.6084/m9.figshare.1.v2/x', 'figshare', FIGSHARE, '1', '2', 'x'),
    ('doi:10.7910/DVN/A/x.tab', 'doi', RESOLVER, '10.7910/DVN/A/x.tab', '', ''),
    ('doi:10.7910/DVN/X/', 'doi', RESOLVER, '10.7910/DVN/X', '', ''),
    ('https://doi.org/10.5281/zenodo.1', 'zenodo', ZENODO, '1', '', ''),
    ('http://dx.doi.org/10.6084/m9.figshare.1', 'figshare', FIGSHARE, '1', '', ''),
    ('https://zenodo.org/records/1', 'zenodo', ZENODO, '1', '', ''),
    ('https://zenodo.org/record/1?preview=1', 'zenodo', ZENODO, '1', '', ''),
    ('https://sandbox.zenodo.org/records/1/', 'zenodo', 'https://sandbox.zenodo.org', '1', '', ''),
    ('https://figshare.com/articles/dataset/A_title/1/2', 'figshare', FIGSHARE, '1', '2', ''),
    ('https://school.figshare.com/articles/dataset/A_title/1', 'figshare', FIGSHARE, '1', '', ''),
    (
        'https://h/dataset.xhtml?persistentId=doi:10.1/X',
        'dataverse',
        'https://h',
        'doi:10.1/X',
        '',
        '',
    ),
    (
        'https://h/a/citation?persistentId=hdl:1/X&version=2.0',
        'dataverse',
        'https://h/a',
        'hdl:1/X',
        '2.0',
        '',
    ),
    (
        'https://h/dataset.xhtml?persistentId=doi:1&version=DRAFT',
        'dataverse',
        'https://h',
        'doi:1',
        '',
        '',
    ),
]


@pytest.mark.parametrize(
    ('url', 'repository', 'base', 'record', 'version', 'file'), FOUND, ids=[row[0] for row in FOUND]
)
def test_sources(
    url: str, repository: str, base: str, record: str, version: str, file: str
) -> None:
    """A normal URL tells repository, number, version and file."""
    normal = str(parse_url(url).unwrap())
    assert find_source(normal, USUAL) == Source(
        repository=repository, base=base, record=record, version=version, file=file, shown=normal
    )


def test_what_is_shown_has_no_secret() -> None:
    """Neither of a DOI nor of a page."""
    for url in ('https://doi.org/10.5281/zenodo.1', 'https://zenodo.org/records/1'):
        source = find_source(f'{url}?token=secret', USUAL)
        assert source is not None
        assert source.shown == f'{url}?token=***'


@pytest.mark.parametrize('url', [
    'https://zenodo.org/records/1/files/a.csv',
    'https://zenodo.org/api/records/1',
    'https://zenodo.org.evil.example/records/1',
    'https://doi.org/10.1000/182',
    'https://doi.org/about',
    'https://api.figshare.com/v2/articles/1',
    'https://api.figshare.com/articles/1',
    'https://h/figshare/articles/1',
    'https://h/articles/figshare/1',
    'https://figshare.com/about',
    'https://h/dataset.xhtml',
    'https://h/dataset.xhtml?id=1',
    'https://h/dataset.xhtml?persistentId=nothing',
    'ftp://zenodo.org/records/1',
    'https://h/x.csv',
])  # fmt: skip
def test_other_urls(url: str) -> None:
    """They are downloaded as they are."""
    assert find_source(url, USUAL) is None


@pytest.mark.parametrize('url', [row[0] for row in FOUND])
def test_a_question_is_not_a_source(url: str) -> None:
    """Otherwise asking would ask for ever."""
    source = find_source(str(parse_url(url).unwrap()), USUAL)
    assert source is not None
    assert find_source(begin(source).url, USUAL) is None


def test_other_installations() -> None:
    """Their bases replace the usual ones, with a path too."""
    other = Repositories(doi='http://h/doi', zenodo='http://h/z', figshare='http://h/f')
    source = find_source('http://h/z/records/5', other)
    assert source == Source(
        repository='zenodo', base='http://h/z', record='5', shown='http://h/z/records/5'
    )
    assert find_source('http://h/y/records/5', other) is None
    by_resolver = find_source('http://h/doi/10.5281/zenodo.5', other)
    assert by_resolver is not None
    assert by_resolver.base == 'http://h/z'
    assert find_source('https://doi.org/10.5281/zenodo.5', other) is not None


def test_a_page_keeps_the_name_of_the_file() -> None:
    """And the words of the caller."""
    known = Source(repository='doi', base='', record='10.1/x', file='a', shown='doi:10.1/x/a')
    page = find_page('https://zenodo.org/records/1', USUAL, known)
    assert page is not None
    assert (page.file, page.shown) == ('a', 'doi:10.1/x/a')
    assert find_page('https://h/', USUAL, known) is None
    assert find_page('https://h/dataset.xhtml?id=1', USUAL, known) is None
    assert find_page('https://h/dataset.xhtml', USUAL, known) is None


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (5, 'must be base URLs by name, not int'),
        ({'zenod': 'https://h'}, 'has a name other than doi, zenodo, figshare'),
    ],
)
def test_bad_bases(given: Any, problem: str) -> None:
    """The fault says what is wrong, and how they are written."""
    read: Any = read_repositories('repositories', given)
    assert read.failure() == InvalidInput(where='repositories', problem=problem, advice=EXAMPLE)


@pytest.mark.parametrize(
    ('given', 'name', 'problem', 'advice'),
    [
        ({'zenodo': 'h'}, 'zenodo', "'h' has no scheme", 'A URL begins with https://, for example'),
        ({'zenodo': 'ftp://h'}, 'zenodo', 'must be an http(s) URL without a query', EXAMPLE),
        ('figshare=https://h?x=1', 'figshare', 'must be an http(s) URL without a query', EXAMPLE),
    ],
)
def test_a_bad_base(given: Any, name: str, problem: str, advice: str) -> None:
    """The fault says which."""
    read: Any = read_repositories('repositories', given)
    where = f"repositories['{name}']"
    assert read.failure() == InvalidInput(where=where, problem=problem, advice=advice)


def test_bases_in_a_text() -> None:
    """They are separated by commas or spaces; a slash at the end does not count."""
    text = 'zenodo=https://h/X/,figshare=https://f doi=http://d/'
    assert read_repositories('repositories', text).unwrap() == Repositories(
        doi='http://d', zenodo='https://h/X', figshare='https://f'
    )


@pytest.mark.parametrize('given', [None, USUAL, {}, ''])
def test_usual_bases(given: Any) -> None:
    """Nothing changes nothing."""
    assert read_repositories('repositories', given).unwrap() == USUAL


@pytest.mark.parametrize('text', ['doi:', 'doi:10.5281', 'doi:zenodo.1', 'doi://10.5281/x'])
def test_what_is_not_a_doi(text: str) -> None:
    """It says what one looks like."""
    parsed: Any = parse_url(text)
    assert not is_successful(parsed)
    assert 'is not a DOI' in parsed.failure().problem
