"""Faults of DOIs and records: they do not exist, or do not say which file is wanted.  Pure."""

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


SourceFault: TypeAlias = DoiNotFound | SourceUnusable
