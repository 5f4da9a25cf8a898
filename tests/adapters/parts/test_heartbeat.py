"""Heartbeats of a part's owner, and what is resumed when they stop."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from errno import EACCES, EIO
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.decision.part_note import PartNote
from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.http.filename import OUR_FOLDER
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Publish
from dlmachine.core.spec.destination import AtPath
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.parts import file_store, sidecar
from dlmachine_adapters.parts.file_store import FileStorage
from dlmachine_adapters.parts.folder import adopt_part, create_part, find_parts
from dlmachine_adapters.parts.heartbeat import Heartbeat
from dlmachine_adapters.parts.sidecar import SILENT_SECONDS
from tests.part_paths import new_note, note_path, read_note, write_note

DATA = bytes(range(256)) * 8192
TAKING = StoreBody(validator='"v1"')


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[FileStorage]:
    """A part that holds DATA, half of which is recorded as synced."""
    made = create_part(str(tmp_path), 'stem')
    made.begin(0, TAKING)
    half = len(DATA) // 2
    made.append(DATA[:half])
    made._file.flush()
    made.tick()
    made.append(DATA[half:])
    made._file.flush()
    yield made
    made.discard(keep=False)


def part_of(folder: Path) -> Path:
    """The only part in a folder."""
    (part,) = (folder / OUR_FOLDER).glob('*.part')
    return part


def seen_in(folder: Path) -> PartSeen | None:
    """The part that could be adopted."""
    return next(find_parts(str(folder), 'stem'), None)


def disguise(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Path:
    """Change the part's note and lock so that it seems to be another owner's."""
    part = part_of(folder)
    note = read_note(part)
    assert note is not None
    write_note(part, new_note(**{**_fields(note), **changes}))
    monkeypatch.setattr(sidecar, 'is_held', lambda ours, part: False)
    monkeypatch.setattr('dlmachine_adapters.parts.folder.hold', lambda _: True)
    sidecar.OWNED.clear()
    return part


def _fields(note: PartNote) -> dict[str, Any]:
    return {name: getattr(note, name) for name in ('validator', 'kept_bytes', 'is_left', 'host', 'pid', 'boot')}  # fmt: skip


def test_a_beat_vouches_for_what_is_synced(storage: FileStorage, tmp_path: Path) -> None:
    """And no others."""
    note = read_note(part_of(tmp_path))
    assert note is not None
    assert (note.validator, note.kept_bytes, note.is_left) == ('"v1"', len(DATA) // 2, False)
    storage.tick()
    again = read_note(part_of(tmp_path))
    assert again is not None
    assert again.kept_bytes == len(DATA)


def test_after_a_crash_of_the_machine_what_was_synced_counts(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the part may be anything."""
    disguise(tmp_path, monkeypatch, boot='an earlier one')
    seen = seen_in(tmp_path)
    assert seen is not None
    assert seen.size_bytes == len(DATA) // 2
    adopted = adopt_part(str(tmp_path), 'stem', seen)
    assert adopted is not None
    adopted.discard(keep=False)


