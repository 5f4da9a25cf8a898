"""Files that another user planted below `.dlmachine`: none is followed, waited for or trusted."""

import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from dlmachine.core.http.filename import OUR_FOLDER
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import AcquireLock, Discard, OpenPart, Publish, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired, Published
from dlmachine.core.spec.destination import AtPath, PathKind
from dlmachine.core.spec.rate_limit import Rate
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.parts.part import PartialFile
from dlmachine_adapters.rate_limits.shared_rate import Rates
from tests.part_paths import note_path, read_owner

pytestmark = pytest.mark.skipif(os.name == 'nt', reason='links and pipes of POSIX')

BODY: Final = bytes(range(256)) * 8192
VICTIM: Final = b'a thesis'
WEEKS_AGO: Final = time.time() - 30 * 24 * 3600


@pytest.fixture
def files() -> LocalFiles:
    """The real file system."""
    return LocalFiles(ManualClock())


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file of the user, outside the download folder."""
    path = tmp_path / 'thesis'
    path.write_bytes(VICTIM)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The download folder."""
    made = tmp_path / 'folder'
    made.mkdir()
    return made


def _open(files: LocalFiles, folder: Path) -> PartialFile:
    part = files.open_part(OpenPart(beside=str(folder), stem='stem'))
    assert isinstance(part, PartialFile), part
    return part


def _fill(files: LocalFiles, folder: Path) -> PartialFile:
    part = _open(files, folder)
    part.begin(StoreBody(validator='"v"', url_digest='a'))
    part.write(BODY)
    return part


def _left(files: LocalFiles, folder: Path) -> Path:
    _fill(files, folder).discard(Discard(keep=True))
    (path,) = (folder / OUR_FOLDER).glob('*.part')
    assert files.see_part(str(folder), 'stem') is not None
    return path


def _download(files: LocalFiles, folder: Path) -> bytes:
    part = _fill(files, folder)
    part.finish()
    published = part.publish(Publish(place=AtPath(str(folder / 'x'))))
    assert isinstance(published, Published), published
    part.discard(Discard())
    return (folder / 'x').read_bytes()


