"""Lock a manifest, and download it with the bytes of its lockfile."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from dlmachine.batch.items import BatchItem, BatchSuccess
from dlmachine.batch.methods import ManyDownloads
from dlmachine.batch.results import Results
from dlmachine.core.faults import DigestMismatch, Fault, InvalidInput, LockMismatch, LockOutdated
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.manifest.comparison import LockDifference, LockedChange
from dlmachine.core.manifest.item import Item
from dlmachine.core.manifest.lock import LockedFile
from dlmachine.core.spec.destination import Auto
from dlmachine.core.spec.options import unknown_name
from dlmachine.errors import error_for
from dlmachine.locks.lockfile import (
    FROZEN_VARIABLE,
    Locking,
    LockWritten,
    frozen_by_environment,
    locked_file,
    write_locking,
)
from dlmachine.locks.stored import Pinned, ask_server, packed, renew, use_stored, via_cache
from dlmachine.paths import DestInput, is_inside, path_text
from dlmachine_adapters.files.os_errors import storage_fault

#: Gets each result as it comes.
OnResult: TypeAlias = Callable[[BatchItem[Item]], None]


@frozen
class LockReport:
    """What `lock` or `sync` has done.

    `path` is the lockfile, `difference` how it differed from the manifest before, `results` the
    downloads (only those that failed, if each went to `on_result`), `is_written` whether the
    lockfile was written, `changes` the entries that have other bytes in it than before, and
    `removed` the removed files.
    """

    path: str
    difference: LockDifference
    results: Results[Item]
    is_written: bool = False
    changes: tuple[LockedChange, ...] = ()
    removed: tuple[str, ...] = ()

    def raise_for_failures(self) -> None:
        """Raises: ExceptionGroup with a DownloadError for each failed download, if any failed."""
        self.results.raise_for_failures()

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it; secrets are masked."""
        return {
            'path': self.path,
            'written': self.is_written,
            'difference': [{'kind': kind, 'name': name} for kind, name in self.difference.entries],
            'changes': [str(change) for change in self.changes],
            'removed': list(self.removed),
            **self.results.to_dict(),
        }


def lock_manifest(
    manager: ManyDownloads,
    locking: Locking,
    dest: DestInput = None,
    *,
    upgrade: bool | Iterable[str] = False,
    check: bool = False,
    workers: int = 8,
    on_result: OnResult | None = None,
) -> LockReport:
    """Find the bytes of entries that the lockfile lacks, or that are upgraded, and write it.

    If a download fails, the lockfile stays as it is. `check` only checks it, and so does every call
    if the environment freezes lockfiles.

    Raises: RequestError for an entry to upgrade that the manifest does not have, and for a checked
    lockfile that does not agree with the manifest.
    """
    upgraded = _upgraded(locking, upgrade)
    if check or frozen_by_environment():
        if upgraded:
            name = 'check' if check else FROZEN_VARIABLE
            problem = f'cannot be combined with {name}, which leaves the lockfile as it is'
            raise error_for(InvalidInput(where='upgrade', problem=problem))
        locking.check()
        return LockReport(
            path=locking.path, difference=locking.difference, results=manager.download_all(())
        )
    wanted = [
        via_cache(
            packed(ask_server(item) if name in upgraded else _unpinned(item, locking, dest)),
            dest,
            manager.config,
        )
        for name, item in locking.items.items()
        if name in upgraded or name not in locking.pinned
    ]
    has_place = dest is not None or manager.config.policy.dest != Auto()
    if has_place or manager.config.has_cache:
        return _lock(manager, locking, wanted, dest, workers, on_result)
    # Beside the manifest, where there is room for its files.
    beside = os.path.dirname(os.path.abspath(locking.path))  # noqa: PTH120
    try:
        temporary = TemporaryDirectory(prefix='dlmachine-lock-', dir=beside)
    except OSError as error:
        raise error_for(storage_fault(error, 'create', beside)) from error
    with temporary as folder:
        return _lock(manager, locking, wanted, folder, workers, on_result, is_kept=False)


def _lock(
    manager: ManyDownloads,
    locking: Locking,
    wanted: list[Item],
    dest: DestInput,
    workers: int,
    on_result: OnResult | None,
    *,
    is_kept: bool = True,
) -> LockReport:
    found: dict[str, LockedFile] = {}

    def start(inputs: Iterable[Item]) -> Iterator[BatchItem[Item]]:
        for done in manager.download_many(inputs, dest, workers):
            if done.ok:
                found[done.input.name] = locked_file(done, locking)
                if not is_kept and is_inside(str(done.path), str(dest)):
                    Path(str(done.path)).unlink(missing_ok=True)  # Entries may share a file.
            yield done

    results = Results(_passed_on(start(wanted), on_result), start, manager.secret_names)
    written = LockWritten() if results.failed else write_locking(locking, found)
    return LockReport(
        path=locking.path,
        difference=locking.difference,
        results=results,
        is_written=written.is_written,
        changes=written.changes,
    )


