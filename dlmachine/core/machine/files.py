"""What a run does about the recorded file at its destination: effects and updates.

Pure. A file is recorded once it has its name, so a crash leaves a file without a row, never a row
without its file. Until then a note beside the part describes it.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import PurePath

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.freshness import must_read
from dlmachine.core.cache.key import shown_url
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import FileRecord
from dlmachine.core.decision.existing import replaces
from dlmachine.core.decision.others import bytes_of
from dlmachine.core.decision.part_location import part_place, part_stem
from dlmachine.core.decision.verdict import Reason
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.validators import parse_http_date
from dlmachine.core.protocol.effects import AcquireLock, CheckCopy, KeepChanged, OpenPart
from dlmachine.core.protocol.events import CacheFilled
from dlmachine.core.protocol.job import Job
from dlmachine.core.spec.destination import AtPath, Auto, Destination, InFolder, InMemory
from dlmachine.core.spec.local_path import path_in
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import FileTime
from dlmachine.core.transfer.file_name import name_file
from dlmachine.core.transfer.provenance import adopt_record


def lock_of(key: str, destination: Destination, patience: timedelta) -> AcquireLock | None:
    """The lock for writing to a destination: one for each entry of the cache, and for each path.

    A file that the response will name is locked by its key.
    """
    match destination:
        case InMemory():
            return None
        case AtPath(path=path):
            # Some file systems ignore case.
            name = sha256(PurePath(path).name.casefold().encode('utf-8', 'surrogateescape'))
            folder = str(PurePath(path).parent)
            return AcquireLock(key=name.hexdigest(), patience=patience, folder=folder)
        case InFolder(folder=folder):
            return AcquireLock(key=key, patience=patience, folder=folder)
        case _:
            return AcquireLock(key=key, patience=patience)


def cache_policy(policy: Policy) -> Policy:
    """The policy of the run that fills the cache for a file at a path."""
    return replace(
        policy,
        dest=Auto(),
        freshness=policy.freshness_rule(is_at_path=True),
        check_freshness=False,
        if_exists=None,
        via_cache=False,
        link=None,
        mtime=None,
        extract=None,
    )


def entry_for_key(job: Job, entry: CacheEntry, record: DownloadRecord, at: datetime) -> CacheFilled:
    """The entry of another key, with the record that its bytes get under the key of this run."""
    if job.decision.reason is Reason.SAME_CONTENT:
        # The validators are those of another URL.
        adopted = adopt_record(job, entry, record.sha256, at)
        url = adopted.url
        name = name_file(Headers(), url, job.descriptor.redactor)
        known = replace(adopted, filename=name, notes=())
    else:
        descriptor = job.descriptor
        known = replace(
            record,
            url=shown_url(descriptor),
            key_without=descriptor.key_without,
            key_ignores_query=descriptor.key_ignores_query,
        )
    note = bytes_of(record)
    notes = known.notes if note in known.notes else (*known.notes, note)
    return CacheFilled(at=at, path=entry.path, record=replace(known, notes=notes))


def copy_of_cache(job: Job, filled: CacheFilled) -> OpenPart:
    """The effect that opens a part with the bytes of an entry of the cache."""
    dest, destination = job.policy.dest, job.decision.destination
    folder = None if job.snapshot.cache is None else job.snapshot.cache.folder
    new_path, is_folder = '', isinstance(destination, InFolder)
    if isinstance(destination, InFolder):
        path = path_in(destination.folder, filled.record.filename)
        new_path = '' if replaces(job.policy, path) else path
    return OpenPart(
        beside=part_place(dest, folder, is_folder=is_folder),
        stem=part_stem(job.key, dest),
        source=filled.path,
        sha256=filled.record.sha256,
        link=job.policy.link,
        new_path=new_path,
    )


def time_of_server(policy: Policy, record: DownloadRecord) -> int | None:
    """The modification time that a file gets from the server, in ns; None if it keeps its own."""
    at = parse_http_date(record.last_modified) if policy.mtime is FileTime.SERVER else None
    return None if at is None else round(at.timestamp()) * 1_000_000_000


def next_version(job: Job) -> int:
    """The version of a new file: one more than that of the recorded one."""
    entry = None if job.snapshot.file is None else job.snapshot.file.entry
    return 1 if entry is None else entry.version + 1


def may_replace(job: Job, path: str) -> bool:
    """Whether the new file may replace one that has its path."""
    file = job.snapshot.file
    if replaces(job.policy, path):
        return True
    if file is None or not isinstance(job.decision.destination, AtPath):
        return False
    # Otherwise nothing was there, or it was decided to replace it.
    if file.entry is None:
        return file.other is not None
    return file.entry.file_bytes is not None


def protection(job: Job) -> KeepChanged | None:
    """The effect that keeps a changed file from being replaced; None if there is none."""
    entry = job.decision.entry
    if not isinstance(job.decision.destination, AtPath) or job.snapshot.file is None:
        return None
    if entry is None or job.decision.is_of_other_key:  # That one is not in the way.
        entry = job.snapshot.file.entry
    if entry is None or entry.record is None or (entry.file_bytes is None and not job.wrong):
        return None
    record, checksum = entry.record, must_read(entry, None)
    copy = CheckCopy(
        path=entry.path,
        size_bytes=record.size_bytes,
        mtime_ns=record.mtime_ns if checksum is None else None,
        checksum=checksum,
    )
    return KeepChanged(copy=copy)


def file_record(
    job: Job, record: DownloadRecord, path: str, version: int, *, is_new: bool = False
) -> FileRecord:
    """The row of a published file."""
    where = PurePath(path)
    return FileRecord(
        key=job.key,
        folder=str(where.parent),
        name=where.name,
        version=version,
        record=record,
        is_new=is_new,
    )


def adopted(job: Job, entry: CacheEntry, digest: str, at: datetime) -> CacheEntry:
    """A file that was not recorded, as an entry with a record, after its digest was confirmed."""
    record = adopt_record(job, entry, digest, at)
    return replace(entry, version=next_version(job), record=record)
