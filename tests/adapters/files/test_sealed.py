"""The published bytes are those that were checked."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from dlmachine.core.faults import StorageFailed
from dlmachine.core.http.filename import OUR_FOLDER
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, OpenPart, Publish
from dlmachine.core.protocol.events import EffectFailed, Published
from dlmachine.core.spec.destination import AtPath
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files import atomic, sealed
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.parts.part import PartialFile
from tests.adapters.parts.test_segment import DATA, END, FIRST, FRONT, MIDDLE, asked, fill, join

BODY: Final = b'0123456789' * 100


def _whole(folder: Path) -> PartialFile:
    part = LocalFiles(ManualClock()).open_part(OpenPart(beside=str(folder), stem='stem'))
    assert isinstance(part, PartialFile)
    part.begin(StoreBody())
    part.write(BODY)
    part.finish()
    return part


def _part_of(folder: Path) -> Path:
    (path,) = (folder / OUR_FOLDER).glob('*.part')
    return path


def _exchange(path: Path) -> None:
    path.rename(path.with_name('hidden'))
    path.write_bytes(BODY[::-1])


def _link(path: Path) -> None:
    evil = path.with_name('evil')
    evil.write_bytes(BODY[::-1])
    path.unlink()
    path.symlink_to(evil)


def _change(path: Path) -> None:
    with path.open('r+b') as file:
        file.write(b'x')


def _append(path: Path) -> None:
    seen = path.stat()
    with path.open('ab') as file:
        file.write(b'x')
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


CHANGES: Final = [_exchange, _link, _change, _append]
changes = pytest.mark.parametrize('change', CHANGES, ids=lambda one: one.__name__.strip('_'))


@changes
@pytest.mark.parametrize('replace', [True, False])
def test_a_replaced_part_is_not_published(
    tmp_path: Path, change: Callable[[Path], None], *, replace: bool
) -> None:
    """The fault says so, and the previous file at the destination stays."""
    target = tmp_path / 'x'
    if replace:
        target.write_bytes(b'before')
    part = _whole(tmp_path)
    change(_part_of(tmp_path))
    failed = part.publish(Publish(place=AtPath(str(target)), replace=replace))
    part.discard(Discard())

    assert isinstance(failed, EffectFailed)
    assert isinstance(failed.fault, StorageFailed)
    assert failed.fault.path == str(target)
    assert 'since it was checked' in failed.fault.problem
    assert (target.read_bytes() if replace else target.exists()) == (
        b'before' if replace else False
    )


@changes
def test_segments_are_sealed_before_they_are_read_through(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """A change after the digest was computed is noticed."""
    part = LocalFiles(ManualClock()).open_part(OpenPart(beside=str(tmp_path), stem='stem'))
    assert isinstance(part, PartialFile)
    part.begin(FIRST)
    part.write(DATA[: FRONT[1] + 1])
    part.finish()
    for sink, span in zip(part.split(asked(MIDDLE, END)), (MIDDLE, END), strict=True):
        fill(sink, span)
    part.close_segments()
    part.reassemble(join())
    change(_part_of(tmp_path))
    failed = part.publish(Publish(place=AtPath(str(tmp_path / 'x'))))
    part.discard(Discard())
    assert isinstance(failed, EffectFailed)
    assert not (tmp_path / 'x').exists()


def test_a_part_replaced_at_the_last_moment_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The open file itself is linked, whichever file has its name."""
    if not Path('/proc/self/fd').is_dir():
        pytest.skip('open files cannot be linked here')
    real = atomic.Source.link

    def late(source: Any, target: str) -> None:
        _exchange(_part_of(tmp_path))
        real(source, target)

    part = _whole(tmp_path)
    monkeypatch.setattr(atomic.Source, 'link', late)
    published = part.publish(Publish(place=AtPath(str(tmp_path / 'x')), replace=False))
    part.discard(Discard())
    assert isinstance(published, Published)
    assert (tmp_path / 'x').read_bytes() == BODY


