"""The files of a record: as a manifest, in messages, and the one that is chosen."""

from typing import Any

import pytest

from dlmachine.core.faults import Fault, SourceUnusable
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.sources.address import Source
from dlmachine.core.sources.listing import Listing, SourceFile, choose_file
from dlmachine.core.sources.resolved import Resolved, resolved_file

MD5 = Checksum('md5', 'd41d8cd98f00b204e9800998ecf8427e')
FIRST = SourceFile(name='d/a.csv', url='https://h/a', size_bytes=5, checksum=MD5)
SECOND = SourceFile(name='b.csv', url='https://h/b', other_name='b.tab')
BOTH = Listing(repository='zenodo', doi='10.1/x', version='2', files=(FIRST, SECOND))


def chosen(listing: Listing, name: str) -> SourceFile | Fault:
    """The file of this name, or why there is none."""
    found: Any = choose_file(listing, name, 'doi:10.1/x')
    return found.value_or(None) or found.failure()  # type: ignore[no-any-return]


def test_a_version_as_json_has_it() -> None:
    """What is not known of a file is None."""
    assert BOTH.to_dict() == {
        'repository': 'zenodo',
        'doi': '10.1/x',
        'version': '2',
        'title': '',
        'files': [
            {'name': 'd/a.csv', 'url': 'https://h/a', 'size': 5, 'checksum': f'md5:{MD5.hex}'},
            {'name': 'b.csv', 'url': 'https://h/b', 'size': None, 'checksum': None},
        ],
    }


def test_entries_of_a_manifest() -> None:
    """A checksum is there if it is known."""
    assert BOTH.entries == (
        {'name': 'd/a.csv', 'url': 'https://h/a', 'path': 'd/a.csv', 'checksum': f'md5:{MD5.hex}'},
        {'name': 'b.csv', 'url': 'https://h/b', 'path': 'b.csv'},
    )


@pytest.mark.parametrize(
    ('name', 'file'), [('d/a.csv', FIRST), ('b.csv', SECOND), ('b.tab', SECOND)]
)
def test_a_file_is_chosen_by_name(name: str, file: SourceFile) -> None:
    """By either of its names."""
    assert chosen(BOTH, name) == file


@pytest.mark.parametrize(
    ('files', 'name', 'problem', 'advice'),
    [
        ((), '', 'it lists no files', 'The record may be restricted: look at its page'),
        (
            (FIRST, SECOND), '', 'it has 2 files: d/a.csv, b.csv',
            ('Name one of them, as in doi:10.1/x/d/a.csv, or write them into a manifest: '
            'dlmachine resolve doi:10.1/x'),
        ),
        (
            (FIRST, SECOND), 'c.csv', 'it has no file c.csv; it has 2 files: d/a.csv, b.csv',
            'Did you mean b.csv?',
        ),
        (
            (FIRST,), 'zzz', 'it has no file zzz; it has 1 file: d/a.csv', 'Name one of its files',
        ),
    ],
    ids=['none', 'several', 'near', 'far'],
)  # fmt: skip
def test_no_file_is_chosen(
    files: tuple[SourceFile, ...], name: str, problem: str, advice: str
) -> None:
    """The fault lists the files, and says what to do."""
    listing = Listing(repository='zenodo', doi='10.1/x', files=files)
    fault = SourceUnusable(source='doi:10.1/x', problem=problem, advice=advice)
    assert chosen(listing, name) == fault


@pytest.mark.parametrize(
    ('repository', 'home'), [('doi', 'https://doi.org/10.1/x'), ('zenodo', 'https://zenodo.org')]
)
def test_a_resolved_file(repository: str, home: str) -> None:
    """Credentials go to the repository only if the caller named it; facts without text are left out."""
    source = Source(repository=repository, base='https://zenodo.org', record='1')
    listing = Listing(repository='zenodo', doi='10.1/x', version='2')
    found = resolved_file(source, listing, FIRST, 'https://doi.org/10.1/x')
    facts = (('repository', 'zenodo'), ('doi', '10.1/x'), ('version', '2'), ('file', 'd/a.csv'))
    assert found == Resolved(
        url='https://h/a', home=home, path='d/a.csv', size_bytes=5, checksum=MD5, facts=facts
    )
    unnamed = Listing(repository='zenodo', doi='10.1/x')
    told = resolved_file(source, unnamed, FIRST, 'https://doi.org/10.1/x').facts
    assert told == (facts[0], facts[1], facts[3])
