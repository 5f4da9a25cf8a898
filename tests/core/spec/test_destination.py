"""Destinations: parsing `dest`, and resolving it."""

from pathlib import PurePosixPath
from typing import Any

import pytest

from dlmachine.core.decision.part_location import part_place, part_stem
from dlmachine.core.faults import DestinationUnusable, InvalidInput
from dlmachine.core.spec.destination import (
    AtPath,
    Auto,
    InCache,
    InFolder,
    InMemory,
    PathKind,
    PathSeen,
    ToMemory,
    ToPath,
    Wanted,
    parse_destination,
    resolve_destination,
)
from tests.builders import a_path

FILE, FOLDER = ToPath('/d/x'), ToPath('/d/x/')


@pytest.mark.parametrize(
    ('dest', 'wanted'),
    [
        (None, Auto()), (True, Auto()), (False, ToMemory()), ('/d/x', FILE), (PurePosixPath('/d/x'), FILE), ('/d/x/', FOLDER),
        (FILE, FILE), (Auto(), Auto()), ('', None), ('a\0b', None), (1, None), (b'/d', None),
    ],
)  # fmt: skip
def test_what_a_caller_gives(dest: Any, wanted: Wanted | None) -> None:
    """A path, a bool or None are accepted; other values are faults."""
    assert parse_destination(dest).value_or(None) == wanted


def test_a_url_is_not_a_destination() -> None:
    """The advice is for swapped arguments."""
    assert parse_destination('https://h/x').failure() == InvalidInput(
        where='dest',
        problem="'https://h/x' is a URL, but a path is expected",
        advice='The URL comes first, then dest=',
    )


@pytest.mark.parametrize(
    ('wanted', 'cache', 'seen', 'place'),
    [
        (Auto(), '/c', None, InCache('/c')),
        (Auto(), None, None, InMemory()),
        (ToMemory(), '/c', None, InMemory()),
        (FILE, '/c', None, AtPath('/d/x')),
        (FILE, '/c', a_path(), AtPath('/d/x')),
        (FILE, None, a_path(PathKind.FILE), AtPath('/d/x')),
        (FILE, None, a_path(PathKind.FOLDER), InFolder('/d/x')),
        (ToPath('/d/x', is_named_by_url=True), None, a_path(PathKind.FOLDER), None),
        (ToPath('/d/x', is_named_by_url=True), None, a_path(PathKind.FILE), AtPath('/d/x')),
        (FOLDER, None, a_path(), InFolder('/d/x/')),
        (FOLDER, None, a_path(PathKind.FOLDER), InFolder('/d/x/')),
        (FOLDER, None, a_path(PathKind.FILE), None),
        (FILE, None, a_path(PathKind.OTHER), None),
        (FILE, None, a_path(blocker='/d'), None),
    ],
)  # fmt: skip
def test_where_it_goes(
    wanted: Wanted, cache: str | None, seen: PathSeen | None, place: Any
) -> None:
    """The destination depends on the observed cache and path."""
    found = resolve_destination(wanted, cache, seen)
    assert (None if isinstance(found, DestinationUnusable) else found) == place


@pytest.mark.parametrize(
    ('wanted', 'cache', 'is_folder', 'place'),
    [
        (FILE, '/c', False, '/d'), (FILE, '/c', True, '/d/x'), (FOLDER, None, False, '/d/x'), (ToPath('x'), None, False, '.'),
        (Auto(), '/c', False, '/c'), (Auto(), None, False, None), (ToMemory(), '/c', False, None),
    ],
)  # fmt: skip
def test_parts_lie_beside(
    wanted: Wanted, cache: str | None, is_folder: bool, place: str | None
) -> None:
    """They are on the file system of the destination, so that publishing is one rename."""
    assert part_place(wanted, cache, is_folder=is_folder) == place


def test_the_stem_of_a_part_fits_into_a_file_name() -> None:
    """It has at most 64 bytes of the name, cut between characters."""
    assert part_stem('ab' * 32, ToPath('/d/' + '数' * 80)) == 'ab' * 16 + '-' + '数' * 21
    assert part_stem('ab' * 32, ToPath('/')) == part_stem('ab' * 32, Auto()) == 'ab' * 16


@pytest.mark.parametrize(
    ('path', 'real', 'is_refused'),
    [
        ('/c/cache.sqlite', '', True), ('/c/cache.sqlite-wal', '', True), ('/c//Cache.SQLite', '', True), ('/c/cache.sqlite/', '', True),
        ('/c/CACHEDIR.TAG', '', True), ('/c/' + 'ab' * 16 + '-1.csv', '', True), ('/c/' + 'ab' * 16 + '.csv', '', False),
        ('/c/x.csv', '', False), ('/d/cache.sqlite', '', False), ('/c/sub/cache.sqlite', '', False),
        ('/d/link', '/c/cache.sqlite', True), ('cache.sqlite', '/c/cache.sqlite', True),
        ('/d/.dlmachine/x', '', True), ('/d/.dlmachine', '', True), ('/d/.dlmachine/', '', True), ('/d/.DLMachine-1000/x', '', True),
        ('/d/link/x', '/d/.dlmachine/x', True), ('/d/.dlmachines/x', '', False), ('/d/x.dlmachine', '', False),
    ],
)  # fmt: skip
def test_reserved_files_are_refused_as_destination(
    path: str, real: str, *, is_refused: bool
) -> None:
    """They are refused by any path; in other folders these names are allowed."""
    seen = PathSeen(kind=PathKind.MISSING, real_path=real)
    found = resolve_destination(ToPath(path), '/c', seen)
    refused = DestinationUnusable(path=path, problem='this name is reserved for dlmachine')
    assert found == (refused if is_refused else AtPath(path))


def test_without_a_cache_only_our_folders_are_ours() -> None:
    """The names of a registry are reserved only in a cache folder."""
    assert resolve_destination(ToPath('/c/cache.sqlite'), None, None) == AtPath('/c/cache.sqlite')
    ours = resolve_destination(ToPath('/c/.dlmachine/x'), None, None)
    assert isinstance(ours, DestinationUnusable)


@pytest.mark.parametrize(
    ('path', 'problem'),
    [
        ('.', 'is neither a file nor a folder'),
        ('x' * 256, 'has a name of 256 bytes'),
        ('é' * 128 + '/x', 'has a name of 256 bytes'),
        ('x/' * 2048, 'is a path of 4096 bytes'),
        ('x' * 255, 'is neither a file nor a folder'),
        ('x/' * 2047 + 'x', 'is neither a file nor a folder'),
    ],
)
def test_what_no_file_system_can_store(path: str, problem: str) -> None:
    """The error says whether a name or the whole path is too long."""
    fault = resolve_destination(ToPath(path), None, a_path(PathKind.OTHER))
    assert isinstance(fault, DestinationUnusable)
    assert problem in fault.what()
