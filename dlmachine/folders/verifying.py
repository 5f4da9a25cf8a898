"""Verify the recorded files of a folder."""

from collections.abc import Iterator

from dlmachine.core.maintenance.recorded_files import FileCheck
from dlmachine.folders.contents import reading, recorded_folder
from dlmachine_adapters.maintenance.repair_folder import FolderRepairer
from dlmachine_adapters.maintenance.verify_folder import FolderVerifier
from dlmachine_adapters.world import SystemWorld


def verify_folder(path: str, world: SystemWorld, *, fix: bool, prune: bool) -> Iterator[FileCheck]:
    """Every file, row and note of a folder, and of those below it.

    Raises: LocalError.
    """
    repairer = FolderRepairer(world.index, world.locks)
    verifier = FolderVerifier(repairer, world.clock, fix=fix, prune=prune)
    with reading(recorded_folder(path, world).index_path):
        yield from verifier.verify(path)
