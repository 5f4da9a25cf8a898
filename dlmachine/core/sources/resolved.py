"""What a DOI or the URL of a record was resolved to: one file.  Pure."""

from typing import TYPE_CHECKING

from dlmachine.core.frozen import frozen
from dlmachine.core.integrity.checksum import Checksum

if TYPE_CHECKING:  # A hit needs no list of files.
    from dlmachine.core.sources.address import Source
    from dlmachine.core.sources.listing import Listing, SourceFile

Pairs = tuple[tuple[str, str], ...]


@frozen
class Resolved:
    """The URL and the safe path of a file, and what its record says.

    `home` is the URL whose origin gets the caller's credentials: that of the repository which the
    caller named, not one that only a server named. `facts` are repository, DOI, version and file.
    """

    url: str
    home: str
    path: str
    size_bytes: int | None = None
    checksum: Checksum | None = None
    facts: Pairs = ()


def resolved_file(source: 'Source', listing: 'Listing', file: 'SourceFile', url: str) -> Resolved:
    """The file of a record; `source` and `url` are what the caller asked for."""
    facts = (
        ('repository', listing.repository),
        ('doi', listing.doi),
        ('version', listing.version),
        ('file', file.name),
    )
    return Resolved(
        url=file.url,
        home=url if source.repository == 'doi' else source.base,
        path=file.path,
        size_bytes=file.size_bytes,
        checksum=file.checksum,
        facts=tuple(pair for pair in facts if pair[1]),
    )
