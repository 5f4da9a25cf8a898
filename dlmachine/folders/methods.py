"""The methods of a manager for data folders."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dlmachine.batch.methods import ManyDownloads
from dlmachine.paths import PathInput, path_text
from dlmachine.targets import Target

if TYPE_CHECKING:
    from typing import Unpack

    from dlmachine.core.maintenance.recorded_files import FileCheck, StoredFile
    from dlmachine.options.types import DownloadOptions


class DataFolders(ManyDownloads):
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
        if isinstance(path, str) and '://' not in path:
            return find_file(path, self._world)
        found = self.versions(path, folder)
        return max(found, key=lambda one: one.stored_at, default=None)

    def files(self, folder: PathInput = '.') -> 'Iterator[StoredFile]':
        """The recorded files of a folder and of those below it, one at a time; reads no file.

        Raises: RequestError for a folder that does not exist or is a cache; LocalError for
        an index that cannot be read.
        """
        from dlmachine.folders.contents import check_folder, list_files

        return list_files(check_folder(folder, self._world), self._world)

    def versions(
        self,
        url: Target,
        folder: PathInput | None = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'list[StoredFile]':
        """The complete versions that the cache has of a URL, and its recorded files in a folder.

        Folders below `folder` count, too. Options that belong to the request are those of
        `download`.

        Raises: RequestError for a bad URL, or a folder that does not exist; LocalError for
        a registry or an index that cannot be read.
        """
        from dlmachine.folders.contents import check_folder, find_versions

        descriptor, _ = self.prepare(url, None, **options)
        path = None if folder is None else check_folder(folder, self._world)
        return list(find_versions(descriptor, self._world, path))

    def verify(
        self, folder: PathInput, *, fix: bool = False, prune: bool = False
    ) -> 'Iterator[FileCheck]':
        """Read the recorded files of a folder, and of those below it, and compare their digests.

        One result for each file, also for those that are not recorded. `fix` records again files
        that were touched, or moved within the folder, and removes rows and notes that mean nothing.
        No file is moved or changed. `prune`, which includes `fix`, also removes the rows of missing
        files.

        Raises: RequestError for a folder that does not exist or is a cache; LocalError for
        an index that cannot be read.
        """
        from dlmachine.folders.contents import check_folder
        from dlmachine.folders.verifying import verify_folder

        path = check_folder(folder, self._world)
        return verify_folder(path, self._world, fix=fix or prune, prune=prune)