def test_a_silent_owner_on_another_computer_is_dead(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its synced bytes are copied, and its own part is left alone."""
    part = disguise(tmp_path, monkeypatch, host='elsewhere')
    assert seen_in(tmp_path) is None
    long_ago = time.time() - SILENT_SECONDS - 1
    os.utime(note_path(part), (long_ago, long_ago))
    seen = seen_in(tmp_path)
    assert seen is not None
    assert seen.size_bytes == len(DATA) // 2

    adopted = adopt_part(str(tmp_path), 'stem', seen)
    assert adopted is not None
    adopted.begin(seen.size_bytes, TAKING)
    adopted.append(DATA[seen.size_bytes :])
    adopted.publish(Publish(place=AtPath(str(tmp_path / 'x'))))
    assert (tmp_path / 'x').read_bytes() == DATA
    assert part.read_bytes() == DATA


def test_one_that_wakes_up_meanwhile_is_not_copied(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its note says first that it starts over."""
    part = disguise(tmp_path, monkeypatch, host='elsewhere')
    long_ago = time.time() - SILENT_SECONDS - 1
    os.utime(note_path(part), (long_ago, long_ago))
    seen = seen_in(tmp_path)
    assert seen is not None
    real = FileStorage.append

    def wake(self: FileStorage, data: bytes) -> None:
        real(self, data)
        note_path(part).unlink(missing_ok=True)

    monkeypatch.setattr(FileStorage, 'append', wake)
    assert adopt_part(str(tmp_path), 'stem', seen) is None
    assert [path.name for path in (tmp_path / OUR_FOLDER).iterdir()] == [part.name]


@pytest.mark.parametrize(
    ('offset', 'validator'), [(0, '"v1"'), (0, '"v2"'), (10, '"v1"'), (len(DATA) // 2, '"v2"')]
)
def test_a_note_is_removed_before_its_part_is_overwritten(
    storage: FileStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    offset: int,
    validator: str,
) -> None:
    """No note records bytes that are about to change; its removal is synced first."""
    part = part_of(tmp_path)
    synced: list[tuple[bool, int]] = []
    monkeypatch.setattr(
        OwnFolder, 'sync',
        lambda _: synced.append((note_path(part).exists(), part.stat().st_size)),
    )  # fmt: skip
    storage.begin(offset, StoreBody(offset=offset, validator=validator))
    assert synced == [(False, len(DATA))]
    note = read_note(part)
    assert note is not None
    assert (note.validator, note.kept_bytes) == (validator, 0)


def test_a_part_whose_note_stays_is_not_overwritten(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remaining note would record bytes of another version."""
    part, other = part_of(tmp_path), StoreBody(validator='"v2"')

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(EACCES, os.strerror(EACCES))

    with monkeypatch.context() as patched:
        patched.setattr(OwnFolder, 'remove', refuse)
        with pytest.raises(PermissionError):
            storage.begin(0, other)
    assert part.read_bytes() == DATA
    storage.begin(0, other)
    storage.append(b'of another')
    note = read_note(part)
    assert note is not None
    assert (part.read_bytes(), note.validator, note.kept_bytes) == (b'of another', '"v2"', 0)


def fsyncs(*ends: BaseException | None) -> Callable[[int], None]:
    """An fsync with these results, one after another."""
    left = list(ends)

    def fsync(handle: int) -> None:
        end = left.pop(0)
        if end is not None:
            raise end

    return fsync


def test_a_sync_that_was_interrupted_is_made_up_for(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C during the publication: the part is synced before its note records it."""
    publish, part = Publish(place=AtPath(str(tmp_path / 'x'))), part_of(tmp_path)
    monkeypatch.setattr(os, 'fsync', fsyncs(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        storage.publish(publish)
    synced: list[int] = []
    monkeypatch.setattr(os, 'fsync', synced.append)
    storage.discard(keep=True)
    note = read_note(part)

    assert len(synced) == 1
    assert note is not None
    assert (note.is_left, note.kept_bytes) == (True, len(DATA))


def test_a_sync_that_failed_is_not_forgotten(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system reports an error once, perhaps to a heartbeat: later syncs fail, too."""
    publish, part = Publish(place=AtPath(str(tmp_path / 'x'))), part_of(tmp_path)
    before = read_note(part)
    monkeypatch.setattr(os, 'fsync', fsyncs(OSError(EIO, os.strerror(EIO)), None, None))
    storage.tick()
    with pytest.raises(OSError, match=os.strerror(EIO)):
        storage.publish(publish)
    assert not (tmp_path / 'x').exists()
    assert read_note(part) == before
    storage.discard(keep=True)
    assert not part.exists()


def test_going_on_keeps_the_note(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorded bytes stay."""
    monkeypatch.setattr(OwnFolder, 'sync', lambda _: pytest.fail('not needed'))
    half = len(DATA) // 2
    storage.begin(half, StoreBody(offset=half, validator='"v1"'))
    note = read_note(part_of(tmp_path))
    assert note is not None
    assert note.kept_bytes == half


def test_a_note_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk does not leave half a note."""
    part = tmp_path / 'x.part'
    write_note(part, new_note(validator='"v1"', kept_bytes=5))

    write, written = os.write, list[bytes]()

    def full(handle: int, data: bytes) -> int:
        written.append(data)
        if len(written) > 1:
            raise OSError(28, 'no space left')
        return write(handle, data[:9])

    monkeypatch.setattr(os, 'write', full)
    write_note(part, new_note(validator='"v1"', kept_bytes=9))
    note = read_note(part)
    assert note is not None
    assert note.kept_bytes == 5
    assert [path.name for path in tmp_path.glob('x*')] == ['x.part.json']


def test_a_long_download_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while of writing, and not after its end."""
    heart = Heartbeat(seconds=0.01)
    monkeypatch.setattr(file_store, 'HEARTBEAT', heart)
    monkeypatch.setattr(sidecar, 'BEAT_SECONDS', 0.0)
    made = create_part(str(tmp_path), 'stem')
    made.begin(0, TAKING)
    made.append(DATA)
    made._file.flush()
    part, deadline = part_of(tmp_path), time.monotonic() + 10
    while time.monotonic() < deadline:
        note = read_note(part)
        if note is not None and note.kept_bytes == len(DATA):
            break
        time.sleep(0.01)
    else:
        pytest.fail('no beat')
    made.discard(keep=True)
    note = read_note(part)
    assert note is not None
    assert note.is_left
    for thread in threading.enumerate():
        if thread.name == 'dlmachine-heartbeat':
            thread.join(10)
            assert not thread.is_alive()


def test_short_downloads_start_no_thread(tmp_path: Path) -> None:
    """Most end before the first beat."""
    made = create_part(str(tmp_path), 'stem')
    made.begin(0, TAKING)
    made.append(DATA)
    assert not made._is_beating
    made.discard(keep=False)


def test_a_beat_that_fails_is_left_out(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note is unchanged."""

    def fail(handle: int) -> None:
        raise OSError(5, 'input/output error')

    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', fail)
        storage.tick()
    note = read_note(part_of(tmp_path))
    assert note is not None
    assert note.kept_bytes == len(DATA) // 2


def test_a_closed_part_does_not_beat(tmp_path: Path) -> None:
    """Even if the beat comes late."""
    made = create_part(str(tmp_path), 'stem')
    made.begin(0, TAKING)
    made.append(DATA)
    made.discard(keep=True)
    before = read_note(part_of(tmp_path))
    made.tick()
    assert read_note(part_of(tmp_path)) == before


def test_a_forked_child_has_a_heart_of_its_own() -> None:
    """A forked child has none of its parent's threads."""
    heart = Heartbeat(seconds=60)

    class One:
        def tick(self) -> None:
            raise NotImplementedError

    parents, own = One(), One()
    heart._is_beating = True  # As in a child, where the thread does not exist.
    heart.add(parents)
    heart._pid = -1
    heart.add(own)
    assert heart._all == {own}
    heart.remove(own)
