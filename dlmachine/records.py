"""The files of a DOI or of a record in a data repository, as a method of a manager."""

from typing import TYPE_CHECKING

from dlmachine.composition import Composition
from dlmachine.errors import unwrap

if TYPE_CHECKING:
    from typing import Unpack

    from dlmachine.core.sources.listing import Listing
    from dlmachine.options.types import DownloadOptions


class Records(Composition):
    """Records of Zenodo, figshare and Dataverse."""

    def resolve(self, url: str, **options: 'Unpack[DownloadOptions]') -> 'Listing':
        """The files of a DOI, or of the page of a record, with URLs, sizes and checksums.

        `entries` of the result can be passed to `download_many`, and `manifest` is a manifest as
        text. The DOI of all versions gives the latest one. With a cache, the list is kept for an
        hour, and longer for `offline`.

        Raises: RequestError for a DOI that does not exist, or is not of Zenodo, figshare or
        Dataverse; ServerError, NetworkError.
        """
        from dlmachine.execution.resolving import list_files

        descriptor, policy = self.prepare(url, None, **options)
        world = self._world
        with world.stop.tracked():
            return unwrap(list_files(descriptor, policy, world))
