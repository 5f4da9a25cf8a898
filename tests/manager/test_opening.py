"""`manager.open`: the file stays open as long as anything refers to it."""

import bz2
import gc
import gzip
import io
import lzma
import sqlite3
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlmachine.errors import RequestError
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

TEXT = b'a\tb\n1\t2\n'
LINES = ['a\tb\n', '1\t2\n']


def zipped() -> bytes:
    """A zip archive with two members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr('a.tsv', TEXT)
        archive.writestr('b.tsv', TEXT * 2)
    return buffer.getvalue()


def tarred(mode: str = 'w') -> bytes:
    """A tar archive with the same members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in (('a.tsv', TEXT), ('b.tsv', TEXT * 2)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _no_leak() -> Iterator[None]:
    """Fail if the garbage collector warns of an open file."""
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        yield
        gc.collect()


ARCHIVES: list[tuple[str, Callable[[], bytes], Any]] = [
    ('t.zip', zipped, TEXT.decode()),
    ('t.tar', tarred, TEXT),
    ('t.tar.gz', lambda: tarred('w:gz'), TEXT),
    ('t.tgz', lambda: tarred('w:gz'), TEXT),
    ('t.tar.bz2', lambda: tarred('w:bz2'), TEXT),
    ('t.tar.xz', lambda: tarred('w:xz'), TEXT),
]


@pytest.mark.parametrize(('name', 'make', 'text'), ARCHIVES, ids=[row[0] for row in ARCHIVES])
def test_a_member_outlives_its_archive(
    manager: DownloadManager, server: Server, name: str, make: Callable[[], bytes], text: Any
) -> None:
    """In one expression, by name, from a loop, from a generator, in binary, and after closing."""
    url = server.on(f'/{name}', resource(make()))

    assert manager.open(url)['a.tsv'].read() == text
    member = manager.open(url, default_mode='rb')['b.tsv']
    gc.collect()
    assert member.read() == TEXT * 2
    assert [file.read() for file in manager.open(url).values()] == [text, text * 2]
    lines = (line for file in manager.open(url).values() for line in file)
    assert len(list(lines)) == 6
    assert len(list(manager.open(url, large=False))) == 2
    opened = manager.open(url)
    manager.close()
    assert sorted(opened) == ['a.tsv', 'b.tsv']
    reader = iter(opened.pop('a.tsv'))
    del opened
    gc.collect()
    assert next(reader) == text.splitlines(keepends=True)[0]


@pytest.mark.parametrize(
    ('name', 'data'),
    [('t.tsv', TEXT), ('t.tsv.gz', gzip.compress(TEXT)), ('t.tsv.bz2', bz2.compress(TEXT)), ('t.tsv.xz', lzma.compress(TEXT))],
)  # fmt: skip
def test_lines_outlive_their_opener(
    manager: DownloadManager, server: Server, name: str, data: bytes
) -> None:
    """All of them, some of them, none of them."""
    url = server.on(f'/{name}', resource(data))

    assert list(manager.open(url)) == LINES
    assert list(manager.open(url, default_mode='rb')) == [line.encode() for line in LINES]
    assert next(iter(manager.open(url))) == LINES[0]
    manager.open(url)
    some = manager.open(url)
    assert next(some) == LINES[0]
    some.close()


def test_a_file_is_closed_with_its_last_reference(manager: DownloadManager, server: Server) -> None:
    """Immediately, without the garbage collector."""
    url = server.on('/t.zip', resource(zipped()))
    handles = Path('/proc/self/fd')
    if not handles.exists():
        pytest.skip('open files are not listed here')
    manager.download(url)

    def count() -> int:
        return sum(
            '.zip' in str(path.readlink()) for path in handles.iterdir() if path.is_symlink()
        )

    gc.disable()
    try:
        member = manager.open(url)['a.tsv']
        assert count() == 1
        del member
        assert count() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ('name', 'pack'),
    [('t.vcf.gz', gzip.compress), ('t.tsv.bgz', gzip.compress), ('t.csv.xz', lzma.compress)],
)
def test_a_cached_file_keeps_its_whole_extension(
    make_manager: MakeManager, server: Server, tmp_path: Path, name: str, pack: Any
) -> None:
    """It is opened by the outer one, and an entry that was stored with only that stays a hit."""
    url = server.on(f'/{name}', resource(pack(TEXT)))
    manager = make_manager(tmp_path / 'cache')
    path = Path(str(manager.download(url)))
    outer = name.rpartition('.')[2]

    assert path.name.endswith(f'-1.{name.partition(".")[2]}')
    assert list(manager.open(url)) == LINES
    earlier = path.rename(path.with_name(f'{path.name.partition(".")[0]}.{outer}'))
    with sqlite3.connect(tmp_path / 'cache' / 'cache.sqlite') as registry:
        registry.execute('UPDATE main SET ext = ?', (outer,))
    registry.close()
    assert manager.download(url) == str(earlier)
    assert list(manager.open(url)) == LINES
    assert len(server.asked) == 1


def test_an_invalid_archive_is_an_error(manager: DownloadManager, server: Server) -> None:
    """The error is that of zipfile, and no file stays open."""
    url = server.on('/t', resource(TEXT))
    with pytest.raises(zipfile.BadZipFile):
        manager.open(url, ext='zip')


@pytest.mark.parametrize('dest', ['x', Path('x'), False])
def test_a_destination_is_refused_by_name(manager: DownloadManager, dest: Any) -> None:
    """`open` always uses the cache."""
    with pytest.raises(RequestError, match='dest.* is not an option of open'):
        manager.open('http://127.0.0.1:1/x', dest=dest)


def test_options_of_the_manager_do_not_change_what_open_needs(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Its downloads go to memory, but `open` uses the cache."""
    url = server.on('/t.tsv', resource(TEXT))
    manager = make_manager(tmp_path / 'cache', dest=False)

    assert list(manager.open(url, dest=None)) == LINES
    assert list(manager.open(url, dest=True)) == LINES


@pytest.mark.parametrize(('call', 'name'), [('download', 'large'), ('plan', 'ext'), ('fetch', 'encoding'), ('open', 'workers'),
                                            ('open', 'executor'), ('plan', 'workers'), ('open', 'nonsense')])  # fmt: skip
def test_an_option_of_another_call_is_refused_by_name(
    manager: DownloadManager, call: str, name: str
) -> None:
    """The error says where the option belongs, or which one was probably meant."""
    with pytest.raises(RequestError, match=name):
        getattr(manager, call)('http://127.0.0.1:1/x', **{name: 1})


@pytest.mark.parametrize('name', ['url', 'ext', 'large', 'path', 'targets_'])
def test_an_option_that_a_batch_does_not_have_is_refused_by_name(
    manager: DownloadManager, name: str
) -> None:
    """At once, before anything is downloaded."""
    options: dict[str, Any] = {name: 'x'}
    with pytest.raises(RequestError, match=name):
        manager.download_many(['http://127.0.0.1:1/x'], **options)
