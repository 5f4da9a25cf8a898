"""The methods of a manager for data folders."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dlmachine.core.http.url import is_url
from dlmachine.errors import error_for, unwrap
from dlmachine.locks.methods import LockedManifests
from dlmachine.paths import PathInput, path_text
from dlmachine.targets import Target

if TYPE_CHECKING:
    from typing import Unpack

    from dlmachine.core.maintenance.file_provenance import Provenance
    from dlmachine.core.maintenance.recorded_files import Adoption, FileCheck, StoredFile
    from dlmachine.folders.adopting import Adopted
    from dlmachine.notebooks.rows import RowList, Rows
    from dlmachine.options.types import DownloadOptions


class DataFolders(LockedManifests):
    """What is recorded of files under their own names."""

    def info(
        self, what: 'Target | PathInput', folder: PathInput | None = None
    ) -> 'StoredFile | None':
        """What is recorded about a file, by its path or its URL; None if nothing is.

        The path is that of a recorded file or of an entry of the cache. For a URL it is the newest
        of its `versions`. Nothing is requested, and the file is not read.

        Raises: RequestError for a bad URL; LocalError for an index that cannot be read.
        """
        from dlmachine.folders.contents import find_file

        path = path_text(what)
        if isinstance(path, str) and not is_url(path):
            return find_file(path, self._world)
        found = self.versions(path, folder)
        return max(found, key=lambda one: one.stored_at, default=None)

    def files(self, folder: PathInput = '.') -> 'Rows[StoredFile]':
        """The recorded files of a folder and of those below it, one at a time; reads no file.

        Raises: RequestError for a folder that does not exist or is a cache; LocalError for
        an index that cannot be read.
        """
        from dlmachine.folders.contents import check_folder, list_files
        from dlmachine.notebooks.columns import FILES
        from dlmachine.notebooks.rows import Rows

        return Rows(list_files(check_folder(folder, self._world), self._world), FILES)

    def provenance(self, folder: PathInput = '.') -> 'Rows[Provenance]':
        """Where the recorded files of a folder and of those below it come from; reads no file.

        `path` is relative to the folder.

        Raises: RequestError for a folder that does not exist or is a cache; LocalError for
        an index that cannot be read.
        """
        from dlmachine.folders.contents import list_provenance
        from dlmachine.notebooks.columns import PROVENANCE
        from dlmachine.notebooks.rows import Rows

        return Rows(list_provenance(self.files(folder), str(path_text(folder))), PROVENANCE)

    def versions(
        self,
        url: Target,
        folder: PathInput | None = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'RowList[StoredFile]':
        """The complete versions that the cache has of a URL, and its recorded files in a folder.

        Folders below `folder` count, too. Options that belong to the request are those of
        `download`.

        Raises: RequestError for a bad URL, or a folder that does not exist; LocalError for
        a registry or an index that cannot be read.
        """
        from dlmachine.folders.contents import check_folder, find_versions
        from dlmachine.notebooks.columns import FILES
        from dlmachine.notebooks.rows import RowList

        descriptor, _ = self.prepare(url, None, **options)
        path = None if folder is None else check_folder(folder, self._world)
        return RowList(find_versions(descriptor, self._world, path), FILES)

    def verify(
        self, folder: PathInput, *, fix: bool = False, prune: bool = False
    ) -> 'Rows[FileCheck]':
        """Read the recorded files of a folder, and of those below it, and compare their digests.

        One result for each file, also for those that are not recorded. `fix` records files again
        that were touched, or moved within the folder, removes leftovers of the index, and moves a
        damaged one away. `prune` also removes the records of missing files, and includes `fix`.
        Files themselves are never moved or changed.

        Raises: RequestError for a folder that does not exist or is a cache; LocalError for
        an index that cannot be read.

        >>> import tempfile
        >>> from dlmachine import DownloadManager
        >>> from dlmachine.demo import examples
        >>> with examples() as server, tempfile.TemporaryDirectory() as folder:
        ...     with DownloadManager() as manager:
        ...         path = manager.download(f'{server.url}/table.tsv', f'{folder}/table.tsv')
        ...         [check.state.value for check in manager.verify(folder)]
        ['whole']
        """
        from dlmachine.folders.contents import check_folder
        from dlmachine.folders.verifying import verify_folder
        from dlmachine.notebooks.columns import CHECKS
        from dlmachine.notebooks.rows import Rows

        path = check_folder(folder, self._world)
        return Rows(verify_folder(path, self._world, fix=fix or prune, prune=prune), CHECKS)

    def remove(self, path: PathInput, *, force: bool = False) -> None:
        """Remove a recorded file with its record.

        The record is removed first, so that a crash leaves a file that is not recorded. A symbolic
        link is removed, not the file that it leads to.

        Raises: RequestError for a file that has changed, or is not recorded, unless `force` is set;
        LocalError if it cannot be removed.
        """
        from dlmachine.folders.contents import reading, recorded_folder
        from dlmachine_adapters.maintenance.remove_file import remove_file
        from dlmachine_adapters.maintenance.repair_folder import FolderRepairer

        where = str(path_text(path))
        world = self._world
        folder = recorded_folder(os.path.dirname(where) or os.curdir, world)  # noqa: PTH120
        with reading(folder.index_path or where):
            fault = remove_file(FolderRepairer(world.index, world.locks), where, force=force)
        if fault is not None:
            raise error_for(fault)

    def adopt(
        self,
        url: Target,
        path: PathInput,
        *,
        force: bool = False,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Adoption':
        """Record a file that came another way as the download of a URL; without a request.

        Its bytes are compared with `checksum` or a local `checksum_file`; without either, the
        record says that the file is adopted unverified. The next download to the path treats it
        like any recorded file.

        Raises: RequestError for a file that does not exist, or, unless `force` is set, is recorded
        as another download or has changed since; IntegrityError if it has another checksum.

        >>> import pathlib, tempfile
        >>> from dlmachine import DownloadManager
        >>> with tempfile.TemporaryDirectory() as folder, DownloadManager() as manager:
        ...     path = pathlib.Path(folder, 'table.tsv')
        ...     _ = path.write_bytes(b'gene')
        ...     _ = manager.adopt('https://example.org/table.tsv', path)
        ...     manager.info(path).url
        'https://example.org/table.tsv'
        """
        from dlmachine.folders.adopting import adopt

        descriptor, policy = self.prepare(url, None, **options)
        where = str(path_text(path))
        return unwrap(adopt(descriptor, policy, where, self._world, force=force))

    def adopt_all(
        self,
        targets: 'PathInput | Iterable[Target]',
        folder: PathInput = '.',
        *,
        force: bool = False,
        allow_outside: bool = False,
        base_url: str | None = None,
    ) -> 'Rows[Adopted]':
        """Record the files of a folder as the downloads of a manifest, one at a time.

        `targets` is the path of a manifest, whose lockfile counts if there is one, or an iterable.
        The names are those that `download_many` would give. A file that cannot be recorded does
        not raise: its result has the fault.

        Raises: RequestError for a folder or a manifest that cannot be used.
        """
        from dlmachine.folders.adopting import adopt_all, read_entries
        from dlmachine.folders.contents import check_folder
        from dlmachine.notebooks.columns import ADOPTED
        from dlmachine.notebooks.rows import Rows

        world = self._world
        where = check_folder(folder, world)
        path = path_text(targets)
        entries: Iterable[Any] = path
        if isinstance(path, str):
            entries = read_entries(
                self.config, path, allow_outside=allow_outside, base_url=base_url
            )
        return Rows(adopt_all(self, entries, where, world, force=force), ADOPTED)
