"""Faults of sources other than servers: DOIs and records, and local files.  Pure."""

from typing import TypeAlias

from dlmachine.core.faults.base import FaultBase, Party
from dlmachine.core.frozen import frozen


@frozen
class DoiNotFound(FaultBase):
    """A DOI or a record does not exist; `where` is the server that was asked."""

    party = Party.CALLER
    code = 'doi_not_found'
    source: str
    where: str

    def what(self) -> str:
        return f'{self.source} does not exist: {self.where} has no such record'

    def remedy(self) -> str:
        return 'Check the DOI for typing errors; a record that is not published has none yet'


@frozen
class SourceUnusable(FaultBase):
    """A DOI or a record exists, but does not lead to one file that can be downloaded."""

    party = Party.CALLER
    code = 'source_unusable'
    source: str
    problem: str
    advice: str = ''

    def what(self) -> str:
        return f'{self.source} cannot be downloaded: {self.problem}'

    def remedy(self) -> str:
        return self.advice


@frozen
class FileUnreadable(FaultBase):
    """A local file that is the source of a download cannot be read.

    `is_passing` says that reading it again may work.
    """

    party = Party.SERVER
    code = 'file_unreadable'
    url: str
    problem: str
    is_passing: bool = False

    def what(self) -> str:
        return f'{self.url} cannot be read: {self.problem}'

    def remedy(self) -> str:
        if self.is_passing:
            return 'Try again when no program writes to it'
        return 'Check the path; it must be a file that you may read'


SourceFault: TypeAlias = DoiNotFound | SourceUnusable | FileUnreadable
