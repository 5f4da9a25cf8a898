"""A run: a server's archive changes, users edit files, processes extract it and are killed."""

import io
import os
import shutil
import zipfile
from datetime import timedelta
from pathlib import Path

from dlmachine.core.protocol.effects import ExtractArchive
from dlmachine.core.protocol.events import ArchiveExtracted
from dlmachine.core.spec.reuse import Extract
from dlmachine_adapters.archives.extracted import look_for_changes, read_record
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.runtime.clock import SystemClock
from property_tests.extraction.dying import Killed, Life, living
from property_tests.simulation.choices import Choices

#: The members of each version of the archive.
VERSIONS = (
    {'d/a': b'1', 'd/b': b'2'},
    {'d/a': b'3'},
    {'d/a': b'1', 'c': b'4'},
    {'d/a': b'5', 'd/b': b'2'},
)
_MAX_STEPS = 60
_EDIT = b'edited by a user'


class PromiseBrokenError(AssertionError):
    """A promise was not kept."""


class Play:
    """The disk of a run, and what a user expects of it."""

    def __init__(self, root: Path, choices: Choices) -> None:
        self.root, self.choices = root, choices
        self.archive, self.folder = root / 'a.zip', root / 'a'
        self.version = 0
        #: What users have written, which must be somewhere.
        self.edits: set[bytes] = set()
        self._count = 0
        #: Whether a file of a user, or one that is not of an extraction, is in the folder.
        self.is_users = False
        self._clock = SystemClock()
        self._put()

    def run(self) -> None:
        """Play until the tape ends, and once more without a kill.  Raises: PromiseBrokenError."""
        while not self.choices.is_over:
            action = self.choices.among((self._extract, self._publish, self._edit, self._remove))
            action()
        self._extract(is_last=True)

    def _put(self) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, 'w') as archive:
            for name, data in VERSIONS[self.version].items():
                archive.writestr(name, data)
        new = self.root / 'new'
        new.write_bytes(buffer.getvalue())
        new.replace(self.archive)

    def _publish(self) -> None:
        self.version = self.choices.pick(len(VERSIONS))
        self._put()

    def _edit(self) -> None:
        found = [path for path in self._files() if not path.name.startswith('.dlmachine')]
        if self.choices.pick(4) == 3:  # A file that is in no archive.
            self.is_users = True
            self.folder.mkdir(exist_ok=True)
            path = self.folder / 'own'
        elif not found:
            return
        else:
            path = self.choices.among(sorted(found))
        if path.exists():
            self.edits.discard(path.read_bytes())
        self._count += 1
        data = _EDIT + str(self._count).encode()
        path.write_bytes(data)
        self.edits.add(data)

    def _remove(self) -> None:
        found = sorted(self._files())
        if found:
            path = self.choices.among(found)
            if path.name == '.dlmachine-extraction.jsonl':
                self.is_users = True
            self.edits.discard(path.read_bytes())
            path.unlink()

    def _files(self) -> list[Path]:
        return [path for path in self.folder.rglob('*') if path.is_file()]

    def _extract(self, *, is_last: bool = False) -> None:
        drawn = 0 if is_last else self.choices.pick(_MAX_STEPS)
        life = Life(drawn - 1 if drawn else None)
        effect = ExtractArchive(
            archive=str(self.archive), name='a.zip', source='http://h/a.zip',
            folder=str(self.folder), wanted=Extract(), patience=timedelta(seconds=1),
        )  # fmt: skip
        before = self._tree()
        event = None
        # Locks of a dead process are free: each process has its own.
        locks = FolderLocks(None, self._clock)
        try:
            with living(life):
                event = LocalFiles(self._clock).extract(effect, locks, lambda: None)
        except Killed:
            self._check_after_a_kill(before)
        self._check_edits()
        if isinstance(event, ArchiveExtracted):
            self._check_whole()
        elif event is not None and not self.is_users:
            raise PromiseBrokenError(f'it failed: {event.fault}')
        elif event is not None and self._tree() != before:
            raise PromiseBrokenError('a refusal has changed the folder')

    def _tree(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self._files()
            if not path.name.startswith('.dlmachine')
        }

    def _check_whole(self) -> None:
        wanted, found = VERSIONS[self.version], self._tree()
        if any(found.get(name) != data for name, data in wanted.items()):
            raise PromiseBrokenError(f'{found} instead of {wanted}')
        if {*found} - {*wanted} and not self.is_users:
            raise PromiseBrokenError(f'files of another version are left: {found}')
        record = read_record(str(self.folder))
        if record is None or any(map(len, look_for_changes(str(self.folder), record, deep=True))):
            raise PromiseBrokenError('the record is not that of the files')
        left = [
            *self.root.glob('.dlmachine/extracting/*'),
            *(path for path in self.root.iterdir() if path.name not in _KNOWN),
        ]
        if left:
            raise PromiseBrokenError(f'left behind: {left}')

    def _check_after_a_kill(self, before: dict[str, bytes]) -> None:
        """The folder has old files, some of them repaired, or all the new ones, or is not there."""
        found = self._tree()
        if not self.folder.exists() or found == before:
            return
        wanted = VERSIONS[self.version]
        if self.is_users or read_record(str(self.folder)) is not None:
            changed = {name: data for name, data in found.items() if before.get(name) != data}
            is_repaired = changed.items() <= wanted.items() and bool(before)
            if found == wanted or is_repaired or found.items() <= before.items():
                return
        raise PromiseBrokenError(f'half there after a kill: {found}')

    def _check_edits(self) -> None:
        kept = {path.read_bytes() for path in self.root.rglob('*') if path.is_file()}
        lost = self.edits - kept
        if lost:
            raise PromiseBrokenError(f'the edits of a user are lost: {lost}')


_KNOWN = frozenset({'a.zip', 'a', '.dlmachine'})


def play(tape: bytes, root: Path) -> str:
    """Play a tape in a new folder; the promise that was broken, or an empty text."""
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    try:
        Play(root, Choices(tape)).run()
    except PromiseBrokenError as broken:
        return str(broken)
    return ''
