"""Read the lockfile of a manifest, compare both, and write it.

The lockfile of `data.toml` is `data.toml.lock`. What is in it is decided by the pure functions of
`dlmachine.core.manifest`.
"""

import os
from collections.abc import Iterable, Mapping
from functools import partial
from hashlib import file_digest, sha256
from os import fsdecode
from pathlib import Path
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.batch.items import BatchSuccess
from dlmachine.config import Config
from dlmachine.core.cache.key import shown_url
from dlmachine.core.faults import Fault, InvalidInput, LockOutdated
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.manifest.comparison import (
    LockDifference,
    LockedChange,
    compare_lock,
    find_changes,
    find_repeated,
)
from dlmachine.core.manifest.entry_digest import entry_digest
from dlmachine.core.manifest.item import Item
from dlmachine.core.manifest.lock import (
    DAMAGED,
    Lock,
    LockedFile,
    make_lock,
    parse_lock,
    read_written,
    write_lock,
)
from dlmachine.core.probe.result import KnownVersion
from dlmachine.core.spec.option_parsers import read_bool
from dlmachine.documents.reader import read_text_file, read_toml
from dlmachine.errors import error_for, unwrap
from dlmachine.manifest import read_manifest
from dlmachine.options.rules import Defaults
from dlmachine.paths import PathInput, expand

#: The environment variable that makes every lockfile frozen.
FROZEN_VARIABLE: Final = 'DLMACHINE_FROZEN'


@frozen
class Locking:
    """A manifest, its entries with their digests, and its lockfile.

    `found` is the digest of the text of the lockfile, which may be large; None without a lockfile.
    """

    manifest: str
    items: Mapping[str, Item]
    digests: Mapping[str, str]
    path: str
    found: bytes | None
    #: What the lockfile has, by the names of the entries.
    locked: Mapping[str, LockedFile]
    #: The same without entries that have changed since.
    pinned: Mapping[str, LockedFile]
    difference: LockDifference

    def check(self) -> None:
        """Raises: RequestError unless the lockfile agrees with the manifest."""
        if self.found is None:
            raise error_for(LockOutdated(path=self.path, problem='it does not exist'))
        if not self.difference.is_empty:
            problem = (
                f'{printable(self.manifest)} has changed since it was locked: {self.difference}'
            )
            entries = self.difference.entries
            raise error_for(LockOutdated(path=self.path, problem=problem, entries=entries))


def read_locking(
    config: Config,
    manifest: PathInput,
    *,
    allow_outside: bool = False,
    base_url: str | None = None,
) -> Locking:
    """Read a manifest and its lockfile.

    Raises: RequestError for a manifest with a bad entry, or a damaged lockfile.
    """
    name = expand(fsdecode(manifest))
    read = partial(read_manifest, name, allow_outside=allow_outside, base_url=base_url)
    items = unwrap(read(config.defaults))
    bad = next((item.fault for item in items if item.fault is not None), None)
    if bad is not None:
        raise error_for(bad)
    twice = find_repeated((item.name, item) for item in items)
    if twice is not None:
        advice = 'Give each entry a name of its own: a lockfile tells them apart by it'
        problem = f'has two entries named {twice!r}'
        raise error_for(InvalidInput(where=printable(name), problem=problem, advice=advice))
    by_name = {item.name: item for item in items}
    path = f'{name}.lock'
    found = _read_text(path)
    lock = Lock() if found is None else unwrap(_parse(found, path))
    # A user's own settings are no part of an entry, except the names of secrets.
    names = {word: value for word, value in config.described.items() if word == 'secret_names'}
    is_plain = names == config.described and not config.defaults.rules
    plain = items if is_plain else unwrap(read(Defaults(described=names)))
    digests = {item.name: _digest(item) for item in plain}
    difference = compare_lock(digests, lock)
    unlocked = difference.unlocked
    locked = {file.name: file for file in lock.files}
    # Of equal texts, one is kept.
    for one, file in locked.items():
        if digests.get(one) == file.entry:
            digests[one] = file.entry
    return Locking(
        manifest=name,
        items=by_name,
        digests=digests,
        path=path,
        found=None if found is None else _text_digest(found),
        locked=locked,
        pinned={one: file for one, file in locked.items() if one not in unlocked},
        difference=difference,
    )


