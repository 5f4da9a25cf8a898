"""A file system for fsspec: `dlmachine::https://…` is read through a manager.

So pandas, xarray, dask and pyarrow read a URL from the cache, with all options of a manager.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import quote

from fsspec.implementations.chained import ChainedFileSystem

from dlmachine.core.decision.verdict import Verdict
from dlmachine.core.probe.result import ProbeStatus
from dlmachine.errors import AuthError, NotFoundError

if TYPE_CHECKING:
    from dlmachine.manager import DownloadManager

#: What a probe finds instead of a file, as the exceptions that users of fsspec expect.
_ERRORS: Final = {
    ProbeStatus.GONE: FileNotFoundError,
    ProbeStatus.FORBIDDEN: PermissionError,
    ProbeStatus.UNREACHABLE: OSError,
}


class DlmachineFileSystem(ChainedFileSystem):  # type: ignore[misc]
    r"""URLs as files to read; a file is downloaded when it is opened.

    `options` are those of `DownloadManager`. fsspec keeps one file system, and so one manager, for
    the same options; without any it is the default manager. `manager` is one that exists. With a
    cache, an opened file is the copy in the cache; without one, it is in memory.

    Raises: FileNotFoundError for 404 and 410; PermissionError for 401, 403 and 407; else
    DownloadError, as `DownloadManager.download` does.

    >>> import fsspec, tempfile
    >>> from dlmachine import demo
    >>> with demo.examples() as server, tempfile.TemporaryDirectory() as cache:
    ...     with fsspec.open(f'dlmachine://{server.url}/table.tsv', 'rt', path=cache) as file:
    ...         file.readline()
    'gene\tvalue\n'
    """

    protocol = 'dlmachine'

    def __init__(
        self,
        fo: str = '',
        target_protocol: str = '',
        target_options: Mapping[str, Any] | None = None,
        manager: 'DownloadManager | None' = None,
        **options: Any,
    ) -> None:
        """`fo`, `target_protocol` and `target_options` are what fsspec makes of a chained URL."""
        super().__init__()
        self._scheme = target_protocol
        self._authority = _authority_of(target_options or {})
        self._manager, self._options = manager, options

    @property
    def manager(self) -> 'DownloadManager':
        """The manager that downloads."""
        if self._manager is None:
            from dlmachine.default_manager import default_manager
            from dlmachine.manager import DownloadManager

            self._manager = DownloadManager(**self._options) if self._options else default_manager()
        return self._manager

    def info(self, path: str, **_: object) -> dict[str, Any]:
        """The name, the size in bytes (None if unknown) and the type of a file.

        It is that of a copy that may be used; otherwise the server is asked by `probe`.
        """
        url = self._url(path)
        plan = self.manager.plan(url)
        if plan.verdict is Verdict.USE_CACHED and plan.entry is not None:
            return {'name': path, 'size': plan.entry.file_bytes, 'type': 'file'}
        found = self.manager.probe(url)
        if found.status in _ERRORS:
            raise _ERRORS[found.status](f'{found.url}: {found.status.value}')
        return {'name': path, 'size': found.size_bytes, 'type': 'file'}

    def ls(self, path: str, detail: bool = True, **_: object) -> list[Any]:  # noqa: FBT002 -- fsspec's interface
        """The file itself, because a server has no folders."""
        found = self.info(path)
        return [found] if detail else [found['name']]

    def _open(self, path: str, mode: str = 'rb', **_: object) -> BinaryIO:
        # What `open` calls; it adds text modes and decompression.
        if mode != 'rb':
            msg = f'a URL can only be read, so mode must be rb, not {mode!r}'
            raise NotImplementedError(msg)
        try:
            stored: Any = self.manager.download(self._url(path), self.manager.config.has_cache)
        except NotFoundError as error:
            raise FileNotFoundError(str(error)) from error
        except AuthError as error:
            raise PermissionError(str(error)) from error
        return open(stored, 'rb') if isinstance(stored, str) else stored

    def _url(self, path: str) -> str:
        # fsspec passes the whole URL for some schemes, and only its path for others (as FTP).
        if '://' in path or not self._scheme:
            return path
        return f'{self._scheme}://{self._authority}/{quote(path.lstrip("/"))}'

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return os.fspath(path).removeprefix('dlmachine://')


def _authority_of(options: Mapping[str, Any]) -> str:
    """The authority of a URL (RFC 3986 section 3.2), from what fsspec has read of it."""
    user, password, port = (options.get(name) for name in ('username', 'password', 'port'))
    userinfo = quote(user, safe='') if user else ''
    if password:
        userinfo += f':{quote(password, safe="")}'
    before, after = f'{userinfo}@' if userinfo else '', f':{port}' if port else ''
    return f'{before}{options.get("host", "")}{after}'
