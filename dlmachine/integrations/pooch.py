"""A downloader for pooch, which then resumes, retries and uses mirrors as a manager does."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dlmachine.core.probe.result import ProbeStatus
from dlmachine.paths import PathInput, path_text

if TYPE_CHECKING:
    from typing import Unpack

    from dlmachine.manager import DownloadManager
    from dlmachine.options.types import DownloadOptions

_AVAILABLE = frozenset({ProbeStatus.ALIVE, ProbeStatus.MOVED, ProbeStatus.CHANGED})


class PoochDownloader:
    """What pooch calls to download a file, or to ask whether it is there.

    Raises: DownloadError. Those for an invalid request are ValueErrors, after which pooch tries
    again if its `retry_if_failed` says so; the manager has retried the others itself.
    """

    def __init__(self, manager: 'DownloadManager', options: dict[str, Any]) -> None:
        self._manager, self._options = manager, options

    def __call__(
        self,
        url: str,
        output_file: 'PathInput | BinaryIO | None',
        pooch: object = None,
        check_only: bool = False,  # noqa: FBT002 -- pooch's interface
    ) -> bool | None:
        """Download to a path or an open file; with `check_only`, ask only, and say the result."""
        if check_only:
            return self._manager.probe(url, **self._options).status in _AVAILABLE
        path = path_text(output_file)
        if not isinstance(path, str):
            buffer: Any = self._manager.download(url, False, **self._options)  # noqa: FBT003
            shutil.copyfileobj(buffer, output_file)  # type: ignore[arg-type]
        elif self._manager.config.has_cache:
            stored = self._manager.download(url, True, **self._options)  # noqa: FBT003
            shutil.copyfile(str(stored), path)
        else:
            self._download_to(path, url)
        return None

    def _download_to(self, path: str, url: str) -> None:
        # pooch passes another temporary name at each try. In a folder that belongs to the URL, an
        # interrupted download is resumed.
        above = Path(path).parent / '.pooch-parts'
        folder = above / sha256(url.encode()).hexdigest()[:32]
        Path(self._manager.download(url, folder / 'content', **self._options)).replace(path)
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            above.rmdir()


def pooch_downloader(
    manager: 'DownloadManager | None' = None, **options: 'Unpack[DownloadOptions]'
) -> Callable[..., bool | None]:
    """A `downloader` for `pooch.retrieve` and `Pooch.fetch`.

    Without a manager it is the default one. `options` are those of `download`. A manager with a
    cache asks the server whether its copy is current, because pooch downloads a file that it wants
    anew; `freshness='stored'` trusts the copy.

    >>> import pooch
    >>> from dlmachine import DownloadManager
    >>> with DownloadManager() as manager:  # doctest: +SKIP
    ...     pooch.retrieve(url, known_hash, downloader=pooch_downloader(manager))
    """
    if manager is None:
        from dlmachine.default_manager import default_manager

        manager = default_manager()
    given: dict[str, Any] = {**options}
    if not {'freshness', 'check_freshness'} & {*given} and manager.config.has_cache:
        given['freshness'] = 'always'
    return PoochDownloader(manager, given)
