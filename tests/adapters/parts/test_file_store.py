"""Parts on a real disk: publication, failures, and resuming the parts of others."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.faults import StorageFailed
from dlmachine.core.http.filename import OUR_FOLDER
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, OpenPart, Publish
from dlmachine.core.protocol.events import EffectFailed, NameTaken, Published
from dlmachine.core.protocol.ports import Part, PartError
from dlmachine.core.spec.destination import AtPath, PathKind
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files import atomic
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.parts import folder as parts_folder
from dlmachine_adapters.parts import sidecar
from tests.part_paths import source_at

BIG = bytes(range(256)) * 8192


class Desk:
    """Files, and their open parts."""

    def __init__(self) -> None:
        self.files = LocalFiles(ManualClock())
        self.parts: list[Part] = []

    def open(self, folder: Path, stem: str = 'stem', **wanted: Any) -> Part:
        """Open a part."""
        opened = self.files.open_part(OpenPart(beside=str(folder), stem=stem, **wanted))
        assert not isinstance(opened, EffectFailed), opened
        self.parts.append(opened)
        return opened

    def fill(self, folder: Path, data: bytes = b'data', **taking: Any) -> Part:
        """A part that holds these bytes."""
        part = self.open(folder)
        part.begin(StoreBody(**taking))
        part.write(data)
        part.finish()
        return part


@pytest.fixture(autouse=True)
def tidying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old parts are looked for each time."""
    monkeypatch.setattr(parts_folder, '_TIDY_SECONDS', 0)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Files whose parts are closed at the end."""
    made = Desk()
    yield made
    for part in made.parts:
        part.discard(Discard())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / 'folder'
    made.mkdir()
    return made


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- publication -------------------------------------------------------------


@pytest.mark.parametrize('umask', [0o022, 0o007, 0o077])
def test_files_have_the_users_umask(desk: Desk, folder: Path, umask: int) -> None:
    """A file has the usual mode of a file of this user."""
    before = os.umask(umask)
    try:
        part = desk.fill(folder / 'new')
        part.publish(Publish(place=AtPath(str(folder / 'new' / 'x'))))
    finally:
        os.umask(before)

    assert (folder / 'new' / 'x').stat().st_mode & 0o777 == 0o666 & ~umask
    assert (folder / 'new').stat().st_mode & 0o777 == 0o777 & ~umask


def test_a_setgid_folder_gives_its_group(desk: Desk, folder: Path) -> None:
    """In a folder that a group shares, files belong to the group."""
    if os.getuid() != 0:
        pytest.skip('only root may give a folder to another group')
    os.chown(folder, -1, 12345)
    folder.chmod(0o2775)
    desk.fill(folder).publish(Publish(place=AtPath(str(folder / 'x'))))

    assert (folder / 'x').stat().st_gid == 12345


@pytest.mark.parametrize('target', ['elsewhere', 'nowhere'])
def test_a_link_at_the_destination_is_replaced(desk: Desk, folder: Path, target: str) -> None:
    """Its target is not written to."""
    (folder / 'elsewhere').write_bytes(b'untouched')
    (folder / 'x').symlink_to(folder / target)

    desk.fill(folder).publish(Publish(place=AtPath(str(folder / 'x'))))

    assert not (folder / 'x').is_symlink()
    assert (folder / 'x').read_bytes() == b'data'
    assert (folder / 'elsewhere').read_bytes() == b'untouched'
    assert not (folder / 'nowhere').exists()


def test_a_dangling_link_has_the_name(desk: Desk, folder: Path) -> None:
    """Without `replace`, a name with any kind of file is taken."""
    (folder / 'x').symlink_to(folder / 'nowhere')
    part = desk.fill(folder)

    assert isinstance(
        part.publish(Publish(place=AtPath(str(folder / 'x')), replace=False)), NameTaken
    )


def test_nothing_of_ours_is_left_behind(desk: Desk, folder: Path) -> None:
    """The working folder is removed with its last part."""
    one, two = desk.fill(folder, BIG, validator='"v"'), desk.fill(folder)
    one.publish(Publish(place=AtPath(str(folder / 'x'))))
    assert _left(folder) == [OUR_FOLDER, 'x']
    two.discard(Discard())
    assert _left(folder) == ['x']


def test_without_hard_links_a_name_is_claimed(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name can be claimed where `link` does not work."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, 'link', refuse)
    (folder / 'taken').write_bytes(b'theirs')
    (folder / 'link').symlink_to(folder / 'nothing')
    part = desk.fill(folder)
    linked = part.publish(Publish(place=AtPath(str(folder / 'link')), replace=False))
    taken = part.publish(Publish(place=AtPath(str(folder / 'taken')), replace=False))
    free = part.publish(Publish(place=AtPath(str(folder / 'free')), replace=False))

    assert (type(linked), type(taken), type(free)) == (NameTaken, NameTaken, Published)
    assert (folder / 'link').is_symlink()
    assert (folder / 'taken').read_bytes() == b'theirs'
    assert (folder / 'free').read_bytes() == b'data'


def test_a_name_that_is_claimed_is_never_seen_empty(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name may be in the registry; while it is claimed no other process gets it."""
    seen: list[bool] = []
    replace = os.replace

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    def watched(source: str, target: str) -> None:
        seen.append(os.path.exists(target))
        with pytest.raises(FileExistsError):
            atomic.move_to_new_name(source_at(folder / 'other'), target)
        replace(source, target)

    (folder / 'one').write_bytes(b'one')
    (folder / 'other').write_bytes(b'other')
    monkeypatch.setattr(os, 'link', refuse)
    monkeypatch.setattr(os, 'replace', watched)
    atomic.move_to_new_name(source_at(folder / 'one'), str(folder / 'x'))

    assert seen == [False]
    assert (folder / 'x').read_bytes() == b'one'
    assert _left(folder) == ['other', 'x']


