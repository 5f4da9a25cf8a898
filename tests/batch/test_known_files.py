"""The known files of a batch: they need no thread, and the others are downloaded as ever."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlmachine.batch import known
from dlmachine.core.protocol.progress import (
    BatchStarted,
    DownloadFinished,
    DownloadStarted,
    ProgressEvent,
)
from dlmachine_adapters.folder_index.index import FolderIndexes
from dlmachine_adapters.progress.board import Board
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

COUNT = 150


@pytest.fixture
def urls(server: Server) -> list[str]:
    """More files than are looked at together."""
    return [server.on(f'/{n}.txt', resource(b'%d' % n, etag='"v"')) for n in range(COUNT)]


@pytest.fixture
def folder(make_manager: MakeManager, urls: list[str], tmp_path: Path) -> Path:
    """A folder with these files, recorded long ago."""
    made = tmp_path / 'data'
    make_manager().download_all(urls, made).raise_for_failures()
    time.sleep(0.02)
    # What was recorded a moment after its last change is read once more.
    make_manager(freshness='stored').download_all(urls, made).raise_for_failures()
    return made


def test_no_thread_is_started(
    make_manager: MakeManager,
    server: Server,
    urls: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their results come in the order of the inputs, and no request is sent."""
    monkeypatch.setattr(known, '_MAX_WAIT_SECONDS', 60)
    asked, threads, events = len(server.asked), set[str](), list[ProgressEvent]()
    manager = make_manager(freshness='stored')

    indexes = []
    for item in manager.download_many(urls, folder, progress=events.append):
        assert item.unwrap().path == f'{folder}/{item.index}.txt'
        indexes.append(item.index)
        threads |= {one.name for one in threading.enumerate()}

    assert indexes == list(range(COUNT))
    assert len(server.asked) == asked
    assert not [name for name in threads if name.startswith('dlmachine_')]
    kinds = [type(event) for event in events if hasattr(event, 'index')]
    assert kinds == [DownloadStarted, DownloadFinished] * COUNT


def test_names_are_looked_up_together(
    make_manager: MakeManager, urls: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a list; of an iterator, which may wait for a result, one by one."""
    counts: list[int] = []
    names_of = FolderIndexes.names_of

    def counted(indexes: FolderIndexes, where: str, keys: Any, patience: Any = None) -> Any:
        counts.append(len(keys))
        return names_of(indexes, where, keys, patience)

    monkeypatch.setattr(FolderIndexes, 'names_of', counted)
    manager = make_manager(freshness='stored')

    manager.download_all(urls, folder).raise_for_failures()
    assert counts == [64, 64, COUNT - 128]
    for item in manager.download_many(iter(urls[:3]), folder):
        item.unwrap()
    assert counts[3:] == [1, 1, 1]


def test_only_the_others_are_downloaded(
    make_manager: MakeManager, server: Server, urls: list[str], folder: Path
) -> None:
    """A file that is missing, one that was changed, and one that cannot be requested."""
    (folder / '3.txt').unlink()
    (folder / '70.txt').write_text('edited', encoding='utf-8')
    asked = len(server.asked)
    targets = [*urls, 'gopher://example.org/x']

    results = make_manager(freshness='stored').download_all(targets, folder)

    assert [item.fault.code for item in results.failed] == ['scheme_refused']
    assert sorted(one.path for one in server.asked[asked:]) == ['/3.txt', '/70.txt']
    assert [(folder / f'{n}.txt').read_text(encoding='utf-8') for n in (3, 70)] == ['3', '70']


def test_files_that_may_have_changed_are_read_in_threads(
    make_manager: MakeManager, server: Server, urls: list[str], folder: Path
) -> None:
    """A later time of change does not prove other bytes."""
    for n in range(COUNT):
        os.utime(folder / f'{n}.txt')
    asked = len(server.asked)

    results = make_manager(freshness='stored').download_all(urls, folder)

    assert len(results.ok) == COUNT
    assert len(server.asked) == asked


def count_looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of files that are looked at together, as they come."""
    looked: list[int] = []
    end = known._end

    def counted(chunk: list[Any], *rest: Any) -> list[Any]:
        looked.append(len(chunk))
        return end(chunk, *rest)

    monkeypatch.setattr(known, '_end', counted)
    return looked


def test_where_a_look_takes_long_threads_take_over(
    make_manager: MakeManager,
    server: Server,
    urls: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a network file system."""
    asked, looked = len(server.asked), count_looks(monkeypatch)
    monkeypatch.setattr(known, '_MAX_WAIT_SECONDS', -1)

    results = make_manager(freshness='stored').download_all(urls, folder)

    assert len(results.ok) == COUNT
    assert len(server.asked) == asked
    assert looked == [known._AT_FIRST] * 2


def test_while_looks_are_quick_more_files_are_looked_at_together(
    make_manager: MakeManager, urls: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of many folders may stand in any order: each folder is asked once for several.

    Where a look takes long, they stay few, so that a cancelled batch ends soon.
    """
    looked, manager = count_looks(monkeypatch), make_manager(freshness='stored')
    for name, value in (('_MAX_WAIT_SECONDS', 60), ('_AT_FIRST', 8), ('_MAX_TOGETHER', 32)):
        monkeypatch.setattr(known, name, value)

    for seconds, numbers in ((60, [8, 8, 16, 32, 32]), (-1, [8, 8, 8, 8, 8])):
        monkeypatch.setattr(known, '_LOOK_SECONDS', seconds)
        looked.clear()
        assert len(manager.download_all(urls, folder).ok) == COUNT
        assert looked[:5] == numbers


def test_an_iterator_is_not_read_ahead(
    make_manager: MakeManager, urls: list[str], folder: Path
) -> None:
    """It may wait for the results of earlier inputs."""
    waits = threading.Event()

    def inputs() -> Iterator[str]:
        yield urls[0]
        assert waits.wait(20)
        yield urls[1]

    results = make_manager(freshness='stored').download_many(inputs(), folder)
    first = next(results)
    waits.set()

    assert [first.index, *(item.index for item in results)] == [0, 1]


def test_a_server_that_is_to_be_asked_is_asked(
    make_manager: MakeManager, server: Server, urls: list[str], folder: Path
) -> None:
    """By default, and if a new download is wanted; offline the files are used."""
    for options, count in (({}, COUNT), ({'force_download': True}, COUNT), ({'offline': True}, 0)):
        asked = len(server.asked)
        assert len(make_manager(**options).download_all(urls, folder).ok) == COUNT
        assert len(server.asked) - asked == count


def test_a_display_gets_the_end_only(
    make_manager: MakeManager,
    urls: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has nothing to show of a download that has ended already."""
    told: list[type[ProgressEvent]] = []
    monkeypatch.setattr(Board, 'handle', lambda _, event, __: told.append(type(event)))

    make_manager(progress=True, freshness='stored').download_all(urls, folder)

    assert told == [BatchStarted] + [DownloadFinished] * COUNT
