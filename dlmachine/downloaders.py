"""Downloaders: one backend, one descriptor, one destination, no cache.

These are the classes of the original interface: create one, call `download()`, then read the
result. Failures of servers and networks are not raised; see `ok` and `fault`.
"""

from io import BytesIO
from os import PathLike, fsdecode
from typing import ClassVar

from returns.pipeline import is_successful
from returns.unsafe import unsafe_perform_io

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.faults import Fault, HttpStatus
from dlmachine.core.frozen import replace
from dlmachine.core.http.filename import extension
from dlmachine.core.http.headers import Headers
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.destination import ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.descriptor import Descriptor
from dlmachine.errors import error_for
from dlmachine.execution.run import execute
from dlmachine.paths import expand
from dlmachine_adapters.world import SystemWorld


class Downloader:
    """Downloads one descriptor to a path, or into memory without a destination.

    `policy` sets limits and retries; its destination and backend are overridden. Without a policy,
    there are no retries.
    """

    backend: ClassVar[str]

    def __init__(
        self,
        desc: str | core.Descriptor,
        destination: str | PathLike[str] | None = None,
        progress: bool = True,  # noqa: FBT002 -- as in the original
        policy: Policy | None = None,
    ) -> None:
        """Store the arguments; nothing happens before `download()`."""
        self.desc = Descriptor(desc) if isinstance(desc, str) else desc
        dest = ToMemory() if destination is None else ToPath(expand(fsdecode(destination)))
        base = Policy(retries=0) if policy is None else policy
        self._policy = replace(base, dest=dest, backend=self.backend)
        self._progress = progress
        self.outcome: Outcome | None = None
        self.fault: Fault | None = None

    def download(self) -> str | BytesIO | None:
        """Download; return the path or the buffer, or None on failure: see `fault`.

        Raises: RequestError if the backend is not installed or the request is wrong.
        """
        self.outcome, self.fault = None, None
        with SystemWorld(folder=None, progress=self._progress) as world:
            planned = plan(self.desc, self._policy, world.observe(self.desc, self._policy))
            if not is_successful(planned):
                raise error_for(planned.failure())
            done = execute(planned.unwrap(), world)
        if not is_successful(done):
            self.fault = unsafe_perform_io(done.failure())
            return None
        self.outcome = unsafe_perform_io(done.unwrap())
        return self.outcome.content

    @property
    def ok(self) -> bool:
        """Whether the download succeeded."""
        return self.outcome is not None

    @property
    def http_code(self) -> int:
        """The status of the last response; 0 if there was none."""
        if self.record is not None:
            return self.record.http_code
        return self.fault.status if isinstance(self.fault, HttpStatus) else 0

    @property
    def record(self) -> DownloadRecord | None:
        """The record of the download; None if it failed."""
        return None if self.outcome is None else self.outcome.record

    @property
    def resp_headers(self) -> Headers:
        """The header fields of the response, with secrets masked; empty after a failure."""
        return Headers() if self.record is None else Headers(self.record.response_headers)

    @property
    def size(self) -> int | None:
        """The number of received bytes."""
        return None if self.record is None else self.record.size_bytes

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the content, in hex."""
        return None if self.record is None else self.record.sha256

    @property
    def filename(self) -> str | None:
        """The file name from the response or the URL."""
        return None if self.record is None else self.record.filename

    @property
    def ext(self) -> str | None:
        """The extension of the file name, without its dot."""
        return extension(self.filename or '')

    @property
    def path(self) -> str | None:
        """The path of the file; None in memory."""
        return None if self.outcome is None else self.outcome.path


class RequestsDownloader(Downloader):
    """A downloader that uses requests.

    >>> from dlmachine.demo import examples
    >>> with examples() as server:
    ...     one = RequestsDownloader(f'{server.url}/table.tsv', progress=False)
    ...     one.download().read(4), one.ok, one.http_code, one.size
    (b'gene', True, 200, 25)
    """

    backend = 'requests'


class CurlDownloader(Downloader):
    """A downloader that uses pycurl (`pip install pycurl`)."""

    backend = 'curl'