def _symlink(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def _hard_link(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def _pipe(path: Path, victim: Path) -> None:
    os.mkfifo(path)


def _device(path: Path, victim: Path) -> None:
    path.symlink_to('/dev/zero')


def _nothing(path: Path, victim: Path) -> None:
    path.symlink_to(victim.with_name('nothing'))


def _folder(path: Path, victim: Path) -> None:
    path.mkdir()


PLANTS: Final = [_symlink, _hard_link, _pipe, _device, _nothing, _folder]
plants = pytest.mark.parametrize('plant', PLANTS, ids=lambda plant: plant.__name__.strip('_'))


@plants
def test_anything_else_in_place_of_a_part_is_not_resumed(
    files: LocalFiles, folder: Path, victim: Path, plant: Callable[[Path, Path], None]
) -> None:
    """It is not written to, and a link's target is not removed."""
    part = _left(files, folder)
    part.unlink()
    plant(part, victim)
    assert files.see_part(str(folder), 'stem') is None
    assert _download(files, folder) == BODY
    assert victim.read_bytes() == VICTIM


@plants
def test_an_invalid_note_is_not_read(
    files: LocalFiles, folder: Path, victim: Path, plant: Callable[[Path, Path], None]
) -> None:
    """The file neither blocks a download nor fills its memory."""
    note = note_path(_left(files, folder))
    victim.write_bytes(note.read_bytes())
    note.unlink()
    plant(note, victim)
    assert files.see_part(str(folder), 'stem') is None
    assert _download(files, folder) == BODY


@pytest.mark.parametrize(
    'data', [b'[' * 60_000, b'[' * 3_000_000, b'{"a":' * 200_000, b'\0' * 100, b'{}', b'null']
)
def test_arbitrary_json_is_not_a_note(files: LocalFiles, folder: Path, data: bytes) -> None:
    """With any depth or length."""
    note_path(_left(files, folder)).write_bytes(data)
    assert files.see_part(str(folder), 'stem') is None
    assert _download(files, folder) == BODY


def test_a_huge_note_is_not_read(files: LocalFiles, folder: Path) -> None:
    """Its size is checked first."""
    note = note_path(_left(files, folder))
    os.truncate(note, 300 << 20)
    started = time.monotonic()
    assert files.see_part(str(folder), 'stem') is None
    assert time.monotonic() - started < 1


def test_a_planned_part_outside_the_folder_is_ignored(
    files: LocalFiles, folder: Path, victim: Path
) -> None:
    """A stored plan may name a part, but not a path."""
    _left(files, folder)
    seen = files.see_part(str(folder), 'stem')
    assert seen is not None
    from dataclasses import replace

    odd = replace(seen, name=f'../{OUR_FOLDER}/{seen.name}')
    part = files.open_part(OpenPart(beside=str(folder), stem='stem', adopt=odd))
    assert isinstance(part, PartialFile)
    assert part.size_bytes == 0
    part.discard(Discard())


@plants
def test_a_file_with_the_name_of_a_new_note_is_removed(
    files: LocalFiles, folder: Path, victim: Path, plant: Callable[[Path, Path], None]
) -> None:
    """The note is written to a new file; only a folder in its place prevents the note."""
    part = _open(files, folder)
    (path,) = (folder / OUR_FOLDER).glob('*.part')
    plant(path.with_name(f'{path.name}.new'), victim)
    part.begin(StoreBody(validator='"v"', url_digest='a'))
    part.write(BODY)
    part.discard(Discard(keep=True))
    assert victim.read_bytes() == VICTIM
    assert note_path(path).exists() is (plant is not _folder)


@pytest.mark.parametrize('mode', [0o666, 0o602, 0o777])
def test_a_part_that_everybody_may_write_to_is_not_resumed(
    files: LocalFiles, folder: Path, mode: int
) -> None:
    """Any user may have written its bytes."""
    _left(files, folder).chmod(mode)
    assert files.see_part(str(folder), 'stem') is None


@pytest.mark.parametrize('end', ['', '.json'])
@pytest.mark.skipif(os.name == 'nt' or os.geteuid() != 0, reason='only root can give a file away')
def test_a_strangers_part_is_not_resumed(files: LocalFiles, folder: Path, end: str) -> None:
    """The same holds for this user's part with another user's note."""
    part = _left(files, folder)
    os.chown(part.with_name(part.name + end), 61_001, 61_001)
    assert files.see_part(str(folder), 'stem') is None
    assert _download(files, folder) == BODY


@plants
def test_anything_else_in_place_of_a_lock_is_removed(
    folder: Path, victim: Path, plant: Callable[[Path, Path], None]
) -> None:
    """A link's target is neither written to nor removed, and a pipe is not waited for."""
    locks, clock = folder / OUR_FOLDER / 'locks', ManualClock()
    locks.mkdir(parents=True)
    plant(locks / 'key.lock', victim)
    ours = FolderLocks(str(folder), clock)
    got = ours.acquire(AcquireLock(key='key', patience=timedelta(seconds=1)))
    assert isinstance(got, LockAcquired) is (plant is not _folder)
    ours.release(ReleaseLock(key='key'))
    assert victim.read_bytes() == VICTIM
    assert not victim.with_name('nothing').exists()


def test_the_owner_of_a_lock_is_shown_in_plain_text(tmp_path: Path) -> None:
    """Control characters in the file do not reach the terminal."""
    (tmp_path / 'key.lock').write_bytes(b'\x1b]0;owned\x07process 1\r\n\xff')
    assert read_owner(tmp_path / 'key.lock') == '?]0;owned?process 1??\ufffd'


@plants
def test_anything_else_in_place_of_a_rate_is_removed(
    folder: Path, victim: Path, plant: Callable[[Path, Path], None]
) -> None:
    """The rate limit still applies; only a folder in its place prevents sharing it."""
    rate, place = Rate(1, 60), folder / OUR_FOLDER / 'rates'
    Rates().draw('https://h', rate, str(folder))
    (path,) = place.iterdir()
    path.unlink()
    plant(path, victim)
    assert Rates().peek('https://h', rate, str(folder)) == 0
    assert Rates().draw('https://h', rate, str(folder)) == 0
    assert (Rates().draw('https://h', rate, str(folder)) > 0) is (plant is not _folder)
    assert victim.read_bytes() == VICTIM


@pytest.mark.parametrize(
    'text', ['inf', '1e999', 'x' * 5_000_000, '-1', '99999999999.9', '\u0661.5']
)
def test_an_arbitrary_rate_file_blocks_no_one(folder: Path, text: str) -> None:
    """A download waits at most one interval."""
    rate = Rate(1, 60)
    Rates().draw('https://h', rate, str(folder))
    (path,) = (folder / OUR_FOLDER / 'rates').iterdir()
    path.write_text(text, encoding='utf-8')
    assert 0 <= Rates().draw('https://h', rate, str(folder)) <= rate.spacing_seconds + 0.01


def test_a_link_instead_of_the_working_folder_is_not_used(
    files: LocalFiles, folder: Path, tmp_path: Path
) -> None:
    """The files in the link's target stay, of any age and name."""
    theirs = tmp_path / 'theirs'
    theirs.mkdir()
    for name in ('old.part', 'stem.h.1.ab.part', 'x.part.json'):
        (theirs / name).write_bytes(VICTIM)
        os.utime(theirs / name, (WEEKS_AGO, WEEKS_AGO))
    (folder / OUR_FOLDER).symlink_to(theirs)
    assert _download(files, folder) == BODY
    assert sorted(path.name for path in theirs.iterdir()) == ['old.part', 'stem.h.1.ab.part', 'x.part.json']  # fmt: skip
    assert sorted(path.name for path in folder.iterdir()) == [OUR_FOLDER, 'x']


@plants
def test_anything_instead_of_the_working_folder_blocks_no_one(
    files: LocalFiles, folder: Path, victim: Path, plant: Callable[[Path, Path], None]
) -> None:
    """Another folder is used instead, and its parts are resumed, too."""
    plant(folder / OUR_FOLDER, victim)
    part = _fill(files, folder)
    locks = FolderLocks(str(folder), ManualClock())
    got = locks.acquire(AcquireLock(key='key', patience=timedelta(seconds=1)))
    locks.release(ReleaseLock(key='key'))
    part.discard(Discard(keep=True))
    assert isinstance(got, LockAcquired)
    assert files.see_part(str(folder), 'stem') is not None
    assert _download(files, folder) == BODY
    assert victim.read_bytes() == VICTIM


def test_a_download_works_without_a_folder_name_of_ours(files: LocalFiles, folder: Path) -> None:
    """The download uses a temporary folder, which is removed afterwards."""
    for name in (OUR_FOLDER, f'{OUR_FOLDER}-{os.geteuid()}'):
        (folder / name).write_bytes(VICTIM)
    _fill(files, folder).discard(Discard(keep=True))
    assert _download(files, folder) == BODY
    assert len(list(folder.iterdir())) == 3


def test_old_links_in_our_folder_are_removed_but_not_their_targets(
    files: LocalFiles, folder: Path, victim: Path
) -> None:
    """Links with names of parts."""
    ours = folder / OUR_FOLDER
    ours.mkdir()
    os.utime(victim, (WEEKS_AGO, WEEKS_AGO))
    (ours / 'a.part').symlink_to(victim)
    os.utime(ours / 'a.part', (WEEKS_AGO, WEEKS_AGO), follow_symlinks=False)
    assert _download(files, folder) == BODY
    assert not ours.exists()
    assert victim.read_bytes() == VICTIM


def test_a_note_with_a_line_break_in_its_validator_is_refused(
    files: LocalFiles, folder: Path
) -> None:
    """A validator with a line break would inject header fields into the next request."""
    note = note_path(_left(files, folder))
    stored = json.loads(note.read_bytes())
    note.write_text(json.dumps({**stored, 'validator': '"v"\r\nHost: evil'}))
    assert files.see_part(str(folder), 'stem') is None


def test_a_folder_that_is_called_as_a_part_is_keeps_nothing_else(
    files: LocalFiles, folder: Path
) -> None:
    """Other old files are removed."""
    ours = folder / OUR_FOLDER
    (ours / 'a.part').mkdir(parents=True)
    (ours / 'b.part').write_bytes(BODY)
    for name in ('a.part', 'b.part'):
        os.utime(ours / name, (WEEKS_AGO, WEEKS_AGO))
    assert _download(files, folder) == BODY
    assert [path.name for path in ours.iterdir()] == ['a.part']


@pytest.mark.parametrize('umask', [0o000, 0o002, 0o022])
def test_no_stranger_can_lock_what_lies_in_a_folder_of_ones_own(
    files: LocalFiles, folder: Path, umask: int
) -> None:
    """A file that can be read can be locked, so no other user can read it, with any umask."""
    folder.chmod(0o755)
    before = os.umask(umask)
    try:
        part = _fill(files, folder)
    finally:
        os.umask(before)
    assert (folder / OUR_FOLDER).stat().st_mode & 0o777 == 0o700
    part.discard(Discard())


@pytest.mark.parametrize('end', ['', '/'])
@pytest.mark.parametrize('mode', [0o1777, 0o777, 0o775, 0o755])
@pytest.mark.parametrize('owner', [0, 61_001])
@pytest.mark.skipif(os.name == 'nt' or os.geteuid() != 0, reason='only root can give a link away')
def test_a_strangers_link_leads_no_download_into_another_folder(
    files: LocalFiles, folder: Path, end: str, mode: int, owner: int
) -> None:
    """In a folder that is open to all, it is neither a folder nor a file; other links are followed."""
    elsewhere = folder / 'elsewhere'
    elsewhere.mkdir()
    (folder / 'link').symlink_to(elsewhere)
    os.chown(folder / 'link', owner, owner, follow_symlinks=False)
    folder.chmod(mode)
    seen = files.see_path(f'{folder}/link{end}')
    is_refused = owner != 0 and bool(mode & 0o002)
    assert seen.kind is (PathKind.OTHER if is_refused else PathKind.FOLDER)
    assert files.see_path(f'{folder}/elsewhere{end}').kind is PathKind.FOLDER
