"""Export the entries of a cache to a tar file, and import them into another."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from dlmachine.core.cache.entries import Status
from dlmachine.core.faults import InvalidInput
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.archive import Archived
from dlmachine.core.maintenance.listed_entry import ListedEntry
from dlmachine.errors import error_for
from dlmachine.keeping.pruning import touching
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.keeping.archive import ArchiveProblem, read_archive, write_archive
from dlmachine_adapters.keeping.importing import Importer
from dlmachine_adapters.world import SystemWorld

_ADVICE = 'What came before it has been imported; export the cache again'


@frozen
class ImportReport:
    """What an import stored, and what it skipped, each with the reason."""

    imported: tuple[Archived, ...] = ()
    skipped: tuple[tuple[Archived, str], ...] = ()
    is_dry_run: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            'dry_run': self.is_dry_run,
            'imported': [entry.to_dict() for entry in self.imported],
            'skipped': [{**entry.to_dict(), 'skipped': why} for entry, why in self.skipped],
        }


def export_entries(
    registry: Registry, path: str, entries: Iterable[ListedEntry]
) -> tuple[Archived, ...]:
    """Write the complete entries of dlmachine to a tar file, which then replaces the old one.

    Raises: RequestError for a file that is not as recorded, LocalError.
    """
    unfinished = f'{path}.{os.getpid()}.part'
    advice = 'Repair the cache with dlmachine cache verify --fix'
    with touching(registry), _naming(path, advice, lambda problem: problem.name):
        try:
            done = write_archive(unfinished, _archived(entries))
            Path(unfinished).replace(path)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    return tuple(done)


def import_entries(
    world: SystemWorld, store: CachedirStore, path: str, *, dry_run: bool = False
) -> ImportReport:
    """Store the entries of a tar file.  Raises: RequestError for a bad archive, LocalError."""
    imported: list[Archived] = []
    skipped: list[tuple[Archived, str]] = []
    importer = Importer(world.files, world.locks, store)

    def shown(problem: ArchiveProblem) -> str:
        return f'{path}: {problem.name}' if problem.name else path

    with _opened(path) as file, touching(store.registry), _naming(path, _ADVICE, shown):
        for content in read_archive(file):
            why = importer.store(content, dry_run=dry_run)
            if why:
                skipped.append((content.entry, why))
            else:
                imported.append(content.entry)
    return ImportReport(imported=tuple(imported), skipped=tuple(skipped), is_dry_run=dry_run)


def _archived(entries: Iterable[ListedEntry]) -> Iterator[tuple[Archived, str]]:
    for entry in entries:
        is_whole = entry.status == Status.READY.name.lower()
        if is_whole and entry.key is not None and entry.record is not None:
            yield Archived(key=entry.key, record=entry.record), entry.path


def _opened(path: str) -> BinaryIO:
    try:
        return open(path, 'rb')
    except OSError as error:
        raise error_for(storage_fault(error, 'read', path)) from error


@contextmanager
def _naming(path: str, advice: str, where: Callable[[ArchiveProblem], str]) -> Iterator[None]:
    try:
        yield
    except ArchiveProblem as problem:
        named = printable(where(problem))
        fault = InvalidInput(where=named, problem=problem.problem, advice=advice)
        raise error_for(fault) from problem
