"""Locks: one contract for files and for memory, and what only files do."""

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.faults import LockBusyTooLong
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired, LockReleased, LockUnavailable
from dlmachine.core.protocol.ports import Locks
from dlmachine_adapters.fakes import ManualClock, MemoryLocks
from dlmachine_adapters.files.locks import FolderLocks

KEY = 'ab' * 32
LONG = timedelta(seconds=30)
SHORT = timedelta(seconds=0.1)


@pytest.fixture(params=['folder', 'memory'])
def locks(request: pytest.FixtureRequest, tmp_path: Path) -> Locks:
    """Every implementation in turn."""
    clock = ManualClock()
    return MemoryLocks(clock) if request.param == 'memory' else FolderLocks(str(tmp_path), clock)


def _acquire(locks: Locks, key: str = KEY, patience: timedelta = LONG) -> Any:
    return locks.acquire(AcquireLock(key=key, patience=patience))


def _release(locks: Locks, key: str = KEY) -> LockReleased:
    return locks.release(ReleaseLock(key=key))


def _in_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_free_lock_is_had_at_once(locks: Locks) -> None:
    """And again after its release."""
    for _ in range(3):
        acquired = _acquire(locks)
        _release(locks)
        assert acquired == LockAcquired(at=acquired.at, waited=False)


def test_other_keys_are_not_held_up(locks: Locks) -> None:
    """Each key has its own."""
    found: list[Any] = []
    _acquire(locks, 'a' * 64)
    _in_thread(lambda: found.extend([_acquire(locks, 'b' * 64), _release(locks, 'b' * 64)]))
    _release(locks, 'a' * 64)

    assert isinstance(found[0], LockAcquired)


def test_a_second_thread_waits_for_the_first(locks: Locks) -> None:
    """The event says that it waited."""
    found: list[Any] = []
    _acquire(locks)
    thread = threading.Thread(target=lambda: found.extend([_acquire(locks), _release(locks)]))
    thread.start()
    time.sleep(0.1)
    waiting = list(found)
    _release(locks)
    thread.join()

    assert waiting == []
    assert isinstance(found[0], LockAcquired)
    assert found[0].waited


def test_patience_ends(locks: Locks) -> None:
    """With a fault that names the key, the wait and the owner."""
    found: list[Any] = []
    _acquire(locks)
    _in_thread(lambda: found.append(_acquire(locks, patience=SHORT)))
    _release(locks)
    fault = found[0].fault

    assert isinstance(fault, LockBusyTooLong)
    assert (fault.key, fault.owner) == (KEY, 'another thread of this process')
    assert fault.waited >= SHORT


def test_only_the_owner_gives_it_back(locks: Locks) -> None:
    """A run that timed out does not release the lock of another."""
    found: list[Any] = []

    def give_up_and_let_go() -> None:
        found.append(_acquire(locks, patience=timedelta(0)))
        _release(locks)
        found.append(_acquire(locks, patience=timedelta(0)))

    _acquire(locks)
    _in_thread(give_up_and_let_go)
    _release(locks)

    assert [type(one) for one in found] == [LockUnavailable, LockUnavailable]


def test_releasing_what_is_not_held_is_nothing(locks: Locks) -> None:
    """Twice, or without having acquired it."""
    _release(locks)
    _acquire(locks)
    _release(locks)
    _release(locks)

    assert isinstance(_acquire(locks), LockAcquired)
    _release(locks)


def test_many_threads_take_turns(locks: Locks) -> None:
    """Never two at once."""
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(10):
            _acquire(locks)
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1
            _release(locks)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (inside, most) == ([0], [1])


# --- files only --------------------------------------------------------------

_HOLD = """
import sys
from datetime import timedelta
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine_adapters.runtime.clock import SystemClock
from dlmachine_adapters.files.locks import FolderLocks
locks = FolderLocks(sys.argv[1], SystemClock())
acquired = locks.acquire(AcquireLock(key=sys.argv[2], patience=timedelta(seconds=30)))
print(type(acquired).__name__, flush=True)
sys.stdin.read()
locks.release(ReleaseLock(key=sys.argv[2]))
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator['subprocess.Popen[bytes]']:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, '-W', 'error', '-c', _HOLD, str(tmp_path), KEY],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(map(os.path.abspath, sys.path))},
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b'LockAcquired\n'
        yield process
        process.kill()


def test_another_process_is_named(tmp_path: Path, holder: 'subprocess.Popen[bytes]') -> None:
    """The fault names the owner to a process that times out."""
    busy = _acquire(FolderLocks(str(tmp_path), ManualClock()), patience=SHORT)

    assert isinstance(busy, LockUnavailable)
    assert isinstance(busy.fault, LockBusyTooLong)
    assert busy.fault.owner.startswith(f'process {holder.pid} on ')


@pytest.mark.parametrize('how', ['killed', 'done'])
def test_a_lock_ends_with_its_owner(
    tmp_path: Path, holder: 'subprocess.Popen[bytes]', how: str
) -> None:
    """After a release, or when the owner dies."""
    locks = FolderLocks(str(tmp_path), ManualClock())
    if how == 'killed':
        holder.kill()
    else:
        assert holder.stdin is not None
        holder.stdin.close()
    acquired = _acquire(locks)
    _release(locks)

    assert isinstance(acquired, LockAcquired)


_COUNT = """
import sys
from datetime import timedelta
from pathlib import Path
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine_adapters.runtime.clock import SystemClock
from dlmachine_adapters.files.locks import FolderLocks
locks, count = FolderLocks(sys.argv[1], SystemClock()), Path(sys.argv[1], 'count')
for _ in range(50):
    locks.acquire(AcquireLock(key=sys.argv[2], patience=timedelta(seconds=60)))
    number = int(count.read_text() or '0')
    count.write_text(str(number + 1))
    locks.release(ReleaseLock(key=sys.argv[2]))
