"""The invariants of recorded files: files at paths that users change while downloads run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from dlmachine.core.cache.record import DownloadRecord, parse_record
from dlmachine.core.decision.existing import if_exists
from dlmachine.core.decision.snapshot import FileSeen
from dlmachine.core.protocol.effects import CheckCopy
from dlmachine.core.protocol.events import CopyConfirmed
from dlmachine.core.spec.reuse import Freshness, IfExists
from property_tests.simulation.disk import Inode, parent
from property_tests.simulation.index import WORKING
from property_tests.simulation.processes import Process, require
from property_tests.simulation.requests import Target
from property_tests.simulation.system import nanoseconds
from property_tests.simulation.world import Attempt, Shared


@dataclass(frozen=True)
class Known:
    """What is true of a path: it is recorded for a key, `is_exact` with the file that is there."""

    path: str
    record: DownloadRecord
    inode: Inode | None
    is_exact: bool


@dataclass(eq=False)
class Look:
    """What a process saw when it looked at a path, and what was true then."""

    step: int
    known: Known | None
    is_sure: bool = False
    #: Whether an empty file was there, which may be replaced.
    is_empty: bool = False


@dataclass(eq=False)
class RecordedFiles:
    """Checks what downloads believe of files, and what they replace.

    `edits` are the files that a user wrote, with their bytes and the step of the last change;
    `disturbed` are the paths where a user changed anything, or a changed file was moved away;
    `contended` are those that downloads with different keys wanted at the same time.
    """

    shared: Shared
    edits: dict[Inode, tuple[bytes, int]] = field(default_factory=dict)
    disturbed: set[str] = field(default_factory=set)
    contended: set[str] = field(default_factory=set)
    attempts: dict[Process, Attempt] = field(default_factory=dict)
    looks: dict[Process, Look] = field(default_factory=dict)
    #: Hits that must not cost a request.
    hits: set[Process] = field(default_factory=set)
    #: Published files, with their key, path and bytes.
    finished: dict[Inode, tuple[str, str, bytes]] = field(default_factory=dict)
    guarded: dict[tuple[Process, str], int] = field(default_factory=dict)
    believed: dict[tuple[Process, str], bytes] = field(default_factory=dict)

    def looked_up(self, attempt: Attempt, folder: str, name: str, seen: FileSeen) -> None:
        """Check what a process learned of a path."""
        shared, process, is_first = self.shared, attempt.process, attempt.process not in self.looks
        self.attempts[process] = attempt
        self._note_contention(attempt)
        data = self._bytes(seen.path) if seen.path else None
        is_empty = seen.other is not None and seen.other.file_bytes == 0
        look = self.looks[process] = Look(shared.kernel.steps, None, is_empty=is_empty)
        if seen.fault is not None or not shared.indexes.is_unchanged(process):
            return
        known = look.known = self._known(folder.rstrip('/'), name, attempt.target.key)
        look.is_sure = True
        entry = seen.entry
        if known is not None and known.is_exact:
            require(entry is not None, f'{known.path} is recorded, and is not known')
        if self._is_finished(attempt.target, seen):
            require(entry is not None, f'a finished file in {folder} was forgotten')
        if entry is not None and entry.record is not None and entry.is_usable:
            right = data is not None and _sha(data) == entry.record.sha256
            require(right or not entry.is_as_recorded, f'a row is believed of {data!r}')
            if is_first and right and known is not None and _is_hit(attempt, known):
                self.hits.add(process)

    def confirmed(self, attempt: Attempt, effect: CheckCopy, event: object) -> None:
        """Note the bytes that a process is about to use."""
        path, read = effect.path, self.shared.kernel.contents
        data = self._bytes(path)
        if effect.checksum is not None:
            data = read.get((attempt.process, path))
        if isinstance(event, CopyConfirmed) and data is not None:
            self.believed[attempt.process, path] = data
            inode = self.shared.kernel.disk.names.get(path)
            is_read = effect.checksum is not None and inode in self.finished
            if inode is not None and is_read and self.finished[inode][0] != attempt.target.key:
                # With the expected checksum it becomes the file of the download that uses it.
                del self.finished[inode]
        else:
            self.hits.discard(attempt.process)

    def guarding(self, attempt: Attempt, path: str) -> None:
        """Note when a process looks for a changed file in its way."""
        self.guarded[attempt.process, path] = self.shared.kernel.steps

    def losing(self, path: str) -> None:
        """Check that a process may take the name of the file at a path, or its file away."""
        kernel = self.shared.kernel
        victim, process = kernel.disk.names.get(path), kernel.current
        if victim is None or process is None or not _is_users(path):
            return
        attempt, look = self.attempts.get(process), self.looks.get(process)
        if attempt is None or look is None:
            return
        known, guarded = look.known, self.guarded.get((process, path))
        is_changed = known is not None and known.path == path
        is_changed = is_changed and known is not None and _sha(victim.data) != known.record.sha256
        edited = self.edits.get(victim)
        if edited is not None and is_changed:
            since = look.step if guarded is None else guarded
            require(edited[1] >= since, f'the edited file at {path} was lost')
        choice = if_exists(attempt.target.policy, path)
        is_forced = choice is IfExists.KEEP and attempt.target.policy.force_download
        if choice is IfExists.REPLACE or is_forced or not kernel.disk.has_links:
            return
        # Without links a name can be taken between the look and the rename.
        require(
            guarded is not None or not victim.data or (look.is_empty and choice is IfExists.KEEP),
            f'{path} was replaced, although if_exists is {choice.value}',
        )

    def moving(self, path: str) -> None:
        """Check that a process moves only a file away that is recorded for its key."""
        process = self.shared.kernel.current
        look = None if process is None else self.looks.get(process)
        if look is None or not _is_users(path):
            return
        self.disturbed.add(path)
        if not look.is_sure:
            return
        is_own = look.known is not None and look.known.path == path
        require(is_own, f'{path} was moved away, and is not recorded for this download')

    def published(self, path: str) -> None:
        """Check that a new file at a path has a note, before it is recorded."""
        kernel = self.shared.kernel
        inode, process = kernel.disk.names[path], kernel.current
        if process is None:
            return
        self.believed[process, path] = inode.data  # What it saw before is gone.
        if not self._is_calm(path) or not _is_users(path):
            return
        notes = self._notes(parent(path))
        require(any(found == inode.number for found, *_ in notes), f'{path} has no note')
        self.finished[inode] = self.attempts[process].target.key, path, inode.data

    def _is_finished(self, target: Target, seen: FileSeen) -> bool:
        # Whether an earlier run has published the file, and nobody has touched it since.
        names, paths = (
            self.shared.kernel.disk.names,
            {seen.path} if seen.path else set(target.paths),
        )
        for inode, (key, path, data) in self.finished.items():
            is_there = names.get(path) is inode and inode.data is data and path in paths
            if key == target.key and is_there and self._is_calm(path):
                return True
        return False

    def _is_calm(self, path: str) -> bool:
        # Whether notes are safe: they are not synced, and the record of a name removes all of them.
        kernel = self.shared.kernel
        is_safe = not kernel.failures and kernel.boot == 1 and self.shared.locks.mode == 'works'
        return is_safe and path not in self.contended

    def _note_contention(self, attempt: Attempt) -> None:
        for one in self.attempts.values():
            if one.process.is_runnable and one.target.key != attempt.target.key:
                self.contended |= set(one.target.paths) & set(attempt.target.paths)

    def check_request(self, attempt: Attempt) -> None:
        """A recorded and unchanged file costs no request, unless it has to be checked."""
        is_hit = attempt.process in self.hits
        require(not is_hit, 'a request was sent for a file that is recorded and unchanged')

    def used(self, process: Process, path: str) -> bytes | None:
        """The bytes that a process has used from a path, rather than what is there by now."""
        return self.believed.get((process, path))

    def touched(self, path: str) -> None:
        """A user has changed the times of a file."""
        self.disturbed.add(path)

    def edited(self, path: str) -> None:
        """A user has changed the file at a path, or its name."""
        inode = self.shared.kernel.disk.names.get(path)
        self.disturbed.add(path)
        if inode is not None:
            self.edits[inode] = inode.data, self.shared.kernel.steps

    def _known(self, folder: str, name: str, key: str) -> Known | None:
        if name:
            return self._known_as(folder, name, key)
        rows = [row for row in self.shared.indexes.rows(folder) if row.file.key == key]
        if rows:
            latest = max(rows, key=lambda row: row.seen_ns)
            return self._known_as(folder, latest.file.name, key)
        noted = (self._known_as(folder, name, key) for _, name, _, _ in self._notes(folder))
        return next((one for one in noted if one is not None), None)

    def _known_as(self, folder: str, name: str, key: str) -> Known | None:
        disk, path = self.shared.kernel.disk, f'{folder}/{name}'
        inode = disk.names.get(path)
        if inode is not None and inode.target is not None:
            inode = disk.names.get(inode.target)
        row = next((row for row in self.shared.indexes.rows(folder) if row.file.name == name), None)
        if row is not None and (inode is None or row.identity[0] == inode.number):
            is_exact = inode is not None and _is_as_recorded(inode, row.file.record)
            return Known(path, row.file.record, inode, is_exact) if row.file.key == key else None
        for number, noted, noted_key, record in self._notes(folder):
            if noted == name and inode is not None and number == inode.number:
                is_exact = len(inode.data) == record.size_bytes
                return Known(path, record, inode, is_exact) if noted_key == key else None
        is_own = row is not None and row.file.key == key
        return Known(path, row.file.record, inode, False) if is_own and row is not None else None

    def _notes(self, folder: str) -> Iterator[tuple[int, str, str, DownloadRecord]]:
        disk = self.shared.kernel.disk
        for path, inode in disk.names.items():
            if path.rpartition('/')[0] not in {f'{folder}/{ours}/published' for ours in WORKING}:
                continue
            number, _, text = inode.data.decode().partition('\n')
            try:
                found = json.loads(text)
            except ValueError:
                continue
            record = parse_record(found['record']).unwrap()
            yield int(number), found['name'], found['key'], record

    def _bytes(self, path: str) -> bytes | None:
        disk = self.shared.kernel.disk
        inode = disk.names.get(path.replace('//', '/'))
        if inode is not None and inode.target is not None:
            inode = disk.names.get(inode.target)
        return None if inode is None else inode.data


def _is_users(path: str) -> bool:
    return parent(path) == '/data' and not path.endswith('.claim')


def _is_hit(attempt: Attempt, known: Known) -> bool:
    policy, record = attempt.target.policy, known.record
    checksum = policy.checksum
    digest = {**dict(record.digests), 'sha256': record.sha256}
    is_right = checksum is None or digest.get(checksum.algorithm) == checksum.hex
    is_unasked = policy.freshness is Freshness.STORED or (
        policy.freshness is None and checksum is not None
    )
    is_fitting = record.size_bytes >= (policy.min_bytes or 0) and (
        policy.max_bytes is None or record.size_bytes <= policy.max_bytes
    )
    is_free = not (policy.force_download or policy.check_freshness or policy.checksum_file)
    return known.is_exact and is_right and is_unasked and is_fitting and is_free


def _is_as_recorded(inode: Inode, record: DownloadRecord) -> bool:
    is_same_time = record.mtime_ns == nanoseconds(inode.mtime)
    return is_same_time and record.size_bytes == len(inode.data)


def _sha(data: bytes) -> str:
    return sha256(data).hexdigest()
