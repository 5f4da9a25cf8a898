"""The downloads whose calls are counted: warm, over the loopback, of files of 16 KiB."""

import email.utils
import json
import logging  # noqa: F401 -- as in most programs: a log that nobody reads costs calls, too
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from dlmachine.manager import DownloadManager
from tests.calls.counting import Count, count_calls
from tests.servers.http import Asked, Server, Wire

_FILES: Final = 9
BUDGETS: Final = Path(__file__).with_name('budgets.json')

Work = Callable[[str], object]
#: Makes ready for downloads of the URLs in a folder; returns what is counted for the later ones.
Prepare = Callable[[list[str], DownloadManager, Path], Work]


def budgets() -> dict[str, dict[str, int]]:
    """The most calls of each work, by group, and the returns to a room."""
    read: dict[str, dict[str, int]] = json.loads(BUDGETS.read_text(encoding='utf-8'))
    return read


def count_work(name: str) -> Count:
    """Count the calls of one download: the fewest of several, for some wait for the network."""
    backend, prepare = WORKS[name]
    # Links are resolved folder by folder, so the depth of the folder counts.
    with (
        TemporaryDirectory(prefix='dlmachine-calls-') as name_of_folder,
        Server() as server,
        _manager(Path(name_of_folder, 'cache'), backend) as manager,
    ):
        folder = Path(name_of_folder)
        urls = [
            server.on(f'/{number}.txt', partial(_respond, number)) for number in range(2 * _FILES)
        ]
        work = prepare(urls, manager, folder)
        counts = [count_calls(partial(work, url)) for url in urls[_FILES:]]
    return min(counts, key=lambda count: count.total)


def _respond(number: int, _: Asked, wire: Wire) -> None:
    # In one piece: how a response is cut up must not be left to chance.
    body = bytes([65 + number]) * 16384
    head = (
        'HTTP/1.1 200 OK',
        f'Date: {email.utils.formatdate(usegmt=True)}',
        'Cache-Control: max-age=86400',
        f'ETag: "{number}"',
        f'Content-Length: {len(body)}',
    )
    wire.send('\r\n'.join([*head, '', '']).encode() + body)


@contextmanager
def _manager(folder: Path, backend: str) -> Iterator[DownloadManager]:
    with DownloadManager(str(folder), progress=False, backend=backend) as manager:
        yield manager


def _miss(urls: list[str], manager: DownloadManager, _: Path) -> Work:
    for url in urls[:_FILES]:
        manager.download(url)
    return manager.download


def _hit(urls: list[str], manager: DownloadManager, _: Path) -> Work:
    return _known(manager.download, urls)


def _fresh(freshness: str, urls: list[str], manager: DownloadManager, _: Path) -> Work:
    return _known(manager.with_options(freshness=freshness).download, urls)


def _recorded(urls: list[str], manager: DownloadManager, folder: Path) -> Work:
    stored = manager.with_options(freshness='stored')
    paths = {url: f'{folder}/{url.rpartition("/")[2]}' for url in urls}

    def work(url: str) -> object:
        return stored.download(url, paths[url])

    return _known(work, urls)


def _decided(prepare: Prepare) -> Prepare:
    def without_memo(urls: list[str], manager: DownloadManager, folder: Path) -> Work:
        manager._world.hits.keep = lambda *_: None  # type: ignore[method-assign]
        return prepare(urls, manager, folder)

    return without_memo


def _known(work: Work, urls: list[str]) -> Work:
    for _ in range(3):
        for url in urls:
            work(url)
        time.sleep(0.02)  # What changed just now could change again without another time.
    return work


def _session(urls: list[str], __: DownloadManager, folder: Path) -> Work:
    import requests

    session = requests.Session()

    def work(url: str) -> None:
        with session.get(url, stream=True, timeout=60) as response:
            response.raise_for_status()
            with open(f'{folder}/{url.rpartition("/")[2]}', 'wb') as file:
                file.writelines(response.iter_content(65536))

    for url in urls[:_FILES]:
        work(url)
    return work


WORKS: Final[Mapping[str, tuple[str, Prepare]]] = {
    'GET into the cache, curl': ('curl', _miss),
    'GET into the cache, requests': ('requests', _miss),
    'Session.get to a file': ('requests', _session),
    'hit': ('curl', _hit),
    'hit, decided anew': ('curl', _decided(_hit)),
    'fresh hit, http': ('curl', partial(_fresh, 'http')),
    'fresh hit, http, decided anew': ('curl', _decided(partial(_fresh, 'http'))),
    'fresh hit, 7d': ('curl', partial(_fresh, '7d')),
    'fresh hit, 7d, decided anew': ('curl', _decided(partial(_fresh, '7d'))),
    'recorded file': ('curl', _recorded),
    'recorded file, decided anew': ('curl', _decided(_recorded)),
}
