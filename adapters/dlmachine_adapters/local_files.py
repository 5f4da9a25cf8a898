"""Local files, and parts in files or in memory.

Contract: implements `ports.Files`; `see_path`, `see_part`, `see_extracted` and `confirm` only read.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dlmachine.core.decision.existing import occupied
from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.effects import (
    CheckCopy,
    ExtractArchive,
    KeepChanged,
    OpenPart,
    ReadChecksums,
    Unpublish,
)
from dlmachine.core.protocol.events import (
    ArchiveExtracted,
    ChangedKept,
    ChecksumsRead,
    CopyConfirmed,
    CopyMissing,
    EffectFailed,
    Unpublished,
)
from dlmachine.core.protocol.ports import Clock, Locks
from dlmachine.core.spec.destination import PathKind, PathSeen, ends_in_separator
from dlmachine_adapters.files.os_errors import storage_fault, too_large_a_list
from dlmachine_adapters.files.owners import is_open_to_all, is_own_or_roots

if TYPE_CHECKING:
    from dlmachine.core.decision.folder_state import FolderSeen
    from dlmachine_adapters.parts.part import PartialFile
    from dlmachine_adapters.uses.uses import Uses

#: Files are read in pieces of this size.
_PIECE_BYTES: Final = 1 << 20
_KNOWS_EFFECTIVE_USER: Final = os.access in os.supports_effective_ids
#: The last components of paths that do not name a file.
_NO_NAMES: Final = frozenset({'', os.curdir})


class LocalFiles:
    """The local file system."""

    def __init__(self, clock: Clock, uses: 'Uses | None' = None) -> None:
        self._clock = clock
        self._uses = uses

    def see_path(self, path: str) -> PathSeen:
        target = path
        above, name = os.path.split(target)
        if name in _NO_NAMES:
            target = str(Path(path))
            above, name = os.path.split(target)
        kind, seen_above = _kind(target), _stat(above or os.curdir)
        has_parent = seen_above is not None and stat.S_ISDIR(seen_above.st_mode)
        is_folder = kind is PathKind.FOLDER
        real_above = _real_folder(above, seen_above)
        if is_folder and seen_above is not None and _is_strangers_link(target, seen_above):
            kind, is_folder = PathKind.OTHER, False
        return PathSeen(
            kind=PathKind.OTHER if _is_of_the_kernel(real_above) else kind,
            blocker=None if has_parent or kind is PathKind.OTHER else _blocker(target),
            has_folder=is_folder if ends_in_separator(path) else has_parent,
            real_path=_real(target) if is_folder else os.path.join(real_above, name),
        )

    def see_part(self, beside: str | None, stem: str) -> PartSeen | None:
        if beside is None:
            return None
        from dlmachine_adapters.parts.folder import find_parts

        found = find_parts(beside, stem)
        return max(found, key=lambda part: part.size_bytes, default=None)

    def confirm(self, effect: CheckCopy) -> CopyConfirmed | CopyMissing:
        sha256: str | None = None
        at, uses, path = self._clock.now(), self._uses, effect.path
        # No call for what needs no note: a hit must be fast.
        if (
            uses is not None
            and path[: uses.size] == uses.prefix
            and (path not in uses.noted or not uses.since <= at < uses.until)
            and not uses.note(path, at)
        ):
            return CopyMissing(at=at)
        try:
            seen = os.stat(path)
            if (
                stat.S_ISREG(seen.st_mode)
                and effect.size_bytes in {None, seen.st_size}
                and effect.mtime_ns in {None, seen.st_mtime_ns}
                and seen.st_size >= effect.min_bytes
            ):
                checksum = effect.checksum
                sha256 = '' if checksum is None else _find_digest(path, checksum, seen)
        except OSError:
            pass
        return CopyMissing(at=at) if sha256 is None else CopyConfirmed(at=at, sha256=sha256)

    def keep_changed(self, effect: KeepChanged) -> ChangedKept | EffectFailed:
        from dlmachine.core.maintenance.verification import QuarantineNote
        from dlmachine_adapters.files.quarantine import move_to_quarantine

        path, now = effect.copy.path, self._clock.now
        if isinstance(self.confirm(effect.copy), CopyConfirmed) or not os.path.lexists(path):
            return ChangedKept(at=now())
        note = QuarantineNote(reason='it was changed after its download', at=now(), was=path)
        folder, name = os.path.split(path)
        try:
            kept = move_to_quarantine(folder or os.curdir, Path(folder, name), note)
        except FileNotFoundError:
            return ChangedKept(at=now())
        except OSError as error:
            return EffectFailed(at=now(), fault=storage_fault(error, 'move', path))
        return ChangedKept(at=now(), path=kept)

    def read_checksums(self, effect: ReadChecksums) -> ChecksumsRead | EffectFailed:
        from dlmachine.core.integrity.checksum_file import read_list

        path = str(effect.path)
        try:
            with open(path, 'rb') as file:
                data = file.read(effect.max_bytes + 1)
        except OSError as error:
            return EffectFailed(at=self._clock.now(), fault=storage_fault(error, 'read', path))
        if len(data) > effect.max_bytes:
            fault = too_large_a_list(path, effect.max_bytes)
            return EffectFailed(at=self._clock.now(), fault=fault)
        return ChecksumsRead(at=self._clock.now(), text=read_list(data))

    def open_part(self, effect: OpenPart) -> 'PartialFile | EffectFailed':
        from dlmachine_adapters.parts.file_store import is_taken
        from dlmachine_adapters.parts.folder import adopt_part, create_part
        from dlmachine_adapters.parts.part import PartialFile
        from dlmachine_adapters.parts.part_storage import MemoryStorage

        if effect.beside is None:
            return PartialFile(MemoryStorage(), self._clock)
        folder = effect.beside
        try:
            _check_writable(folder)
            if effect.new_path and is_taken(effect.new_path):
                return EffectFailed(at=self._clock.now(), fault=occupied(effect.new_path))
            if effect.source:
                from dlmachine_adapters.parts.copies import storage_of_copy

                return PartialFile(storage_of_copy(effect), self._clock)
            if effect.adopt is not None:
                adopted = adopt_part(folder, effect.stem, effect.adopt)
                if adopted is not None:
                    return PartialFile(adopted, self._clock, effect.adopt.size_bytes)
            return PartialFile(create_part(folder, effect.stem), self._clock)
        except OSError as error:
            return EffectFailed(at=self._clock.now(), fault=storage_fault(error, 'create', folder))

    def unpublish(self, effect: Unpublish) -> Unpublished | EffectFailed:
        try:
            Path(effect.path).unlink(missing_ok=True)
        except OSError as error:
            fault = storage_fault(error, 'remove', effect.path)
            return EffectFailed(at=self._clock.now(), fault=fault)
        return Unpublished(at=self._clock.now())

    def extract(
        self, effect: ExtractArchive, locks: Locks, check: Callable[[], None], *password: Any
    ) -> ArchiveExtracted | EffectFailed:
        extracting = import_module('dlmachine_adapters.archives.extract_archive')
        return extracting.perform(effect, locks, self._clock.now, check, *password)  # type: ignore[no-any-return]

    def see_extracted(self, effect: ExtractArchive) -> 'FolderSeen':
        return import_module('dlmachine_adapters.archives.extract_archive').see_folder(effect)  # type: ignore[no-any-return]


def _check_writable(folder: str) -> None:
    # Parts are in a folder of their own, so this would be known only after the transfer.
    is_writable = os.access(folder, os.W_OK | os.X_OK, effective_ids=_KNOWS_EFFECTIVE_USER)
    if not is_writable and os.path.isdir(folder):
        number = errno.EROFS if _is_read_only(folder) else errno.EACCES
        raise OSError(number, os.strerror(number), folder)


def _is_read_only(folder: str) -> bool:
    """Whether a folder is on a file system that nobody may write to."""
    statvfs = getattr(os, 'statvfs', None)  # Windows has none.
    return statvfs is not None and bool(statvfs(folder).f_flag & os.ST_RDONLY)


def _find_digest(path: str, checksum: Checksum, seen: os.stat_result) -> str | None:
    """The SHA-256 of a file that has a checksum; None if it does not."""
    names = dict.fromkeys(('sha256', checksum.algorithm))
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    with open(path, 'rb') as file:
        while data := file.read(_PIECE_BYTES):
            for digest in digests.values():
                digest.update(data)
    after = os.stat(path)
    # The file must not change while it is read.
    is_same = (after.st_ino, after.st_mtime_ns) == (seen.st_ino, seen.st_mtime_ns)
    is_right = digests[checksum.algorithm].hexdigest() == checksum.hex
    return digests['sha256'].hexdigest() if is_same and is_right else None


def _kind(path: str) -> PathKind:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        # A dangling link is replaced like a file; a file cannot have a name that is too long.
        return PathKind.OTHER if error.errno == errno.ENAMETOOLONG else PathKind.MISSING
    except ValueError:
        return PathKind.MISSING
    if stat.S_ISDIR(mode):
        return PathKind.FOLDER
    return PathKind.FILE if stat.S_ISREG(mode) else PathKind.OTHER


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def split_plainly(path: str) -> tuple[str, str]:
    """The folder and the name of a file; no name if the path is an odd one.

    >>> [split_plainly(path) for path in ('/data/x', 'x', 'data//x', '/x', 'data/')]
    [('/data', 'x'), ('', 'x'), ('', ''), ('', ''), ('data', '')]
    """
    folder, separator, name = path.rpartition(os.sep)
    # Doubled separators, files at the root, and two kinds of separators are rare.
    is_odd = bool(separator) and (not folder or folder[-1] == os.sep)
    return ('', '') if is_odd or name == os.curdir or os.altsep else (folder, name)


def see_folder(folder: str) -> str | None:
    """The real path of a folder; None if it is not one, or not one for files."""
    try:
        seen = os.stat(folder or os.curdir)
    except (OSError, ValueError):
        return None
    if not stat.S_ISDIR(seen.st_mode):
        return None
    real = _real_again(folder, seen.st_dev, seen.st_ino, seen.st_ctime_ns)
    return None if _is_of_the_kernel(real) else real


def _is_strangers_link(path: str, above: os.stat_result) -> bool:
    # In a folder that is open to all, such a link could lead a download anywhere. Linux refuses it
    # too, unless `fs.protected_symlinks` is off.
    if not is_open_to_all(above):
        return False
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISLNK(seen.st_mode) and not is_own_or_roots(seen)


def _real_folder(path: str, seen: os.stat_result | None) -> str:
    # Many files have one folder, whose links need not be resolved for each.
    if seen is None:
        return _real(path)
    return _real_again(path, seen.st_dev, seen.st_ino, seen.st_ctime_ns)


@lru_cache(maxsize=1024)
def _real_again(path: str, *_: int) -> str:
    return _real(path)


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except OSError:  # The current folder has been removed; nothing can be written below it.
        return path


def _is_of_the_kernel(parent: str) -> bool:
    # /dev/stdout is a link to the output; root would replace it for every process.
    return parent == '/dev' or parent[:6] == '/proc/'


def _blocker(path: str) -> str | None:
    for parent in Path(path).parents:
        kind = _kind(str(parent))
        if kind is not PathKind.MISSING:
            return None if kind is PathKind.FOLDER else str(parent)
    return None