def locked_versions(manifest: str, items: Iterable[Item]) -> dict[str, KnownVersion]:
    """The locked version of each entry that has not changed since then; none without a lockfile.

    Raises: RequestError for a damaged lockfile.
    """
    path = f'{expand(manifest)}.lock'
    found = _read_text(path)
    if found is None:
        return {}
    lock = unwrap(_parse(found, path))
    files = {file.name: file for file in lock.files}
    return {
        item.name: KnownVersion(
            etag=file.etag, last_modified=file.last_modified, size_bytes=file.size
        )
        for item in items
        if (file := files.get(item.name)) is not None and file.entry == _digest(item)
    }


@frozen
class LockWritten:
    """Whether a lockfile was written, and the entries whose bytes changed in it."""

    is_written: bool = False
    changes: tuple[LockedChange, ...] = ()


def write_locking(locking: Locking, found: Mapping[str, LockedFile]) -> LockWritten:
    """Write the lockfile with these files, by the names of their entries, if it changes.

    Raises: LocalError if it cannot be written.
    """
    from dlmachine_adapters.files.atomic import replace_text
    from dlmachine_adapters.files.os_errors import storage_fault

    if locking.found is not None and not found and locking.difference.is_empty:
        return LockWritten()
    kept = {name: file for name, file in locking.pinned.items() if name in locking.items}
    files = {**kept, **found}
    text = write_lock(make_lock(files.values()))
    if _text_digest(text) == locking.found:
        return LockWritten()
    try:
        replace_text(Path(locking.path), text)
    except OSError as error:
        raise error_for(storage_fault(error, 'write', locking.path)) from error
    return LockWritten(is_written=True, changes=find_changes(locking.locked, files))


def locked_file(done: BatchSuccess[Item], locking: Locking) -> LockedFile:
    """What the lockfile says about a downloaded file."""
    item, record = done.input, done.outcome.record
    if item.descriptor is None:
        msg = 'an entry without a descriptor is never downloaded'
        raise AssertionError(msg)
    if record is None:  # Another program stored it in the cache.
        with Path(str(done.path)).open('rb') as file:
            digest, size = file_digest(file, 'sha256').hexdigest(), file.tell()
    else:
        digest, size = record.sha256, record.size_bytes
    redactor = item.descriptor.redactor
    etag, last_modified = (
        None if value is None else redactor.text(value)
        for value in (getattr(record, 'etag', None), getattr(record, 'last_modified', None))
    )
    return LockedFile(
        name=item.name,
        url=shown_url(item.descriptor),
        entry=locking.digests[item.name],
        size=size,
        sha256=digest,
        etag=etag,
        last_modified=last_modified,
    )


def _read_text(path: str) -> str | None:
    """The text of a lockfile; None without one."""
    if not os.path.lexists(path):
        return None
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 -- a pipe blocks
        where, problem = printable(path), 'is not a regular file'
        raise error_for(InvalidInput(where=where, problem=problem, advice=DAMAGED))
    return unwrap(read_text_file(path))


def _parse(text: str, path: str) -> Result[Lock, Fault]:
    written = read_written(text)
    if written is not None:
        return Success(written)
    name = printable(path)
    read = read_toml(text, name)
    if not is_successful(read):
        fault: Any = read.failure()
        return Failure(replace(fault, advice=DAMAGED))
    return parse_lock(read.unwrap(), name)


def _text_digest(text: str) -> bytes:
    return sha256(text.encode('utf-8', 'surrogateescape')).digest()


def _digest(item: Item) -> str:
    return '' if item.descriptor is None else entry_digest(item.descriptor, item.policy)


def locked_digests(path: PathInput) -> frozenset[str]:
    """The SHA-256 digests of the files in a lockfile.

    Raises: RequestError for a lockfile that does not exist or is damaged.
    """
    return frozenset(file.sha256 for file in read_lock(path).files)


def read_lock(path: PathInput) -> Lock:
    """Read a lockfile.  Raises: RequestError for one that does not exist or is damaged."""
    name = expand(fsdecode(path))
    found = _read_text(name)
    if found is None:
        advice = 'Check the path: the lockfile of data.toml is data.toml.lock'
        raise error_for(
            InvalidInput(where=printable(name), problem='does not exist', advice=advice)
        )
    return unwrap(_parse(found, name))


def frozen_by_environment() -> bool:
    """Whether the environment freezes all lockfiles: DLMACHINE_FROZEN=1.

    Raises: RequestError for another value than true or false.
    """
    return bool(unwrap(read_bool(FROZEN_VARIABLE, os.environ.get(FROZEN_VARIABLE, ''))))
