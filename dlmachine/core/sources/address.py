"""DOIs and URLs of records: which repository has them, and under which number.

Pure. `doi:10.5281/zenodo.1/x.csv` is the file `x.csv` of a record. Where a DOI does not tell its
repository, the resolver of DOIs is asked where it leads.
"""

from dataclasses import fields
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.request import HTTP_SCHEMES
from dlmachine.core.http.url import parse_url
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import redact_url

_ZENODO_DOI: Final = regex(r'(?i)10\.\d{4,9}/zenodo\.(\d{1,12})(?:/(.+))?')
_FIGSHARE_DOI: Final = regex(r'(?i)10\.6084/m9\.figshare\.(\d{1,12})(?:\.v(\d{1,6}))?(?:/(.+))?')
#: Paths of pages: `/records/1`, and `/articles/dataset/Title/1/2` with an optional version.
_ZENODO_PAGE: Final = regex(r'/records?/(\d{1,12})/?')
_FIGSHARE_PAGE: Final = regex(r'/articles/(?:[^/]+/){0,2}?(\d{1,12})(?:/(\d{1,6}))?/?')
_DATAVERSE_PAGE: Final = regex(r'(.*)/(?:dataset\.xhtml|citation)')
_DATAVERSE_ID: Final = regex(r'(?i)(?:doi|hdl):[^\s?#]{1,200}')
#: The segments at the end of a DOI that may be the path of a file.
MAX_SEGMENTS: Final = 4
#: The most pages of a list of files.
MAX_PAGES: Final = 100
#: The most requests for one record.
MAX_REQUESTS: Final = MAX_SEGMENTS + 2 + MAX_PAGES
#: The parameter of a dataset.
_ID: Final = 'persistentId='
_DOI_HOSTS: Final = ('doi.org', 'dx.doi.org', 'www.doi.org')


@frozen
class Repositories:
    """The base URLs of the repositories: `doi` is the resolver, `figshare` the API."""

    doi: str = 'https://doi.org'
    zenodo: str = 'https://zenodo.org'
    figshare: str = 'https://api.figshare.com/v2'


NAMES: Final = tuple(one.name for one in fields(Repositories))


@frozen
class Source:
    """A record, or a DOI whose repository is not known yet (`repository` is then `doi`).

    `base` is the URL of the API, `record` the number or DOI in it; `version` and `file` are those
    that were asked for, if any. `shown` is what the caller wrote, for messages.
    """

    repository: str
    base: str
    record: str
    version: str = ''
    file: str = ''
    shown: str = ''


def read_repositories(where: str, given: object) -> Result[object, Fault]:
    """Parse base URLs by name, also from text; None for the usual ones.

    Faults: `InvalidInput`.

    >>> read_repositories('repositories', 'zenodo=https://sandbox.zenodo.org/').unwrap().zenodo
    'https://sandbox.zenodo.org'
    """
    if given is None or isinstance(given, Repositories):
        return Success(given or Repositories())
    if isinstance(given, str):
        given = dict(word.partition('=')[::2] for word in given.replace(',', ' ').split())
    if not isinstance(given, dict):
        return refuse(where, f'must be base URLs by name, not {type(given).__name__}', _EXAMPLE)
    found: dict[str, str] = {}
    for name, base in given.items():
        if name not in NAMES:
            return refuse(where, f'has a name other than {", ".join(NAMES)}', _EXAMPLE)
        parsed = parse_url(base, f'{where}[{name!r}]')
        if not is_successful(parsed):
            return Failure(parsed.failure())
        if parsed.unwrap().scheme not in HTTP_SCHEMES or parsed.unwrap().query:
            return refuse(f'{where}[{name!r}]', 'must be an http(s) URL without a query', _EXAMPLE)
        found[name] = str(parsed.unwrap()).rstrip('/')
    return Success(Repositories(**found))


_EXAMPLE: Final = "Write it like {'zenodo': 'https://sandbox.zenodo.org'}"


