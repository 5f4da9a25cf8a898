"""Entries with one path."""

from typing import Any

import pytest
from returns.result import Failure, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.manifest.clashes import (
    check_clashes,
    find_clashes,
    may_clash,
    refuse_clashes_in_turn,
)


@frozen
class Entry:
    """As much of an entry as has to do with its path."""

    name: str
    path: str | None
    descriptor: str | None = None
    policy: str | None = None
    sha256: str | None = None
    fault: Fault | None = None


def test_entries_with_one_path_are_refused() -> None:
    """Together, or the later one of those that come one by one; the others stay as they are."""
    fine: tuple[object, ...] = (
        'http://h/x',
        Entry(name='a', path='a.csv'),
        Entry(name='b', path=None),
    )
    clashing = Entry(name='c', path='A.csv', descriptor='d')
    fault = InvalidInput(
        where="entry 'c'",
        problem="has the path 'A.csv', which is that of entry 'a'",
        advice='Give each entry a path of its own; some file systems ignore case',
    )

    assert check_clashes(fine) == Success(fine)
    assert check_clashes((*fine, clashing)) == Failure(fault)
    assert check_clashes((*fine, clashing), 'm.toml') == Failure(
        replace(fault, where="entry 'c' (m.toml)")
    )
    found = tuple(refuse_clashes_in_turn(iter([*fine, clashing])))
    assert found == (*fine, replace(clashing, descriptor=None, fault=fault))


def test_paths_that_only_look_alike_are_allowed() -> None:
    """A look at all paths together finds too many clashes rather than too few."""
    deep = (Entry(name='a', path='/'.join('d' * 40)),)

    assert check_clashes(deep) == Success(deep)


@pytest.mark.parametrize('field', ['descriptor', 'policy', 'sha256'])
def test_entries_may_download_the_same_to_one_path(field: str) -> None:
    """The same request, with the same options and the same digest."""
    one, same = Entry(name='a', path='a.csv'), Entry(name='b', path='a.csv')
    changed: Any = {field: 'x'}
    other = replace(same, **changed)

    assert check_clashes((one, same)) == Success((one, same))
    assert isinstance(check_clashes((one, other)), Failure)


@pytest.mark.parametrize(
    ('paths', 'problems'),
    [
        (['a', 'b', None, None, 'A.csv'], [None] * 5),
        (['d/a', 'd/b', 'D/c'], [None] * 3),
        (['a', 'A'], [None, "has the path 'A', which is that of entry '0'"]),
        (['stra\u00dfe', 'STRASSE'], [None, "has the path 'STRASSE', which is that of entry '0'"]),
        (['e\u0301', '\u00e9'], [None, "has the path '\u00e9', which is that of entry '0'"]),
        (['d/a', 'd'], [None, "has the path 'd', which is a folder of entry '0'"]),
        (['d', 'd/a/b'], [None, "has the path 'd/a/b', which is below that of entry '0'"]),
        (['/d/a', '/d'], [None, "has the path '/d', which is a folder of entry '0'"]),
        (['d/a', 'd/b', 'd'], [None, None, "has the path 'd', which is a folder of entry '0'"]),
        (['a', 'a', 'a'], [None, "has the path 'a', which is that of entry '0'", "has the path 'a', which is that of entry '0'"]),
    ],
)  # fmt: skip
def test_a_path_belongs_to_one_entry(paths: list[str | None], problems: list[str | None]) -> None:
    """Also where case and Unicode form do not count, and as a folder of another."""
    assert (
        list(find_clashes((str(number), path, number) for number, path in enumerate(paths)))
        == problems
    )
    assert may_clash(path for path in paths if path) == any(problem for problem in problems)


def test_a_deep_path_may_clash() -> None:
    """The quick look gives up, and the tree decides."""
    deep = '/'.join('d' * 40)

    assert may_clash([deep])
    assert list(find_clashes([('one', deep, 1)])) == [None]


def test_clashes_are_found_one_by_one() -> None:
    """The inputs of a batch may be endless."""
    endless = ((str(number), f'{number % 2}', number) for number in iter(int, 1))

    assert next(find_clashes(endless)) is None
