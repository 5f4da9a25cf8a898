"""A registry that another program keeps locked: who holds it, and what to do."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dlmachine.cli import group
from dlmachine.errors import DownloadError
from dlmachine_adapters.cachedir import connection, registry_faults
from dlmachine_adapters.cachedir.registry_faults import registry_fault
from dlmachine_adapters.files import database
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute('BEGIN EXCLUSIVE')
print('held', flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(
    tmp_path: Path, make_manager: MakeManager, server: Server
) -> Iterator[subprocess.Popen[str]]:
    """A program that keeps the registry of a cache locked."""
    make_manager(tmp_path / 'cache').download(server.on('/x', resource(b'data')))
    words = [sys.executable, '-c', HOLDER, str(tmp_path / 'cache' / 'cache.sqlite')]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'held\n'
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_a_locked_registry_names_its_holder_and_a_remedy(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    holder: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For a hit and for a download, in Python and on the command line."""
    for module in (database, connection):
        monkeypatch.setattr(module, 'BUSY_SECONDS', 0.05)
    manager = make_manager(tmp_path / 'cache')
    who = f'process {holder.pid} (' if Path('/proc/locks').exists() else 'another program'
    with pytest.raises(DownloadError) as raised:
        manager.download(server.url('/x'))
    done = CliRunner().invoke(group, ['cache', 'ls', '--cache', str(tmp_path / 'cache')])

    for text in (str(raised.value), done.output):
        assert str(tmp_path / 'cache' / 'cache.sqlite') in text
        assert 'database is locked' in text
        assert who in text
        assert 'Wait until the other program has finished' in text
        assert 'permissions' not in text


@pytest.mark.parametrize('text', [None, '', 'nonsense\n1: POSIX\n', b'\xff'])
def test_an_unknown_lock_holder_is_called_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes | None
) -> None:
    """The system's list of locks may be missing, or have another form."""
    locks = tmp_path / 'locks'
    if text is not None:
        locks.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setattr(registry_faults, '_LOCKS', str(locks))
    error = sqlite3.OperationalError('database is locked')
    setattr(error, 'sqlite_errorcode', sqlite3.SQLITE_BUSY)  # noqa: B010 -- as SQLite sets it
    fault = registry_fault(error, str(tmp_path), 30.0)

    assert (
        fault.problem == 'database is locked: another program has kept it locked for more than 30 s'
    )


def test_a_dead_holder_is_named_by_its_pid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead process has no name."""
    path = tmp_path / 'x'
    path.touch()
    locks = tmp_path / 'locks'
    locks.write_text(f'1: POSIX  ADVISORY  WRITE 999999999 fe:00:{path.stat().st_ino} 0 EOF\n')
    monkeypatch.setattr(registry_faults, '_LOCKS', str(locks))
    error = sqlite3.OperationalError('database is locked')
    setattr(error, 'sqlite_errorcode', sqlite3.SQLITE_BUSY)  # noqa: B010 -- as SQLite sets it

    assert 'process 999999999 has kept' in registry_fault(error, str(path), 30.0).problem
    assert os.path.exists(path)
