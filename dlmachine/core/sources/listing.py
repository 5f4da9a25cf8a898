"""The files of a record, as its repository lists them, and the choice of one of them.  Pure."""

import difflib
from typing import Any, Final

import tomli_w
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, SourceUnusable
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen
from dlmachine.core.http.filename import safe_name
from dlmachine.core.integrity.checksum import Checksum

#: Names in a message; a record may have thousands of files.
_MAX_SHOWN: Final = 20
_MAX_NAME_CHARS: Final = 200


@frozen
class SourceFile:
    """One file of a record: its name in the record, its URL, and its size and checksum if known."""

    name: str
    url: str
    size_bytes: int | None = None
    checksum: Checksum | None = None
    #: Another name under which `choose_file` finds it.
    other_name: str = ''

    @property
    def path(self) -> str:
        """Its name as a safe relative path, with the folders of the record.

        >>> SourceFile(name='../a/b.csv', url='').path
        'a/b.csv'
        """
        parts = [safe_name(part) for part in self.name.split('/')]
        return '/'.join(part for part in parts if part) or 'download'


@frozen
class Listing:
    """A version of a record: its DOI, its version as its authors name it, and its files."""

    repository: str
    doi: str
    version: str = ''
    title: str = ''
    files: tuple[SourceFile, ...] = ()

    @property
    def entries(self) -> tuple[dict[str, str], ...]:
        """The files as entries of a manifest, which `download_many` accepts."""
        return tuple(_entry(file) for file in self.files)

    @property
    def manifest(self) -> str:
        """The files as a manifest in TOML.

        >>> file = SourceFile(name='a.csv', url='https://h/a', size_bytes=5)
        >>> found = Listing(repository='zenodo', doi='10.5281/zenodo.1', version='2', files=(file,))
        >>> print(found.manifest, end='')
        # doi:10.5281/zenodo.1, version 2
        # 1 file, 5 bytes
        <BLANKLINE>
        [[download]]
        name = "a.csv"
        url = "https://h/a"
        path = "a.csv"
        """
        version = f', version {printable(self.version)}' if self.version else ''
        title = f'# {printable(self.title)}\n' if self.title else ''
        size = sum(file.size_bytes or 0 for file in self.files)
        count = '1 file' if len(self.files) == 1 else f'{len(self.files):,} files'
        head = f'{title}# doi:{printable(self.doi)}{version}\n# {count}, {size:,} bytes\n\n'
        blocks = (f'[[download]]\n{tomli_w.dumps(entry)}' for entry in self.entries)
        return head + '\n'.join(blocks)

    def to_dict(self) -> dict[str, Any]:
        """The version as JSON has it."""
        files = [
            {
                'name': file.name,
                'url': file.url,
                'size': file.size_bytes,
                'checksum': None if file.checksum is None else str(file.checksum),
            }
            for file in self.files
        ]
        return {
            'repository': self.repository,
            'doi': self.doi,
            'version': self.version,
            'title': self.title,
            'files': files,
        }


def _entry(file: SourceFile) -> dict[str, str]:
    entry = {'name': file.name, 'url': file.url, 'path': file.path}
    return entry if file.checksum is None else {**entry, 'checksum': str(file.checksum)}


def choose_file(listing: Listing, name: str, source: str) -> Result[SourceFile, Fault]:
    """The file of this name, or the only one if there is no name.

    Faults: `SourceUnusable`, which lists the files.

    >>> files = (SourceFile(name='a.csv', url='http://h/a'), SourceFile(name='b', url='http://h/b'))
    >>> found = Listing(repository='zenodo', doi='10.5281/zenodo.1', files=files)
    >>> choose_file(found, 'a.csv', 'doi:10.5281/zenodo.1').unwrap().url
    'http://h/a'
    >>> choose_file(found, '', 'doi:10.5281/zenodo.1').failure().problem
    'it has 2 files: a.csv, b'
    """
    files = listing.files
    if not files:
        problem = 'it lists no files'
        advice = 'The record may be restricted: look at its page'
        return Failure(SourceUnusable(source=source, problem=problem, advice=advice))
    if name:
        for file in files:
            if name in {file.name, file.other_name}:
                return Success(file)
        near = difflib.get_close_matches(name, [file.name for file in files])
        advice = f'Did you mean {printable(near[0])}?' if near else 'Name one of its files'
        problem = f'it has no file {printable(name)}; it has {_show(files)}'
        return Failure(SourceUnusable(source=source, problem=problem, advice=advice))
    if len(files) == 1:
        return Success(files[0])
    advice = (
        f'Name one of them, as in {source}/{printable(files[0].name)}, or write them into a '
        f'manifest: dlmachine resolve {source}'
    )
    problem = f'it has {_show(files)}'
    return Failure(SourceUnusable(source=source, problem=problem, advice=advice))


def _show(files: tuple[SourceFile, ...]) -> str:
    names = [printable(file.name[:_MAX_NAME_CHARS]) for file in files[:_MAX_SHOWN]]
    more = len(files) - len(names)
    count = '1 file' if len(files) == 1 else f'{len(files):,} files'
    return f'{count}: {", ".join(names)}' + (f' and {more:,} more' if more else '')
