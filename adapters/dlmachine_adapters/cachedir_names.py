"""How cachedir names things: item ids, file names, dates.

Contract: pure functions; they repeat what cachedir does, and the tests compare them with it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import md5
from typing import Final

from dlmachine.core.body import NoBody
from dlmachine.core.descriptor import Descriptor
from dlmachine.core.url import parse_url

#: Our key goes to cachedir as this parameter, and nothing else does: its own serialisation
#: sorts lists and loses types, so that two requests could share an entry.
KEY_PARAMETER: Final = 'dlmachine'
_DATE: Final = '%Y-%m-%d %H:%M:%S'


def item_id_of(key: str) -> str:
    """The item id of `cache.search(params={'dlmachine': key})`."""
    return _md5(f'[{KEY_PARAMETER}={key}]')


def foreign_item_ids(descriptor: Descriptor) -> Iterator[tuple[str, str]]:
    """Under which ids others may have stored the same: item id and the URL it stands for.

    A plain `cache.create(url)`, and dlmachine 0.0.3. Only for a GET that a URL and a query
    describe in full.
    """
    if descriptor.method != 'GET' or descriptor.headers or descriptor.body != NoBody():
        return
    for url in _spellings(descriptor.url):
        if not descriptor.query:
            yield _md5(f'[_uri={url}]'), url
        query = ','.join(sorted(f'{name}={value}' for name, value in descriptor.query))
        shown = f',query=[{query}]' if query else ''
        yield _md5(f'[_uri={url},dl_params=[headers=[]{shown}]]'), url


def to_local(at: datetime) -> str:
    """An instant as cachedir writes it: local time, without a zone."""
    return at.astimezone().strftime(_DATE)


def from_local(text: object) -> datetime:
    """A date of cachedir's as an instant; one that can not be read is very old."""
    try:
        return datetime.strptime(str(text), _DATE).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _spellings(url: str) -> Iterator[str]:
    yield url
    parsed = parse_url(url).unwrap()
    if parsed.path == '/' and not parsed.query:
        yield url.removesuffix('/')


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