@pytest.mark.parametrize('has_links', [True, False])
@pytest.mark.parametrize('is_swapped', [True, False])
def test_a_name_that_another_file_took_counts_as_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, is_swapped: bool, has_links: bool
) -> None:
    """The file was removed at once, and its name is free or belongs to another file now."""
    target = folder / 'x'

    def swapped(_: Path) -> None:
        target.unlink()
        if is_swapped:
            target.write_bytes(b'theirs')

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    (folder / 'one').write_bytes(b'one')
    monkeypatch.setattr(atomic, 'sync_folder', swapped)
    if not has_links:
        monkeypatch.setattr(os, 'link', refuse)
    with pytest.raises(FileExistsError if has_links else OSError, match='exists|another'):
        atomic.move_to_new_name(source_at(folder / 'one'), str(target))
    assert target.exists() is is_swapped
    # If possible, the part remains for another name.
    assert (folder / 'one').exists() is has_links


def test_a_claim_that_fails_is_taken_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No empty file is left."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, 'no')

    (folder / 'one').write_bytes(b'one')
    monkeypatch.setattr(os, 'link', refuse)
    monkeypatch.setattr(os, 'replace', refuse)
    with pytest.raises(PermissionError):
        atomic.move_to_new_name(source_at(folder / 'one'), str(folder / 'x'))
    assert _left(folder) == ['one']


def test_a_race_for_one_name_has_one_winner(folder: Path) -> None:
    """Of many processes that publish under one name, one succeeds; the others leave it alone."""
    code = (
        'import sys; from pathlib import Path\n'
        'from dlmachine_adapters.files.atomic import move_to_new_name\n'
        'from tests.part_paths import source_at\n'
        'folder, me = Path(sys.argv[1]), sys.argv[2]; won = 0\n'
        'for number in range(50):\n'
        '    own = folder / f"own-{me}"; own.write_text(me)\n'
        '    try: move_to_new_name(source_at(own), f"{folder}/place-{number}"); won += 1\n'
        '    except FileExistsError: own.unlink()\n'
        'print(won)\n'
    )
    running = [
        subprocess.Popen(
            [sys.executable, '-c', code, str(folder), str(number)],
            stdout=subprocess.PIPE,
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
        )
        for number in range(4)
    ]
    won = [int(process.communicate(timeout=60)[0]) for process in running]

    assert sum(won) == 50
    assert len(_left(folder)) == 50


# --- failures ------------------------------------------------------------------


def test_a_full_disk_is_a_fault(desk: Desk, folder: Path) -> None:
    """The write fails with a fault, and the part can be discarded."""
    part = desk.open(folder)
    part.begin(StoreBody())
    file = part._storage._file  # type: ignore[attr-defined]
    with Path('/dev/full').open('wb') as full:
        os.dup2(full.fileno(), file.fileno())
    with pytest.raises(PartError) as caught:
        part.write(BIG * 2)

    assert isinstance(caught.value.fault, StorageFailed)
    assert caught.value.fault.problem == os.strerror(errno.ENOSPC).lower()
    part.discard(Discard(keep=True))
    assert _left(folder) == []


