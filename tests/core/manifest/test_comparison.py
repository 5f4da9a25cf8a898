"""Differences between a manifest and its lockfile, and between two lockfiles."""

from dlmachine.core.frozen import replace
from dlmachine.core.manifest.comparison import (
    LockDifference,
    LockedChange,
    find_changes,
    find_repeated,
)
from dlmachine.core.manifest.lock import LockedFile

ONE = LockedFile(name='a', url='http://h/a', entry='0' * 64, size=5, sha256='1' * 64)


def test_entries_name_each_difference() -> None:
    """In the order of the kinds."""
    difference = LockDifference(added=('a',), changed=('c', 'd'), removed=('b',))
    assert difference.entries == (
        ('added', 'a'), ('changed', 'c'), ('changed', 'd'), ('removed', 'b'),
    )  # fmt: skip


def test_equal_entries_are_the_same_one() -> None:
    """Even if each was parsed by itself."""
    assert find_repeated([('a', [1]), ('b', [1]), ('a', [1])]) is None
    assert find_repeated([('a', [1]), ('a', [2])]) == 'a'


def test_only_other_bytes_are_a_change() -> None:
    """An entry that is new, gone or the same is none."""
    other = replace(ONE, sha256='2' * 64)
    before = {'a': ONE, 'b': ONE, 'gone': ONE}
    after = {'a': other, 'b': ONE, 'new': ONE}
    assert find_changes(before, after) == (LockedChange(old=ONE, new=other),)