def test_a_part_replaced_before_the_rename_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published name is checked after the rename."""
    real = OwnFolder.move_out

    def late(ours: OwnFolder, old: str, target: Path) -> None:
        _exchange(_part_of(tmp_path))
        real(ours, old, target)

    part = _whole(tmp_path)
    monkeypatch.setattr(OwnFolder, 'move_out', late)
    failed = part.publish(Publish(place=AtPath(str(tmp_path / 'x'))))
    part.discard(Discard())
    assert isinstance(failed, EffectFailed)


@pytest.mark.parametrize(('data', 'is_told'), [(BODY, False), (BODY[::-1], True), (b'', True)])
def test_another_download_that_replaces_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, *, is_told: bool
) -> None:
    """A file with the same bytes is accepted."""
    real = OwnFolder.move_out

    def replaced(ours: OwnFolder, old: str, target: Path) -> None:
        real(ours, old, target)
        (tmp_path / 'other').write_bytes(data)
        (tmp_path / 'other').replace(target)

    part = _whole(tmp_path)
    monkeypatch.setattr(OwnFolder, 'move_out', replaced)
    event = part.publish(Publish(place=AtPath(str(tmp_path / 'x'))))
    part.discard(Discard())
    assert isinstance(event, EffectFailed) is is_told


def test_a_published_file_that_is_replaced_is_checked_again(tmp_path: Path) -> None:
    """The file may move to another name if its name was taken in the registry."""
    part = _whole(tmp_path)
    part.publish(Publish(place=AtPath(str(tmp_path / 'x'))))
    _change(tmp_path / 'x')
    failed = part.publish(Publish(place=AtPath(str(tmp_path / 'y')), replace=False))
    part.discard(Discard())
    assert isinstance(failed, EffectFailed)
    assert not (tmp_path / 'y').exists()


def test_without_proc_the_name_is_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is checked afterwards."""
    monkeypatch.setattr(atomic, '_HANDLES', '/nowhere')
    part = _whole(tmp_path)
    published = part.publish(Publish(place=AtPath(str(tmp_path / 'x')), replace=False))
    part.discard(Discard())
    assert isinstance(published, Published)
    assert (tmp_path / 'x').read_bytes() == BODY


@pytest.mark.parametrize('grain', [1, 100, 1000, 10**6, 10**9, 2 * 10**9])
def test_a_time_may_be_rounded(tmp_path: Path, grain: int) -> None:
    """Network file systems round times."""
    path = tmp_path / 'x'
    path.write_bytes(BODY)
    handle = os.open(path, os.O_RDWR)
    kept = sealed.seal(handle)
    os.close(handle)
    rounded = kept.mtime_ns // grain * grain
    os.utime(path, ns=(rounded, rounded))
    sealed.check_sealed(path.stat(), kept)
    os.utime(path, ns=(rounded - 5, rounded - 5))
    with pytest.raises(OSError, match='changed') as caught:
        sealed.check_sealed(path.stat(), kept)
    assert caught.value.errno == errno.ESTALE


def test_a_failed_check_after_the_rename_is_not_a_failed_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is published: a check that fails does not undo that."""
    target, look = tmp_path / 'x', os.stat

    def interrupted(path: Any, **options: Any) -> os.stat_result:
        if path == target:
            raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
        return look(path, **options)

    part = _whole(tmp_path)
    target.write_bytes(b'old')
    with monkeypatch.context() as patched:
        patched.setattr(os, 'stat', interrupted)
        event = part.publish(Publish(place=AtPath(str(target))))
    part.discard(Discard())
    assert isinstance(event, Published)
    assert (tmp_path / 'x').read_bytes() == BODY


def test_where_no_time_can_be_set_the_systems_own_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems report another owner for every file."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, 'utime', refuse)
    part = _whole(tmp_path)
    published = part.publish(Publish(place=AtPath(str(tmp_path / 'x'))))
    assert isinstance(published, Published)
    assert (tmp_path / 'x').read_bytes() == BODY
    part.discard(Discard())