def test_a_disk_that_fills_at_the_end_publishes_nothing(desk: Desk, folder: Path) -> None:
    """Buffered bytes must be written before the file is published."""
    (folder / 'x').write_bytes(b'old')
    part = desk.fill(folder)
    file = part._storage._file  # type: ignore[attr-defined]
    with Path('/dev/full').open('wb') as full:
        os.dup2(full.fileno(), file.fileno())
    failed = part.publish(Publish(place=AtPath(str(folder / 'x'))))

    assert isinstance(failed, EffectFailed)
    assert isinstance(failed.fault, StorageFailed)
    assert failed.fault.operation == 'publish'
    part.discard(Discard())
    assert (folder / 'x').read_bytes() == b'old'
    assert _left(folder) == ['x']


@pytest.mark.parametrize('place', ['is-a-folder', 'gone/x', 'n' * 300])
def test_an_unusable_destination_is_a_fault(desk: Desk, folder: Path, place: str) -> None:
    """A folder in the way, a folder that was removed, a name that is too long."""
    (folder / 'is-a-folder').mkdir()
    part = desk.fill(folder)
    failed = part.publish(Publish(place=AtPath(str(folder / place))))

    assert isinstance(failed, EffectFailed)
    assert isinstance(failed.fault, StorageFailed)


def test_a_folder_that_cannot_be_created_is_a_fault(desk: Desk, folder: Path) -> None:
    """A file has the name of a folder."""
    (folder / 'file').write_bytes(b'')
    failed = desk.files.open_part(OpenPart(beside=str(folder / 'file' / 'new'), stem='s'))

    assert isinstance(failed, EffectFailed)
    assert isinstance(failed.fault, StorageFailed)
    assert failed.fault.operation == 'create'


def test_too_long_a_name_is_seen_beforehand(desk: Desk, folder: Path) -> None:
    """Not after the download."""
    assert desk.files.see_path(str(folder / ('n' * 300))).kind is PathKind.OTHER


@pytest.mark.parametrize(
    'place', ['/dev/stdout', '/dev/fd/1', '/dev/new', '/proc/self/fd/1', 'link']
)
def test_a_file_of_the_kernel_is_not_a_destination(place: str, desk: Desk, folder: Path) -> None:
    """Links to the output of a process, which a rename would replace for every process."""
    if not Path('/proc/self/fd').exists():
        pytest.skip('there is no /proc')
    (folder / 'out').symlink_to('/dev/fd')
    path = str(folder / 'out' / '1') if place == 'link' else place
    assert desk.files.see_path(path).kind is PathKind.OTHER
    assert desk.files.see_path('/dev/shm/new').kind is PathKind.MISSING


@pytest.mark.parametrize('name', ['文' * 64, '💾' * 64, '[a-z]*?', '..', 'a b'])
def test_any_stem_will_do(desk: Desk, folder: Path, name: str) -> None:
    """Long names, and names with special characters of patterns."""
    part = desk.open(folder, f'{"0" * 32}-{name}')
    part.begin(StoreBody(validator='"v"'))
    part.write(BIG)
    part.discard(Discard(keep=True))
    seen = desk.files.see_part(str(folder), f'{"0" * 32}-{name}')

    assert seen is not None
    assert seen.size_bytes == len(BIG)


# --- adopting ----------------------------------------------------------------

_DIE = """
import os, sys
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import OpenPart
from dlmachine_adapters.runtime.clock import SystemClock
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.local_files import LocalFiles
part = LocalFiles(SystemClock()).open_part(OpenPart(beside=sys.argv[1], stem='stem'))
part.begin(StoreBody(validator='"v"'))
part.write(bytes(range(256)) * 8192)
part._storage._file.flush()
print('written', flush=True)
sys.stdin.read()
"""


