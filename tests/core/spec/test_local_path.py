"""Invalid local paths, and destinations with too long names."""

import pytest
from returns.result import Success

from dlmachine.core.faults import InvalidInput
from dlmachine.core.spec.destination import PathKind, PathSeen, ToPath, resolve_destination
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.options import unknown_name


@pytest.mark.parametrize('path', ['~', '~/x', '~nobody/x', '~nobody\\x'])
def test_a_home_that_is_not_known_is_refused(path: str) -> None:
    """Otherwise a folder of this name would be created; the remedy shows how to mean one."""
    fault = parse_local_path(path, 'dest').failure()

    assert 'is not the home of a known user' in str(fault)
    assert './~' in fault.remedy()


@pytest.mark.parametrize(
    ('path', 'problem'),
    [('', 'is an empty path'), ('a\0', 'contains NUL at position 1'),
     ('\ud800', 'contains a lone surrogate at position 0')],
)  # fmt: skip
def test_a_name_that_no_file_can_have(path: str, problem: str) -> None:
    """The fault says where."""
    advice = 'No file can have such a name' if path else ''
    fault = parse_local_path(path, 'dest', 'Write a path').failure()
    assert fault == InvalidInput(where='dest', problem=problem, advice=advice)


@pytest.mark.parametrize('path', ['~nobody', '~$doc.docx', './~/x', 'a~/b'])
def test_a_tilde_may_be_part_of_a_name(path: str) -> None:
    """A tilde may also begin the name of a file."""
    assert parse_local_path(path, 'dest') == Success(path)


@pytest.mark.parametrize(
    ('name', 'problem'),
    [('x' * 256, 'has a name of 256 bytes'), ('é' * 128, 'of 256 bytes'), ('x', 'is neither')],
)
def test_too_long_name_is_reported(name: str, problem: str) -> None:
    """The limit is in bytes, as in file systems."""
    seen = PathSeen(kind=PathKind.OTHER)

    assert problem in str(resolve_destination(ToPath(f'/d/{name}'), None, seen))


def test_an_unknown_name_is_shown_as_values_are() -> None:
    """It is masked, and cut to 80 characters."""
    assert unknown_name('http://me:s3cret@h/', ()).name == 'http://***@h/'
    assert unknown_name('x' * 81, ()).name == f'{"x" * 77}...'
    assert unknown_name('x' * 80, ()).name == 'x' * 80
