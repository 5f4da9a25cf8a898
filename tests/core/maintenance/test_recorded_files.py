"""The states of recorded files, and their safe repairs."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.maintenance.recorded_files import (
    FileRepair,
    FileState,
    MissingFile,
    check_adoption,
    check_recorded,
    check_removal,
    choose_repair,
    find_moved,
    glance,
)
from dlmachine.core.maintenance.verification import Digested

AT = datetime(2024, 5, 1, tzinfo=UTC)
RECORD = DownloadRecord(
    url='http://h/x', started_at=AT, finished_at=AT, size_bytes=3, sha256='ab', mtime_ns=7
)
ENTRY = CacheEntry(
    version=1,
    status=Status.READY,
    stored_at=AT,
    path='d/x',
    file_bytes=3,
    file_mtime_ns=7,
    size_bytes=3,
    record=RECORD,
)
TOUCHED = replace(ENTRY, file_mtime_ns=8)
GONE = MissingFile(folder='d', name='x', url='http://h/x', sha256='ab')


@pytest.mark.parametrize(
    ('entry', 'state'),
    [
        (ENTRY, FileState.WHOLE),
        (replace(ENTRY, is_certain=False), FileState.WHOLE),
        (TOUCHED, FileState.TOUCHED),
        (replace(ENTRY, file_bytes=4), FileState.CHANGED),
        (replace(ENTRY, file_bytes=None), FileState.MISSING),
    ],
)
def test_glance(entry: CacheEntry, state: FileState) -> None:
    """Size and modification time tell, without the bytes."""
    assert glance(entry) is state


@pytest.mark.parametrize(
    ('entry', 'found', 'state'),
    [
        (ENTRY, Digested(sha256='ab'), FileState.WHOLE),
        (ENTRY, Digested(sha256='cd'), FileState.CHANGED),
        (TOUCHED, Digested(sha256='ab'), FileState.TOUCHED),
        (TOUCHED, Digested(sha256='cd'), FileState.CHANGED),
        (ENTRY, Digested(), FileState.MISSING),
        (ENTRY, Digested(problem='no permission'), FileState.UNREADABLE),
    ],
)
def test_check_recorded(entry: CacheEntry, found: Digested, state: FileState) -> None:
    """The bytes decide, whatever the modification time."""
    assert check_recorded(entry, 'ab', found) is state


def test_problems() -> None:
    """A touched, unknown or pending file is not a problem; nor is a leftover note."""
    assert {state.value for state in FileState if not state.is_sound} == {
        'changed',
        'damaged index',
        'missing',
        'moved',
        'strange row',
        'unreadable',
    }


def test_find_moved() -> None:
    """The same digest, and rather the same name."""
    other = replace(GONE, folder='e', name='y')
    assert find_moved('y', Digested(sha256='ab'), [GONE, other]) is other
    assert find_moved('z', Digested(sha256='ab'), [GONE, other]) is GONE
    assert find_moved('x', Digested(sha256='cd'), [GONE]) is None
    assert find_moved('x', Digested(), [GONE]) is None
    assert GONE.path == 'd/x'


def test_choose_repair() -> None:
    """No repair touches a file; a row of a missing file is only removed if asked."""
    repairs = {state: choose_repair(state) for state in FileState}
    assert {state.value: repair.value for state, repair in repairs.items()} == {
        'whole': 'none',
        'touched': 'record',
        'changed': 'none',
        'missing': 'none',
        'moved': 'record under the new name',
        'unreadable': 'none',
        'unknown': 'none',
        'not recorded yet': 'record',
        'strange row': 'remove row',
        'damaged index': 'move the index away',
        'stray note': 'remove note',
    }
    assert choose_repair(FileState.MISSING, prune=True) is FileRepair.REMOVE_ROW
    assert choose_repair(FileState.CHANGED, prune=True) is FileRepair.NONE
    assert choose_repair(FileState.WHOLE, is_certain=False) is FileRepair.RECORD


def test_check_removal() -> None:
    """What may be a user's own work stays, unless forced."""
    whole = {state for state in FileState if not check_removal(state, force=False)}
    assert FileState.WHOLE in whole
    assert FileState.TOUCHED in whole
    assert check_removal(FileState.CHANGED, force=False) == 'has changed since it was recorded'
    assert check_removal(FileState.UNREADABLE, force=False) == 'cannot be read'
    assert check_removal(None, force=False) == 'is not recorded'
    assert check_removal(FileState.WHOLE, force=False) == ''
    assert check_removal(None, force=True) == check_removal(FileState.CHANGED, force=True) == ''


def test_check_adoption() -> None:
    """A file that is recorded as another download, or was changed, is not recorded anew."""
    assert check_adoption(None, None, force=False) == ''
    assert check_adoption('http://h/x', FileState.WHOLE, force=False) == ''
    assert (
        check_adoption('http://h/x', None, force=False) == 'is recorded as the file of http://h/x'
    )
    changed = check_adoption('http://h/x', FileState.CHANGED, force=False)
    assert changed == 'has changed since it was recorded'
    assert check_adoption('http://h/x', FileState.CHANGED, force=True) == ''