def find_source(url: str, repositories: Repositories) -> Source | None:
    """What a URL in normal form refers to; None if it is the URL of a file, as most are.

    >>> find_source('doi:10.5281/zenodo.42/a%20b.csv', Repositories()).file
    'a b.csv'
    >>> find_source('https://zenodo.org/records/42', Repositories()).record
    '42'
    >>> find_source('https://zenodo.org/records/42/files/a.csv', Repositories()) is None
    True
    """
    # Most URLs are those of files, and a look at their text is enough.
    is_doi = url[:4] == 'doi:'
    if not (is_doi or '/record' in url or '/10.' in url or 'figshare' in url or _ID in url):
        return None
    if is_doi:
        return _of_doi(unquote(url[4:]), url, repositories)
    parts = urlsplit(url)
    if parts.scheme not in HTTP_SCHEMES:
        return None
    if parts.hostname in _DOI_HOSTS or url.startswith(f'{repositories.doi}/10.'):
        prefix = len(urlsplit(repositories.doi).path) if parts.hostname not in _DOI_HOSTS else 0
        found = _of_doi(unquote(parts.path[prefix + 1 :]), url, repositories)
        # The DOI of an article leads to a page, which can be downloaded like any other.
        return None if found is None or found.repository == 'doi' else found
    return _of_page(url, repositories)


def _of_doi(doi: str, url: str, repositories: Repositories) -> Source | None:
    if not doi.startswith('10.'):
        return None
    if found := _ZENODO_DOI.fullmatch(doi):
        repository, base = 'zenodo', repositories.zenodo
        record, version, file = found[1], '', found[2]
    elif found := _FIGSHARE_DOI.fullmatch(doi):
        repository, base = 'figshare', repositories.figshare
        record, version, file = found.groups()
    else:
        repository, base, record, version, file = 'doi', repositories.doi, doi.rstrip('/'), '', ''
    return Source(
        repository=repository,
        base=base,
        record=record,
        version=version or '',
        file=file or '',
        shown=redact_url(url),
    )


def normal_doi(url: str) -> str:
    """One spelling of the file of a DOI, whose case does not count (ISO 26324).

    Any other URL in normal form is returned unchanged, and so is a DOI whose repository is unknown:
    it does not tell where the name of the file begins.

    >>> normal_doi('https://doi.org/10.5281/Zenodo.42/A.csv'), normal_doi('https://h/10.5281')
    ('doi:10.5281/zenodo.42/A.csv', 'https://h/10.5281')
    """
    if url[:4] == 'doi:':
        name = url[4:]
    elif 'doi.org/10.' in url and urlsplit(url).hostname in _DOI_HOSTS:
        name = url.partition('doi.org/')[2]
    else:
        return url
    found = _ZENODO_DOI.fullmatch(name) or _FIGSHARE_DOI.fullmatch(name)
    if found is None:
        return url
    at = found.start(found.re.groups) if found[found.re.groups] else len(name)
    return f'doi:{name[:at].lower()}{name[at:]}'


def find_page(url: str, repositories: Repositories, known: Source) -> Source | None:
    """The record of the page that a DOI leads to; None if it is not that of a repository."""
    found = _of_page(url, repositories)
    return None if found is None else replace(found, file=known.file, shown=known.shown)


def _of_page(url: str, repositories: Repositories) -> Source | None:
    parts = urlsplit(url)
    host, shown = parts.hostname or '', redact_url(url)
    base = f'{parts.scheme}://{parts.netloc}'
    for own in (repositories.zenodo, base if _is_at(host, 'zenodo.org') else ''):
        if url.startswith(f'{own}/'):
            found = _ZENODO_PAGE.fullmatch(urlsplit(url[len(own) :]).path)
            if found is not None:
                return Source(repository='zenodo', base=own, record=found[1], shown=shown)
    if _is_at(host, 'figshare.com') and not host.startswith('api.'):
        found = _FIGSHARE_PAGE.fullmatch(parts.path)
        if found is not None:
            return Source(
                repository='figshare',
                base=repositories.figshare,
                record=found[1],
                version=found[2] or '',
                shown=shown,
            )
    found = _DATAVERSE_PAGE.fullmatch(parts.path)
    if found is None:
        return None
    asked = parse_qs(parts.query)
    record, version = asked.get('persistentId', [''])[-1], asked.get('version', [''])[-1]
    if not _DATAVERSE_ID.fullmatch(record):
        return None
    return Source(
        repository='dataverse',
        base=base + found[1],
        record=record,
        version=version if version.replace('.', '').isdigit() else '',
        shown=shown,
    )


def _is_at(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f'.{domain}')
