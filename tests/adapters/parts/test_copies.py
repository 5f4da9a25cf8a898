"""Parts with the bytes of a file in the cache: copies and links."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.protocol.effects import Discard, OpenPart, Publish
from dlmachine.core.protocol.events import EffectFailed, NameTaken, Published
from dlmachine.core.spec.destination import AtPath, InMemory
from dlmachine.core.spec.reuse import Link
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.parts import copies

DATA = b'id\tscore\n' * 300_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file in a cache."""
    path = tmp_path / 'cache' / 'item-1.tsv'
    path.parent.mkdir()
    path.write_bytes(DATA)
    return path


def opened(source: Path, folder: Path, link: Link | None = None, digest: str = '') -> Any:
    """A part for the source."""
    effect = OpenPart(
        beside=str(folder),
        stem='k',
        source=str(source),
        sha256=digest or sha256(DATA).hexdigest(),
        link=link,
    )
    return LocalFiles(ManualClock()).open_part(effect)


def publish(part: Any, path: Path, *, replace: bool = True, mtime_ns: int | None = None) -> Any:
    """Publish a part at a path."""
    return part.publish(Publish(place=AtPath(str(path)), replace=replace, mtime_ns=mtime_ns))


def test_a_copy_has_the_bytes_and_no_other_name(source: Path, tmp_path: Path) -> None:
    """It is a file of its own, and nothing is left beside it."""
    target = tmp_path / 'data' / 'x.tsv'
    event = publish(opened(source, target.parent), target)
    assert isinstance(event, Published)
    assert target.read_bytes() == DATA
    assert (target.stat().st_nlink, event.mtime_ns) == (1, target.stat().st_mtime_ns)
    assert not list(target.parent.glob('.dlmachine/*.part*'))


def test_a_copy_gets_the_time_that_is_asked_for(source: Path, tmp_path: Path) -> None:
    """That of the server."""
    event = publish(opened(source, tmp_path), tmp_path / 'x', mtime_ns=1_000_000_000)
    assert isinstance(event, Published)
    assert (tmp_path / 'x').stat().st_mtime_ns == event.mtime_ns == 1_000_000_000


def test_shared_bytes_are_not_copied(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file system can clone a file."""
    if copies.fcntl is None:
        pytest.skip('this system has no clones')

    def clone(handle: int, request: int, other: int) -> int:
        assert request == 0x40049409
        os.write(handle, os.pread(other, len(DATA), 0))
        return 0

    monkeypatch.setattr(copies.fcntl, 'ioctl', clone)
    monkeypatch.setattr(copies, '_copy', lambda *_: 'must not be called')
    assert isinstance(publish(opened(source, tmp_path), tmp_path / 'x'), Published)
    assert (tmp_path / 'x').read_bytes() == DATA


def test_other_bytes_are_not_published(source: Path, tmp_path: Path) -> None:
    """The entry was changed after it was chosen."""
    failed = opened(source, tmp_path / 'data', digest='0' * 64)
    assert isinstance(failed, EffectFailed)
    assert 'were changed' in str(failed.fault)
    assert not (tmp_path / 'data').exists()


@pytest.mark.parametrize('link', Link)
def test_a_link_stands_for_the_entry(source: Path, tmp_path: Path, link: Link) -> None:
    """The entry becomes read-only; a taken name stays, unless it may be replaced."""
    target = tmp_path / 'data' / 'x.tsv'
    target.parent.mkdir()
    assert isinstance(
        publish(opened(source, target.parent, link), target, replace=False), Published
    )
    assert target.samefile(source)
    assert target.is_symlink() == (link is Link.SYMBOLIC)
    assert not source.stat().st_mode & 0o222
    taken = opened(source, target.parent, link)
    assert isinstance(publish(taken, target, replace=False), NameTaken)
    taken.discard(Discard())
    (tmp_path / 'data' / 'y').write_bytes(b'other')
    assert isinstance(publish(opened(source, target.parent, link), target.parent / 'y'), Published)
    assert (tmp_path / 'data' / 'y').samefile(source)


def test_a_link_is_not_a_buffer(source: Path, tmp_path: Path) -> None:
    """It cannot be published to memory."""
    event = opened(source, tmp_path, Link.HARD).publish(Publish(place=InMemory()))
    assert isinstance(event, EffectFailed)