def sync_manifest(
    manager: ManyDownloads,
    locking: Locking,
    dest: DestInput,
    *,
    locked: bool = False,
    frozen: bool = False,
    exact: bool = False,
    workers: int = 8,
    on_result: OnResult | None = None,
) -> LockReport:
    """Download the entries of a manifest; those in the lockfile must have its bytes.

    The lockfile is updated, unless it is `frozen` or one of the new entries fails. `locked` refuses
    one that does not agree with the manifest. A frozen lockfile has the last word: entries that it
    lacks fail, and those that have changed must have its bytes. `exact` removes the recorded files
    below the folder that are not those of an entry, if no download failed.

    Raises: RequestError for a lockfile that does not exist or, if `locked`, does not agree.
    """
    if exact and not isinstance(path_text(dest), str):
        problem = 'needs a folder, from which it removes files'
        raise error_for(InvalidInput(where='exact', problem=problem, advice='Pass dest='))
    if locked:
        locking.check()
    if frozen and locking.found is None:
        raise error_for(LockOutdated(path=locking.path, problem='it does not exist'))
    pinned = Pinned()
    targets = [
        via_cache(_pinned(item, locking, dest, pinned, frozen=frozen), dest, manager.config)
        for item in locking.items.values()
    ]

    unlocked = frozenset() if frozen else locking.difference.unlocked
    found: dict[str, LockedFile] = {}
    paths: list[str] = []

    def start(inputs: Iterable[Item]) -> Iterator[BatchItem[Item]]:
        for done in manager.download_many(inputs, dest, workers):
            if done.input.name in unlocked and done.ok:
                found[done.input.name] = locked_file(done, locking)
            if exact and done.ok:
                paths.append(str(done.path))
            yield _explained(done, locking)

    results = Results(_passed_on(start(targets), on_result), start, manager.secret_names)
    is_complete = not any(item.input.name in unlocked for item in results.failed)
    written = write_locking(locking, found) if is_complete and not frozen else LockWritten()
    return LockReport(
        path=locking.path,
        difference=locking.difference,
        results=results,
        is_written=written.is_written,
        changes=written.changes,
        removed=_remove_extra(dest, paths) if exact and not results.failed else (),
    )


def _passed_on(
    items: Iterator[BatchItem[Item]], on_result: OnResult | None
) -> Iterator[BatchItem[Item]]:
    # A caller who gets each result needs only the failures once more: the others take memory.
    for item in items:
        if on_result is not None:
            on_result(item)
        if on_result is None or not item.ok:
            yield item


def _remove_extra(dest: DestInput, paths: list[str]) -> tuple[str, ...]:
    from dlmachine_adapters.maintenance.remove_extra import remove_extra

    return remove_extra(str(path_text(dest)), paths)


def _upgraded(locking: Locking, upgrade: bool | Iterable[str]) -> frozenset[str]:
    if isinstance(upgrade, bool):
        return frozenset(locking.items if upgrade else ())
    names = frozenset([upgrade] if isinstance(upgrade, str) else upgrade)
    for name in sorted(names - locking.items.keys()):
        near = unknown_name(name, locking.items).nearest
        advice = f'Did you mean {near!r}?' if near else ''
        problem = f'has no entry {name!r}'
        where = printable(locking.manifest)
        raise error_for(InvalidInput(where=where, problem=problem, advice=advice))
    return names


def _pinned(item: Item, locking: Locking, dest: DestInput, pinned: Pinned, *, frozen: bool) -> Item:
    file = (locking.locked if frozen else locking.pinned).get(item.name)
    if file is not None:
        return pinned.take_bytes(item, file.sha256)
    if not frozen:
        return _unpinned(item, locking, dest)
    fault = LockOutdated(path=locking.path, problem=f'it has no entry {item.name!r}', url=item.url)
    return replace(item, descriptor=None, fault=fault)


def _unpinned(item: Item, locking: Locking, dest: DestInput) -> Item:
    former = locking.locked.get(item.name)
    if former is None:
        return use_stored(item)
    return renew(item, former, path_text(dest))


def _explained(done: BatchItem[Item], locking: Locking) -> BatchItem[Item]:
    if isinstance(done, BatchSuccess):
        return done
    fault: Fault = done.fault
    file = locking.locked.get(done.input.name)
    if not isinstance(fault, DigestMismatch) or file is None:
        return done
    if fault.expected != file.sha256:
        return done
    mismatch = LockMismatch(
        url=fault.url,
        tries=fault.tries,
        entry=file.name,
        lock=locking.path,
        expected=fault.expected,
        actual=fault.actual,
    )
    return replace(done, fault=mismatch)
