"""The methods of a manager for locked manifests."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dlmachine.batch.methods import ManyDownloads
from dlmachine.paths import DestInput, PathInput

if TYPE_CHECKING:
    from dlmachine.locks.downloads import LockReport, OnResult


class LockedManifests(ManyDownloads):
    """Manifests with lockfiles, which say which bytes their files have."""

    def lock(
        self,
        manifest: PathInput,
        dest: DestInput = None,
        *,
        upgrade: 'bool | Iterable[str]' = False,
        check: bool = False,
        allow_outside: bool = False,
        base_url: str | None = None,
        workers: int = 8,
        on_result: 'OnResult | None' = None,
    ) -> 'LockReport':
        """Write the lockfile of a manifest: size, digest and validators of the file of each entry.

        The lockfile of `data.toml` is `data.toml.lock`. Entries that it has and that have not
        changed stay, unless `upgrade` is True or names them. Others are taken from the cache, or
        from the folder `dest`; what is not there is downloaded. If a download fails, nothing is
        written. `check` only checks that the lockfile agrees with the manifest, without a request.
        `on_result` gets each result as it comes; the report then has only those that failed.

        Raises: RequestError for a bad manifest or lockfile, or one that `check` finds outdated.
        """
        from dlmachine.locks.downloads import lock_manifest
        from dlmachine.locks.lockfile import read_locking

        locking = read_locking(
            self.config, manifest, allow_outside=allow_outside, base_url=base_url
        )
        return lock_manifest(
            self, locking, dest, upgrade=upgrade, check=check, workers=workers, on_result=on_result
        )

    def sync(
        self,
        manifest: PathInput,
        dest: DestInput = None,
        *,
        locked: bool = False,
        frozen: bool | None = None,
        exact: bool = False,
        allow_outside: bool = False,
        base_url: str | None = None,
        workers: int = 8,
        on_result: 'OnResult | None' = None,
    ) -> 'LockReport':
        """Download the entries of a manifest to their paths in a folder, as its lockfile says.

        `dest` is the folder; without it, the current one. Other bytes than those of the lockfile
        are refused. Entries that it lacks, or that have changed, are added to it. `locked` refuses
        a lockfile that does not agree with the manifest. `frozen` never changes it, and takes only
        its bytes; the default is the environment variable DLMACHINE_FROZEN. `exact` removes other
        files that dlmachine has recorded in the folder, unless they have changed since. Files are
        taken from the cache if it has them. `on_result` gets each result as it comes; the report
        then has only those that failed.

        Raises: RequestError for a bad manifest or lockfile, or an outdated one if `locked`, but not
        for failed downloads: see `LockReport.results` and `raise_for_failures`.

        >>> import pathlib, tempfile
        >>> from dlmachine import DownloadManager
        >>> from dlmachine.demo import examples
        >>> with examples() as server, tempfile.TemporaryDirectory() as folder:
        ...     manifest = pathlib.Path(folder, 'data.toml')
        ...     _ = manifest.write_text(f'table = "{server.url}/table.tsv"')
        ...     with DownloadManager() as manager:
        ...         report = manager.sync(manifest, f'{folder}/data')
        ...     print(report.difference)
        1 added (table)
        """
        from dlmachine.locks.downloads import sync_manifest
        from dlmachine.locks.lockfile import frozen_by_environment, read_locking

        is_frozen = frozen_by_environment() if frozen is None else frozen
        locking = read_locking(
            self.config, manifest, allow_outside=allow_outside, base_url=base_url
        )
        place = './' if dest is None and not exact else dest
        return sync_manifest(
            self, locking, place, locked=locked, frozen=is_frozen, exact=exact, workers=workers,
            on_result=on_result,
        )  # fmt: skip