"""


def test_processes_take_turns_although_lock_files_are_removed(tmp_path: Path) -> None:
    """A process that locks a file that was just removed starts over."""
    (tmp_path / 'count').write_text('0')
    running = [
        subprocess.Popen(
            [sys.executable, '-W', 'error', '-c', _COUNT, str(tmp_path), KEY],
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(map(os.path.abspath, sys.path))},
        )
        for _ in range(4)
    ]
    codes = [process.wait(timeout=100) for process in running]

    assert codes == [0] * 4
    assert (tmp_path / 'count').read_text() == '200'


def test_lock_files_do_not_pile_up(tmp_path: Path) -> None:
    """A lock leaves only its folder."""
    locks = FolderLocks(str(tmp_path / 'cache'), ManualClock())
    for number in range(20):
        _acquire(locks, f'{number:064}')
        _release(locks, f'{number:064}')

    assert [path.name for path in (tmp_path / 'cache' / '.dlmachine').rglob('*')] == ['locks']
    assert locks._turns == {}


@pytest.mark.parametrize('code', [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_locks_that_do_not_work_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """The download continues without a lock."""
    import fcntl

    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    locks = FolderLocks(str(tmp_path), ManualClock())
    monkeypatch.setattr(fcntl, 'flock', refuse)
    first, second = _acquire(locks), _acquire(locks)
    monkeypatch.undo()

    assert [first.fault, second.fault] == [None, None]
    assert isinstance(_acquire(locks), LockAcquired)
    _release(locks)


def test_a_read_only_folder_has_no_locks(tmp_path: Path) -> None:
    """A read-only cache is used without locks."""
    (tmp_path / 'cache').write_text('a file')
    unavailable = _acquire(FolderLocks(str(tmp_path / 'cache'), ManualClock()))

    assert unavailable == LockUnavailable(at=unavailable.at, fault=None)


def test_an_interruption_while_waiting_leaves_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C must not block the next download of this process for ever."""
    locks = FolderLocks(str(tmp_path), ManualClock())

    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(locks, '_lock_file', interrupt)
    with pytest.raises(KeyboardInterrupt):
        _acquire(locks)
    monkeypatch.undo()

    assert isinstance(_acquire(locks, patience=SHORT), LockAcquired)
    _release(locks)


@pytest.mark.filterwarnings('ignore:.*multi-threaded:DeprecationWarning')
def test_a_child_does_not_wait_for_its_parents_threads(tmp_path: Path) -> None:
    """Locks held at the fork are never released in the child."""
    locks = FolderLocks(str(tmp_path), ManualClock())
    _acquire(locks, 'a' * 64)
    turn = locks._turns[str(tmp_path), 'a' * 64]
    child = os.fork()
    if not child:
        code = 1
        try:
            is_new = locks._join((str(tmp_path), 'a' * 64)) is not turn
            code = 0 if is_new else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    _release(locks, 'a' * 64)

    assert os.waitstatus_to_exitcode(status) == 0


def test_each_folder_has_its_own_locks(tmp_path: Path) -> None:
    """The same key in two folders is two locks, and each lies in its folder."""
    locks = FolderLocks(None, ManualClock())
    folders = [str(tmp_path / name) for name in ('a', 'b')]
    for folder in folders:
        effect = AcquireLock(key=KEY, patience=SHORT, folder=folder)
        assert isinstance(locks.acquire(effect), LockAcquired)
        assert Path(folder, '.dlmachine', 'locks', f'{KEY}.lock').exists()
    for folder in folders:
        locks.release(ReleaseLock(key=KEY, folder=folder))
    assert not locks._turns


def test_the_fake_can_have_no_locks() -> None:
    """Like some network file systems."""
    locks = MemoryLocks(ManualClock(), is_working=False)

    assert _acquire(locks).fault is None


def test_the_fake_can_have_another_owner() -> None:
    """Until it is released."""
    locks = MemoryLocks(ManualClock())
    locks.hold_as('another computer', KEY)
    busy = _acquire(locks, patience=timedelta(0))
    held = locks.keys_held
    locks.let_go(KEY)

    assert busy.fault.owner == 'another computer'
    assert held == {KEY}
    assert isinstance(_acquire(locks), LockAcquired)
