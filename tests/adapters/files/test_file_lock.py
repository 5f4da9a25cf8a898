"""The lock on a file."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from dlmachine_adapters.files import file_lock
from dlmachine_adapters.files.file_lock import LockTimeout
from tests.part_paths import read_owner, take_lock


def test_the_lock_file_names_its_owner_and_is_removed(tmp_path: Path) -> None:
    """Folders are created if necessary; no file is left."""
    path = tmp_path / 'a' / 'x.lock'
    lock, has_waited = take_lock(path, 0, 'me')
    assert (read_owner(path), has_waited) == ('me', False)
    with pytest.raises(LockTimeout):
        take_lock(path, 0.05, 'other')
    assert read_owner(path) == 'me'
    lock.release()
    assert not path.exists()
    assert read_owner(path) == ''


def test_a_waiting_process_gets_it(tmp_path: Path) -> None:
    """Although the file has been removed in the meantime."""
    path = tmp_path / 'x.lock'
    first, _ = take_lock(path, 0, 'first')
    got: list[bool] = []

    def wait() -> None:
        lock, has_waited = take_lock(path, 10, 'second')
        got.append(has_waited)
        lock.release()

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.1)
    first.release()
    waiting.join(10)
    assert got == [True]


def test_a_file_without_a_name_is_not_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner removed it between opening and locking: the process starts over."""
    path, real = tmp_path / 'x.lock', file_lock._try_to_lock
    tries: list[int] = []

    def remove_first(file: Any) -> bool:
        tries.append(1)
        if len(tries) == 1:
            path.unlink()
        return real(file)

    monkeypatch.setattr(file_lock, '_try_to_lock', remove_first)
    lock, _ = take_lock(path, 0, 'me')
    assert len(tries) == 2
    assert read_owner(path) == 'me'
    lock.release()


def test_files_have_the_users_umask(tmp_path: Path) -> None:
    """So that a group that shares the folder can use the lock."""
    before = os.umask(0o002)
    try:
        lock, _ = take_lock(tmp_path / 'x.lock', 0, 'me')
        assert (tmp_path / 'x.lock').stat().st_mode & 0o777 == 0o664
    finally:
        os.umask(before)
    lock.release()


def test_without_flock_another_library_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example on Windows."""
    monkeypatch.setattr(file_lock, 'fcntl', None)
    path = tmp_path / 'x.lock'
    lock, has_waited = take_lock(path, 0, 'me')
    assert not has_waited
    with pytest.raises(LockTimeout):
        take_lock(path, 0.05, 'other')
    lock.release()
    again, _ = take_lock(path, 0, 'me')
    again.release()


def test_an_interrupted_attempt_closes_its_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second close could hit a file that another thread has opened in between."""
    closed: list[int] = []
    close = os.close

    def interrupted(handle: int) -> None:
        close(handle)
        closed.append(handle)
        raise KeyboardInterrupt

    monkeypatch.setattr(file_lock, '_has_name', lambda *_: False)
    with monkeypatch.context() as patch:
        patch.setattr(os, 'close', interrupted)
        with pytest.raises(KeyboardInterrupt):
            take_lock(tmp_path / 'x.lock', 0, 'me')

    assert len(set(closed)) == len(closed)
