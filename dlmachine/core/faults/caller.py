"""Faults that the caller must fix: the request or the options are wrong.  Pure."""

from typing import Any, Final, TypeAlias

from returns.result import Failure, Result

from dlmachine.core.faults.access import CertificateUnusable, JarUnusable, SecretUnavailable
from dlmachine.core.faults.base import FaultBase, Party
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen


@frozen
class InvalidInput(FaultBase):
    """An argument cannot be used.

    `where` names it, for example `headers['X-Id']`; `problem` continues the sentence: 'has no
    colon', 'must be text, not 5', or the value and what is wrong with it.
    """

    party = Party.CALLER
    code = 'invalid_input'
    where: str
    problem: str
    advice: str = ''

    def what(self) -> str:
        return f'{printable(self.where)} {self.problem}'

    def remedy(self) -> str:
        return self.advice


def refuse(where: str, problem: str, advice: str = '') -> Result[Any, Any]:
    """The result of parsing an argument that cannot be used: an `InvalidInput`."""
    return Failure(InvalidInput(where=where, problem=problem, advice=advice))


@frozen
class UnknownName(FaultBase):
    """An unknown keyword or configuration key, with the nearest known one."""

    party = Party.CALLER
    code = 'unknown_name'
    name: str
    nearest: str | None = None
    source: str = ''
    #: The class or function that has the option, if it exists elsewhere.
    owner: str = ''
    #: How the same is said with the options that exist.
    advice: str = ''

    def what(self) -> str:
        return f'unknown option {self.name!r}' + (f' in {self.source}' if self.source else '')

    def remedy(self) -> str:
        if self.advice:
            return self.advice
        if self.owner:
            return f'It is an option of {self.owner}: pass it there'
        return f'Did you mean {self.nearest!r}?' if self.nearest else ''


#: The command that installs each built-in backend.  Not an extra of dlmachine: on the package
#: index the name dlmachine belongs to another project.
INSTALL: Final = {'curl': 'pip install pycurl', 'requests': 'pip install requests'}


@frozen
class BackendMissing(FaultBase):
    """The requested backend, or any backend for this scheme, is not installed."""

    party = Party.CALLER
    code = 'backend_missing'
    backend: str
    reason: str
    install: str = ''

    def what(self) -> str:
        return f'backend {self.backend!r} cannot be used: {self.reason}'

    def remedy(self) -> str:
        return f'Install it: {self.install}' if self.install else ''


@frozen
class SchemeRefused(FaultBase):
    """No installed backend may use the scheme of this URL, or `allow_file` is not set."""

    party = Party.CALLER
    code = 'scheme_refused'
    url: str
    scheme: str
    allowed: tuple[str, ...]

    def what(self) -> str:
        if self.scheme == 'file':
            return f'{self.url} is a local file, and these are not allowed'
        return f'{self.url}: scheme {self.scheme!r} is not one of {", ".join(self.allowed)}'

    def remedy(self) -> str:
        if self.scheme == 'file':
            return 'To use local files, pass allow_file=True'
        if self.scheme in {'ftp', 'ftps', 'sftp', 'scp'}:
            return f'Install the curl backend: {INSTALL["curl"]}'
        return 'Use an http(s) URL'


@frozen
class OfflineMiss(FaultBase):
    """`offline` is set, and the file is neither in the cache nor recorded at its path.

    `cause` is what forbids a request.
    """

    party = Party.CALLER
    code = 'offline_miss'
    url: str
    cache: str | None
    path: str = ''
    cause: str = 'offline is set'

    def what(self) -> str:
        if self.path:
            path = printable(self.path)
            return f'{self.url} has no recorded and unchanged file at {path}, and {self.cause}'
        if self.cache is None:
            return f'{self.url} cannot be downloaded: {self.cause}, and the destination is memory'
        return f'{self.url} is not in the cache {printable(self.cache)}, and {self.cause}'

    def remedy(self) -> str:
        if self.path:
            path = printable(self.path)
            return f'Download it once while online: dlmachine get --output {path} {self.url!r}'
        if self.cache is None:
            has_it = 'a cache that has it as path=, or a path at which it is recorded as dest='
            return f'Pass the folder of {has_it}'
        cache = printable(self.cache)
        return f'Download it once while online: dlmachine get --cache {cache} {self.url!r}'


@frozen
class WindowUnsatisfiable(FaultBase):
    """No stored version is in the date window, and a new download would be outside it too."""

    party = Party.CALLER
    code = 'window_unsatisfiable'
    url: str
    window: str
    held: tuple[str, ...]

    def what(self) -> str:
        held = ', '.join(self.held) or 'none'
        return f'{self.url}: no version {self.window} (stored versions: {held})'

    def remedy(self) -> str:
        return 'A new download would have the date of today: change newer_than= or older_than='


@frozen
class DestinationUnusable(FaultBase):
    """The destination cannot be used."""

    party = Party.CALLER
    code = 'destination_unusable'
    path: str
    problem: str
    advice: str = 'Choose another destination'

    def what(self) -> str:
        return f'{self.about}destination {printable(self.path)}: {self.problem}'

    @property
    def filename(self) -> str:
        """The path of the destination."""
        return self.path

    def remedy(self) -> str:
        return self.advice


@frozen
class ChecksumUnknown(FaultBase):
    """A checksum file cannot be read, or has no checksum for this file."""

    party = Party.CALLER
    code = 'checksum_unknown'
    source: str
    problem: str

    def what(self) -> str:
        return f'{self.about}checksum file {printable(self.source)}: {self.problem}'

    def remedy(self) -> str:
        return "Pass a checksum file that has a line for this file, or pass checksum='sha256:<hex>'"


@frozen
class LockOutdated(FaultBase):
    """A manifest and its lockfile differ, and the lockfile may not be changed.

    `entries` are all that differ, each with the kind of its difference.
    """

    party = Party.CALLER
    code = 'lock_outdated'
    path: str
    problem: str
    entries: tuple[tuple[str, str], ...] = ()

    def what(self) -> str:
        return f'{self.about}lockfile {printable(self.path)}: {self.problem}'

    @property
    def filename(self) -> str:
        """The path of the lockfile."""
        return self.path

    def remedy(self) -> str:
        return 'Update the lockfile: run dlmachine lock, or call manager.lock()'


@frozen
class Cancelled(FaultBase):
    """The caller cancelled the download by closing the manager or the iterator of a batch."""

    party = Party.CALLER
    code = 'cancelled'

    def what(self) -> str:
        return f'{self.about}the download was cancelled'

    def remedy(self) -> str:
        return 'Start the download again to resume it'


CallerFault: TypeAlias = (
    InvalidInput
    | SecretUnavailable
    | JarUnusable
    | CertificateUnusable
    | UnknownName
    | BackendMissing
    | SchemeRefused
    | OfflineMiss
    | WindowUnsatisfiable
    | DestinationUnusable
    | ChecksumUnknown
    | LockOutdated
    | Cancelled
)
