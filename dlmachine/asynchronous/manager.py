"""`AsyncDownloadManager`: downloads that are awaited.

Each download runs in a thread, by the same machine and with the same promises as that of a
`DownloadManager`; the event loop is never blocked. A task that is cancelled ends its download.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeVar, overload

from dlmachine.core.faults import InvalidInput
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec import descriptor as core
from dlmachine.errors import error_for
from dlmachine.manager import DownloadManager
from dlmachine.options.lists import DOWNLOAD_OPTIONS, MANAGER_OPTIONS, list_options
from dlmachine.paths import DestInput, PathInput
from dlmachine.targets import Target

if TYPE_CHECKING:
    from typing import Unpack

    from dlmachine.batch.items import BatchItem
    from dlmachine.batch.results import Results
    from dlmachine.core.probe.result import ProbeResult
    from dlmachine.options.types import DownloadOptions, ManagerOptions

Result = TypeVar('Result')

#: Seconds until a download that has not ended yet is cancelled once more, because the first time it
#: may not have begun.
_CANCEL_AGAIN_SECONDS: Final = 0.1


@list_options(MANAGER_OPTIONS)
class AsyncDownloadManager:
    """Downloads files and API responses for programs that use asyncio.

    The parameters and options are those of `DownloadManager`. At most `in_flight` calls run at a
    time; others wait for their turn. `manager` is the `DownloadManager` below it, for what needs no
    waiting, such as `manager.plan`.

    If a task is cancelled, its downloads end within a moment, and what can be resumed is kept. Use
    it in `async with`, or await `close`.

    Raises: RequestError for an unknown option or a bad value.

    >>> from dlmachine.demo import examples
    >>> async def main(url):
    ...     async with AsyncDownloadManager() as downloads:
    ...         return await downloads.download(url, dest=False)
    >>> with examples({'/hello.txt': b'hello'}) as server:
    ...     asyncio.run(main(f'{server.url}/hello.txt')).read()
    b'hello'
    """

    def __init__(
        self,
        path: PathInput | None = None,
        pkg: str | None = None,
        config: PathInput | Mapping[str, object] | None = None,
        backend: str | None = None,
        *,
        in_flight: int = 64,
        **options: 'Unpack[ManagerOptions]',
    ) -> None:
        """Read the configuration; nothing is opened or made before it is needed."""
        if type(in_flight) is not int or in_flight < 1:
            problem = f'must be a whole number of 1 or more, not {in_flight!r}'
            raise error_for(InvalidInput(where='in_flight', problem=problem))
        self.manager: Final = DownloadManager(path, pkg, config, backend, **options)
        self._make_threads = partial(ThreadPoolExecutor, in_flight, 'dlmachine-async')
        self._threads = self._make_threads()

    @overload
    async def download(
        self,
        url: str | PurePath | core.Descriptor,
        dest: Literal[False],
        **options: 'Unpack[DownloadOptions]',
    ) -> BytesIO: ...

    @overload
    async def download(
        self,
        url: str | PurePath | core.Descriptor,
        dest: PathInput,
        **options: 'Unpack[DownloadOptions]',
    ) -> str: ...

    @overload
    async def download(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> str | BytesIO: ...

    @list_options(DOWNLOAD_OPTIONS)
    async def download(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> str | BytesIO:
        """Download a file, or use the copy that is there, as `DownloadManager.download` does.

        Returns: the path as `str`, or an `io.BytesIO`.

        Raises: DownloadError.
        """
        return (await self.fetch(url, dest, **options)).content

    async def fetch(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> Outcome:
        """The same as `download`, as an Outcome: path or buffer, origin, record, story.

        Raises: DownloadError.
        """
        own = self.manager.with_options()
        return await self._run(own, lambda: own.fetch(url, dest, **options))

    async def probe(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> 'ProbeResult':
        """Ask the server about a file without its body, as `DownloadManager.probe` does.

        Raises: RequestError for a request other than GET, a bad option, or `offline`.
        """
        own = self.manager.with_options()
        return await self._run(own, lambda: own.probe(url, dest, **options))

    async def download_many(
        self,
        targets: Iterable[Any],
        dest: DestInput = None,
        workers: int = 8,
        **options: 'Unpack[DownloadOptions]',
    ) -> AsyncGenerator['BatchItem[Any]', None]:
        """Download many, at most `workers` at once; yields results in order of completion.

        They are those of `DownloadManager.download_many`. If the loop over them is left, close the
        generator (`contextlib.aclosing`), so that running downloads end at once.

        Raises: RequestError for an unknown option, a bad value, one URL instead of several, or two
        entries of a list that have one path.
        """
        own = self.manager.with_options()
        items = own.download_many(targets, dest, workers, **options)
        try:
            while (item := await self._run(own, lambda: next(items, None))) is not None:
                yield item
        finally:
            own.close()
            await self._run(own, items.close)

    async def download_all(
        self,
        targets: Iterable[Any],
        dest: DestInput = None,
        workers: int = 8,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Results[Any]':
        """The results of `download_many`, in the order of the inputs.

        Raises: RequestError, as `download_many`; a failed download does not raise.
        """
        own = self.manager.with_options()
        return await self._run(own, lambda: own.download_all(targets, dest, workers, **options))

    async def close(self) -> None:
        """End what runs, and close connections; the next call opens new ones."""
        await asyncio.to_thread(self.manager.close)
        threads, self._threads = self._threads, self._make_threads()
        await asyncio.to_thread(threads.shutdown)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, own: DownloadManager, work: Callable[[], Result]) -> Result:
        """Do the work in a thread; if the task is cancelled, close its manager and wait."""
        job = self._threads.submit(work)
        done = asyncio.wrap_future(job)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            job.cancel()
            while not job.done():
                own.close()
                with suppress(asyncio.CancelledError):  # Cancelled once more, it still waits.
                    await asyncio.wait({done}, timeout=_CANCEL_AGAIN_SECONDS)
            raise