def _owner(folder: Path) -> 'subprocess.Popen[bytes]':
    process = subprocess.Popen(
        [sys.executable, '-c', _DIE, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b'written\n'
    return process


def test_a_living_owners_part_is_not_taken(desk: Desk, folder: Path) -> None:
    """As soon as the owner is killed, its part is resumed."""
    with _owner(folder) as process:
        alive = desk.files.see_part(str(folder), 'stem')
        process.kill()
    dead = desk.files.see_part(str(folder), 'stem')

    assert alive is None
    assert dead is not None
    assert dead.size_bytes == len(BIG)
    assert desk.open(folder, adopt=dead).size_bytes == len(BIG)


def test_a_mark_outweighs_the_number_of_a_process(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process in another container may have a number that exists here."""
    monkeypatch.setattr(sidecar, 'is_running', lambda pid: False)
    with _owner(folder) as process:
        seen = desk.files.see_part(str(folder), 'stem')
        process.kill()

    assert seen is None


def test_without_marks_the_number_counts(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without working locks, a living process keeps its part all the same."""
    monkeypatch.setattr(sidecar, 'is_held', lambda ours, part: False)
    with _owner(folder) as process:
        seen = desk.files.see_part(str(folder), 'stem')
        process.kill()

    assert seen is None


@pytest.mark.parametrize('field', ['host', 'boot'])
def test_what_another_computer_left_unsynced_is_not_trusted(
    desk: Desk, folder: Path, field: str
) -> None:
    """Its bytes may not have reached the disk; the same holds for this computer before a crash."""
    with _owner(folder) as process:
        process.kill()
    (note,) = (folder / OUR_FOLDER).glob('*.json')
    text = note.read_text()
    note.write_text(text.replace(f'"{field}": "', f'"{field}": "other-'))

    assert desk.files.see_part(str(folder), 'stem') is None


def test_a_part_of_another_computer_is_resumed(desk: Desk, folder: Path) -> None:
    """It was synced before the note was written."""
    part = desk.open(folder)
    part.begin(StoreBody(validator='"v"'))
    part.write(BIG)
    part.discard(Discard(keep=True))
    (note,) = (folder / OUR_FOLDER).glob('*.json')
    note.write_text(note.read_text().replace('"host": "', '"host": "other-'))

    assert desk.files.see_part(str(folder), 'stem') is not None


def test_a_path_with_two_spellings_is_one_part(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that this process is writing is recognized under any path."""
    monkeypatch.setattr(sidecar, 'is_held', lambda ours, part: False)
    monkeypatch.chdir(folder.parent)
    part = desk.open(Path(folder.name))
    part.begin(StoreBody(validator='"v"'))
    part.write(BIG)

    assert desk.files.see_part(str(folder), 'stem') is None


@pytest.mark.parametrize('text', ['', '{', '[]', '{"validator": 1}', '{"kept_bytes": "x"}', '\0'])
def test_an_unreadable_note_is_ignored(desk: Desk, folder: Path, text: str) -> None:
    """A part with a torn note is not resumed."""
    part = desk.open(folder)
    part.begin(StoreBody(validator='"v"'))
    part.write(BIG)
    part.discard(Discard(keep=True))
    (note,) = (folder / OUR_FOLDER).glob('*.json')
    note.write_text(text)

    assert desk.files.see_part(str(folder), 'stem') is None


def test_a_part_that_was_cut_is_not_trusted(desk: Desk, folder: Path) -> None:
    """A part with fewer bytes than its note says is another one."""
    part = desk.open(folder)
    part.begin(StoreBody(validator='"v"'))
    part.write(BIG)
    part.discard(Discard(keep=True))
    (left,) = (folder / OUR_FOLDER).glob('*.part')
    os.truncate(left, 10)

    assert desk.files.see_part(str(folder), 'stem') is None


def test_two_may_want_one_part_and_one_has_it(desk: Desk, folder: Path) -> None:
    """Another process may adopt it after it was seen."""
    part = desk.open(folder)
    part.begin(StoreBody(validator='"v"'))
    part.write(BIG)
    part.discard(Discard(keep=True))
    seen = desk.files.see_part(str(folder), 'stem')
    sizes = [desk.open(folder, adopt=seen).size_bytes for _ in range(3)]

    assert sizes == [len(BIG), 0, 0]


def test_small_bodies_write_no_note(desk: Desk, folder: Path) -> None:
    """Downloading them again costs less."""
    part = desk.open(folder)
    part.begin(StoreBody(validator='"v"', wire_bytes=1000))

    assert list((folder / OUR_FOLDER).glob('*.json')) == []


def test_a_part_that_begins_anew_without_a_validator_loses_its_note(
    desk: Desk, folder: Path
) -> None:
    """The new bytes may be of another representation."""
    part = desk.open(folder)
    part.begin(StoreBody(validator='"v"'))
    part.write(BIG)
    part.begin(StoreBody())
    part.write(BIG)
    part.discard(Discard(keep=True))

    assert _left(folder) == []


def test_old_parts_are_removed(desk: Desk, folder: Path) -> None:
    """A week after the last write; an open one stays for any time."""
    old, open_, new = desk.fill(folder, BIG, validator='"v"'), desk.open(folder), desk.open(folder)
    old.discard(Discard(keep=True))
    ages_ago = time.time() - 8 * 24 * 3600
    for path in (folder / OUR_FOLDER).iterdir():
        os.utime(path, (ages_ago, ages_ago))
    new.discard(Discard())

    assert len(list((folder / OUR_FOLDER).iterdir())) == 1
    open_.begin(StoreBody())
    open_.write(b'data')
    assert isinstance(open_.publish(Publish(place=AtPath(str(folder / 'x')))), Published)
    assert _left(folder) == ['x']


def test_old_parts_are_looked_for_once_a_minute(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cost of a file does not grow with the files under way."""
    monkeypatch.setattr(parts_folder, '_TIDY_SECONDS', 60)
    old, *others = desk.fill(folder, validator='"v"'), desk.open(folder), desk.open(folder)
    old.discard(Discard(keep=True))
    others.pop().discard(Discard())
    ages_ago = time.time() - 8 * 24 * 3600
    for path in (folder / OUR_FOLDER).iterdir():
        os.utime(path, (ages_ago, ages_ago))
    looks: list[str] = []
    look = OwnFolder.look

    def counted(ours: OwnFolder, name: str) -> os.stat_result:
        looks.append(name)
        return look(ours, name)

    monkeypatch.setattr(OwnFolder, 'look', counted)
    others.pop().discard(Discard())

    assert looks == []
    assert (folder / OUR_FOLDER).exists()
    monkeypatch.setattr(parts_folder, '_TIDY_SECONDS', 0)
    desk.open(folder).discard(Discard())
    assert not (folder / OUR_FOLDER).exists()


def test_folders_that_were_made_for_nothing_are_removed(desk: Desk, folder: Path) -> None:
    """Existing folders, and those with a file in them, stay."""
    target = folder / 'a' / 'b'
    failed = desk.fill(target)
    assert target.is_dir()
    failed.discard(Discard())
    assert _left(folder) == []

    one, two = desk.fill(target), desk.fill(target)
    one.discard(Discard())
    two.publish(Publish(place=AtPath(str(target / 'x'))))
    assert _left(target) == ['x']


def test_a_published_part_is_not_adopted(desk: Desk, folder: Path) -> None:
    """Its owner was killed between the two names: writing to it would change the published file."""
    part = desk.open(folder)
    part.begin(StoreBody(validator='"v"'))
    part.write(BIG)
    part.discard(Discard(keep=True))
    seen = desk.files.see_part(str(folder), 'stem')
    (left,) = (folder / OUR_FOLDER).glob('*.part')
    os.link(left, folder / 'x')

    assert seen is not None
    assert desk.files.see_part(str(folder), 'stem') is None
    other = desk.open(folder, adopt=seen)
    assert other.size_bytes == 0
    other.discard(Discard())
    assert _left(folder) == ['x']
    assert (folder / 'x').read_bytes() == BIG


def test_what_dead_owners_left_of_no_use_is_removed(desk: Desk, folder: Path) -> None:
    """A part without a note at once, a note without a part after a while; other files stay."""
    part = desk.fill(folder)
    ours = folder / OUR_FOLDER
    (mine,) = ours.glob('*.part')
    dead = mine.name.replace(f'.{os.getpid()}.', '.4194999.')
    for name in (dead, 'odd.part', f'{dead}x.part.json', 'young.part.new'):
        (ours / name).write_bytes(b'')
    long_ago = time.time() - 2 * 3600
    os.utime(ours / f'{dead}x.part.json', (long_ago, long_ago))
    part.discard(Discard())

    assert sorted(path.name for path in ours.iterdir()) == ['odd.part', 'young.part.new']


def test_a_file_that_is_another_by_now_is_not_moved(desk: Desk, folder: Path) -> None:
    """Published, then removed, and the name used again: the other file is left alone."""
    part = desk.fill(folder)
    first, second = folder / 'x-1', folder / 'x-2'
    part.publish(Publish(place=AtPath(str(first)), replace=False))
    first.unlink()
    first.write_bytes(b'theirs')
    again = part.publish(Publish(place=AtPath(str(second)), replace=False))

    assert isinstance(again, EffectFailed)
    assert first.read_bytes() == b'theirs'
    assert not second.exists()
