"""Downloaders: one backend, one descriptor, one destination, no cache.

The original's classes: made, told to `download()`, then asked for the result. Nothing is
raised for what servers and networks do; `ok` and `fault` tell.
"""

from dataclasses import replace
from io import BytesIO
from os import PathLike, fsdecode
from typing import ClassVar

from returns.pipeline import is_successful
from returns.unsafe import unsafe_perform_io

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.faults import Fault, HttpStatus
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
    """Download one descriptor to a path, or into memory where none is given.

    `policy` sets limits and retries; its destination and backend are overridden. Without
    one a download is tried once.
    """

    backend: ClassVar[str]

    def __init__(
        self,
        desc: str | core.Descriptor,
        destination: str | PathLike[str] | None = None,
        progress: bool = True,  # noqa: FBT002 -- as the original has it
        policy: Policy | None = None,
    ) -> None:
        """Nothing happens before `download()`."""
        self.desc = Descriptor(desc) if isinstance(desc, str) else desc
        place = ToMemory() if destination is None else ToPath(expand(fsdecode(destination)))
        base = Policy(retries=0) if policy is None else policy
        self._policy = replace(base, dest=place, backend=self.backend)
        self._progress = progress
        self.outcome: Outcome | None = None
        self.fault: Fault | None = None

    def download(self) -> str | BytesIO | None:
        """Do it; the path or the buffer, or None if it could not be done: see `fault`.

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
        """Whether the right bytes are there."""
        return self.outcome is not None

    @property
    def http_code(self) -> int:
        """The status of the last answer; 0 if there was none."""
        if self.record is not None:
            return self.record.http_code
        return self.fault.status if isinstance(self.fault, HttpStatus) else 0

    @property
    def record(self) -> DownloadRecord | None:
        """All that is known of the bytes; None if it failed."""
        return None if self.outcome is None else self.outcome.record

    @property
    def resp_headers(self) -> Headers:
        """The header fields of the answer, secrets masked; empty if it failed."""
        return Headers() if self.record is None else Headers(self.record.response_headers)

    @property
    def size(self) -> int | None:
        """Bytes received."""
        return None if self.record is None else self.record.size_bytes

    @property
    def sha256(self) -> str | None:
        """SHA-256 of them, in hex."""
        return None if self.record is None else self.record.sha256

    @property
    def filename(self) -> str | None:
        """What the answer, or the URL, calls it."""
        return None if self.record is None else self.record.filename

    @property
    def ext(self) -> str | None:
        """The extension of that name, without its dot."""
        return extension(self.filename or '')

    @property
    def path(self) -> str | None:
        """The file; None in memory."""
        return None if self.outcome is None else self.outcome.path


class RequestsDownloader(Downloader):
    """A Downloader on requests."""

    backend = 'requests'


class CurlDownloader(Downloader):
    """A Downloader on pycurl (`pip install pycurl`)."""

    backend = 'curl'
