"""The caches that play the suite, behind one function: a request, and its answer.

Each library is imported only by its own client, because they live in different environments.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

Fields: TypeAlias = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """A response as its caller sees it."""

    status: int
    fields: Fields
    body: str

    def get(self, name: str) -> str | None:
        """The values of a field, joined; None if it is absent."""
        found = [value for known, value in self.fields if known.lower() == name.lower()]
        return ', '.join(found) if found else None


#: Method, URL, fields and body.
Send: TypeAlias = Callable[[str, str, Fields, str | None], Answer]


@contextmanager
def _dlmachine(folder: str, backend: str) -> Iterator[Send]:
    import dlmachine as dm

    options: Any = {'max_per_host': None, 'check_content': False, 'retries': 0}
    with dm.DownloadManager(folder, backend=backend, progress=False, **options) as manager:

        def send(method: str, url: str, fields: Fields, body: str | None) -> Answer:
            outcome = manager.fetch(
                url,
                method=method,
                headers=fields,
                data=body,
                freshness='http',
                any_status=True,
                follow=False,
            )
            if outcome.path is not None:
                content = Path(outcome.path).read_bytes()
            else:
                content = b'' if outcome.buffer is None else outcome.buffer.getvalue()
            return Answer(outcome.status, outcome.headers.items, content.decode('latin-1'))

        yield send


def _by_session(session: Any) -> Send:
    def send(method: str, url: str, fields: Fields, body: str | None) -> Answer:
        joined: dict[str, str] = {}
        for name, value in fields:
            joined[name] = f'{joined[name]}, {value}' if name in joined else value
        response = session.request(
            method, url, headers=joined, data=body, allow_redirects=False, timeout=20
        )
        return Answer(response.status_code, [*response.headers.items()], response.text)

    return send


@contextmanager
def _hishel(folder: str) -> Iterator[Send]:
    import hishel
    import requests
    from hishel.requests import CacheAdapter

    storage = hishel.SqliteStorage(database_path=Path(folder, 'hishel.db'))
    with requests.Session() as session:
        session.mount(
            'http://', CacheAdapter(storage=storage, rfc=hishel.CacheOptions(shared=False))
        )
        yield _by_session(session)


#: The statuses that are cacheable by default (RFC 9110 section 15.1); a stored 304 would be an answer.
_CACHEABLE: Final = (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)


@contextmanager
def _requests_cache(folder: str) -> Iterator[Send]:
    import requests_cache

    with requests_cache.CachedSession(
        str(Path(folder, 'cache')), cache_control=True, allowable_codes=_CACHEABLE
    ) as session:
        yield _by_session(session)


@contextmanager
def _cachecontrol(folder: str) -> Iterator[Send]:
    import requests
    from cachecontrol import CacheControl
    from cachecontrol.caches.file_cache import FileCache

    with requests.Session() as session:
        yield _by_session(CacheControl(session, cache=FileCache(folder)))


#: By its name: the package, and the client with a new cache in a folder.
CLIENTS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    'requests': ('dlmachine', lambda folder: _dlmachine(folder, 'requests')),
    'curl': ('dlmachine', lambda folder: _dlmachine(folder, 'curl')),
    'hishel': ('hishel', _hishel),
    'requests-cache': ('requests-cache', _requests_cache),
    'cachecontrol': ('CacheControl', _cachecontrol),
}
