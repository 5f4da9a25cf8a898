"""The paths of entries in a folder: inside, safe, and each for one entry."""

from pathlib import PurePosixPath
from typing import Any

import pytest

from dlmachine.core.faults.printing import shown_value
from dlmachine.core.manifest.places import parse_place


@pytest.mark.parametrize(
    ('path', 'parsed'),
    [
        ('t.csv', 't.csv'),
        ('./a//b/./t.csv', 'a/b/t.csv'),
        (PurePosixPath('a/t.csv'), 'a/t.csv'),
        ('a b/é.csv', 'a b/é.csv'),
        (2_047 * 'a/' + 'bb', 2_047 * 'a/' + 'bb'),
    ],
)
def test_a_path_is_one_of_safe_names(path: object, parsed: str) -> None:
    """Empty segments and dots are dropped."""
    assert parse_place(path).unwrap() == parsed


@pytest.mark.parametrize(
    ('path', 'problem', 'advice'),
    [
        (5, 'must be a path such as data/table.csv, not 5', ''),
        ('', 'is an empty path', ''),
        (4_097 * 'a', 'has 4,097 characters; at most 4,096 are allowed', ''),
        ('é' * 101, f"{shown_value('é' * 101)} has a name of 202 bytes; at most 200 are allowed", 'Use a shorter name'),
        ('.', "'.' is not the name of a file", 'Name the file, not its folder'),
        ('a/', "'a/' is not the name of a file", 'Name the file, not its folder'),
        ('a/.', "'a/.' is not the name of a file", 'Name the file, not its folder'),
        ('a/..', "'a/..' is not the name of a file", 'Name the file, not its folder'),
        ('..', "'..' is not the name of a file", 'Name the file, not its folder'),
        ('../t', "'../t' leads outside the folder", 'Allow it if you trust the manifest: allow_outside=True'),
        ('a/../../t', "'a/../../t' leads outside the folder", 'Allow it if you trust the manifest: allow_outside=True'),
        ('/etc/t', "'/etc/t' leads outside the folder", 'Allow it if you trust the manifest: allow_outside=True'),
        ('C:/t', "'C:/t' leads outside the folder", 'Allow it if you trust the manifest: allow_outside=True'),
        ('\\\\h\\s\\t', "'\\\\\\\\h\\\\s\\\\t' leads outside the folder", 'Allow it if you trust the manifest: allow_outside=True'),
        ('a\\t', "'a\\\\t' has a \\ in it", 'Separate folders by /'),
        ('.git/config', "'.git/config' has the name '.git', which is not safe", "Use '_.git', or allow it if you trust the manifest: allow_outside=True"),
        ('nul', "'nul' has the name 'nul', which is not safe", "Use '_nul', or allow it if you trust the manifest: allow_outside=True"),
        ('a/ ', "'a/ ' has the name ' ', which is not safe", 'Allow it if you trust the manifest: allow_outside=True'),
        ('http://h/a', "'http://h/a' is a URL, but a path is expected", ''),
    ],
)  # fmt: skip
def test_another_path_is_refused(path: object, problem: str, advice: str) -> None:
    """With what to do about it."""
    found: Any = parse_place(path).failure()

    assert (found.where, found.problem, found.advice) == ('path', problem, advice)


@pytest.mark.parametrize(
    ('path', 'parsed'),
    [('../t.csv', '../t.csv'), ('/data//t.csv', '/data//t.csv'), ('.git//config', '.git/config')],
)
def test_any_path_if_it_is_allowed(path: str, parsed: str) -> None:
    """Except those that cannot be a file."""
    assert parse_place(path, allow_outside=True).unwrap() == parsed
    assert parse_place('a/', allow_outside=True).value_or(None) is None
