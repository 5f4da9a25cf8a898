"""A file system in memory, whose operations can be made to fail."""

import errno
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import new
from pathlib import PurePath

from dlmachine.core.decision.existing import occupied
from dlmachine.core.decision.folder_state import FolderSeen
from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.faults import DestinationUnusable
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum_file import read_list
from dlmachine.core.protocol import effects, events
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.ports import Clock, Locks, PartError
from dlmachine.core.spec.destination import PathKind, PathSeen, ends_in_separator
from dlmachine.core.spec.reuse import Extracted
from dlmachine_adapters.archives.packed_errors import PackedFileError
from dlmachine_adapters.fakes.extraction import MemoryExtraction
from dlmachine_adapters.fakes.part_storage import DiskStorage, ReleasedPart
from dlmachine_adapters.files.os_errors import storage_fault, too_large_a_list
from dlmachine_adapters.parts.part import PartialFile
from dlmachine_adapters.parts.part_storage import MemoryStorage


@dataclass(slots=True)
class _Failure:
    """A planned failure of an operation, once `after_bytes` have been written."""

    operation: str
    code: int
    after_bytes: int


class MemoryFiles:
    """Files in a dict; a folder exists if there is a file in it.

    >>> import errno
    >>> from dlmachine_adapters.fakes.clock import ManualClock
    >>> files = MemoryFiles(ManualClock())
    >>> files.fail_next('create', errno.ENOSPC)
    >>> files.open_part(effects.OpenPart(beside='/data', stem='x')).fault.problem
    'no space left on device'
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._contents: dict[str, bytes] = {}
        self._mtimes: dict[str, int] = {}
        self._failures: list[_Failure] = []
        self._left: dict[str, ReleasedPart] = {}
        self._numbers: Counter[str] = Counter()
        #: The simulated free space in bytes; None if unknown.
        self.free_bytes: int | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all files."""
        return tuple(sorted(self._contents))

    @property
    def left_parts(self) -> int:
        """The number of parts that were kept for a later run."""
        return len(self._left)

    def read(self, path: str) -> bytes:
        """The content of a file.  Raises: KeyError."""
        return self._contents[_normal(path)]

    def write(self, path: str, data: bytes) -> None:
        """Write a file, as another program would."""
        self._contents[_normal(path)] = data
        self._numbers['writes'] += 1
        self._mtimes[_normal(path)] = self._numbers['writes']

    def remove(self, path: str) -> None:
        """Remove a file, as another program would.  Raises: KeyError."""
        del self._contents[_normal(path)]

    def fail_next(self, operation: str, code: int, after_bytes: int = 0) -> None:
        """Let the next call of an operation fail with an `errno` code.

        Operations are `create`, `write`, `truncate`, `publish` and `remove`. A write fails if its
        part would hold more than `after_bytes`; a truncation, at the beginning of a body, if it
        holds that many.
        """
        self._failures.append(_Failure(operation, code, after_bytes))

    def file_bytes(self, path: str) -> int | None:
        """The size of a file; None if there is none."""
        content = self._contents.get(_normal(path))
        return None if content is None else len(content)

    def mtime_ns(self, path: str) -> int | None:
        """Its modification time; each write changes it."""
        return self._mtimes[_normal(path)] if _normal(path) in self._contents else None

    def see_path(self, path: str) -> PathSeen:
        target = PurePath(_normal(path))
        folder = target if ends_in_separator(path) else target.parent
        blocker = next((str(p) for p in target.parents if str(p) in self._contents), None)
        has_folder = self._kind(folder) is PathKind.FOLDER
        return PathSeen(
            kind=self._kind(target), blocker=blocker, has_folder=has_folder, real_path=str(target)
        )

    def see_part(self, beside: str | None, stem: str) -> PartSeen | None:
        if beside is None:
            return None
        location = _normal(beside), stem
        found = (left.seen for left in self._left.values() if left.location == location)
        return max(found, key=lambda part: part.size_bytes, default=None)

    def keep_changed(self, effect: effects.KeepChanged) -> events.ChangedKept | events.EffectFailed:
        path, at = _normal(effect.copy.path), self._clock.now()
        if path not in self._contents or isinstance(
            self.confirm(effect.copy), events.CopyConfirmed
        ):
            return events.ChangedKept(at=at)
        kept = f'{path}.changed'
        self._contents[kept] = self._contents.pop(path)
        return events.ChangedKept(at=at, path=kept)

    def confirm(self, effect: effects.CheckCopy) -> events.CopyConfirmed | events.CopyMissing:
        content, at = self._contents.get(_normal(effect.path)), self._clock.now()
        if content is None or effect.size_bytes not in {None, len(content)}:
            return events.CopyMissing(at=at)
        if effect.mtime_ns not in {None, self.mtime_ns(effect.path)}:
            return events.CopyMissing(at=at)
        checksum = effect.checksum
        if len(content) < effect.min_bytes:
            return events.CopyMissing(at=at)
        if checksum is None:
            return events.CopyConfirmed(at=at)
        if new(checksum.algorithm, content).hexdigest() != checksum.hex:
            return events.CopyMissing(at=at)
        return events.CopyConfirmed(at=at, sha256=new('sha256', content).hexdigest())

    def read_checksums(
        self, effect: effects.ReadChecksums
    ) -> events.ChecksumsRead | events.EffectFailed:
        path, at = str(effect.path), self._clock.now()
        content = self._contents.get(_normal(path))
        if content is None:
            error = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            return events.EffectFailed(at=at, fault=storage_fault(error, 'read', path))
        if len(content) > effect.max_bytes:
            return events.EffectFailed(at=at, fault=too_large_a_list(path, effect.max_bytes))
        return events.ChecksumsRead(at=at, text=read_list(content))

    def open_part(self, effect: effects.OpenPart) -> PartialFile | events.EffectFailed:
        if effect.beside is None:
            return PartialFile(MemoryStorage(), self._clock)
        try:
            self.check('create')
        except OSError as error:
            fault = storage_fault(error, 'create', effect.beside)
            return events.EffectFailed(at=self._clock.now(), fault=fault)
        location = (_normal(effect.beside), effect.stem)
        if effect.new_path and self._contents.get(_normal(effect.new_path)):
            return events.EffectFailed(at=self._clock.now(), fault=occupied(effect.new_path))
        if effect.source:
            copy = PartialFile(DiskStorage(self, location), self._clock)
            copy.begin(StoreBody())
            copy.write(self._contents[_normal(effect.source)])
            return copy
        adopted = None if effect.adopt is None else self._left.pop(effect.adopt.name, None)
        if adopted is None:
            return PartialFile(DiskStorage(self, location), self._clock)
        storage = DiskStorage(self, location, adopted)
        return PartialFile(storage, self._clock, adopted.seen.size_bytes)

    def unpublish(self, effect: effects.Unpublish) -> events.Unpublished | events.EffectFailed:
        try:
            self.check('remove')
        except OSError as error:
            fault = storage_fault(error, 'remove', effect.path)
            return events.EffectFailed(at=self._clock.now(), fault=fault)
        self._contents.pop(_normal(effect.path), None)
        return events.Unpublished(at=self._clock.now())

    def extract(
        self, effect: effects.ExtractArchive, locks: Locks, check: Callable[[], None]
    ) -> events.ArchiveExtracted | events.EffectFailed:
        folder = _normal(effect.folder)
        found = {name for name in self._contents if name.startswith(f'{folder}/')}
        extraction = MemoryExtraction(self._contents.get(_normal(effect.archive)), effect, check)
        try:
            members = extraction.run()
        except (PackedFileError, PartError) as error:
            return events.EffectFailed(at=self._clock.now(), fault=error.fault)
        files = {f'{folder}/{path}': data for path, data in members.items()}
        restored = [path for path, data in files.items() if self._contents.get(path) != data]
        other = min(found - files.keys(), default=None)
        if other is not None:
            fault = DestinationUnusable(path=folder, problem=f'it has another file, {other}')
            return events.EffectFailed(at=self._clock.now(), fault=fault)
        for path in restored:
            self.write(path, files[path])
        extracted = Extracted(folder=folder, files=(*files,), restored=(*restored,))
        return events.ArchiveExtracted(at=self._clock.now(), extracted=extracted)

    def see_extracted(self, effect: effects.ExtractArchive) -> FolderSeen:
        start = f'{_normal(effect.folder)}/'
        is_there = any(name.startswith(start) for name in self._contents)
        return FolderSeen(is_there=is_there, is_folder=is_there)

    def check(self, operation: str, held_bytes: int = 0) -> None:
        """Fail if a failure of this operation is due.  Raises: OSError."""
        for failure in self._failures:
            if failure.operation == operation and held_bytes >= failure.after_bytes:
                self._failures.remove(failure)
                raise OSError(failure.code, os.strerror(failure.code))

    def leave(self, part: ReleasedPart) -> None:
        """Keep a part for a later run."""
        self._numbers['parts'] += 1
        name = f'part-{self._numbers["parts"]}'
        self._left[name] = ReleasedPart(part.location, part.data, replace(part.seen, name=name))

    def _kind(self, target: PurePath) -> PathKind:
        if str(target) in self._contents:
            return PathKind.FILE
        is_folder = any(target in PurePath(path).parents for path in self._contents)
        return PathKind.FOLDER if is_folder else PathKind.MISSING


def _normal(path: str) -> str:
    return str(PurePath(path))
