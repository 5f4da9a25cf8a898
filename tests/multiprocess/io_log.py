"""A log of a child's disk operations, each written just before the operation.

The log is unbuffered, so that it survives a SIGKILL. It can also slow the disk down, so that there is
time for a kill in the middle, and end the child just before its n-th operation.
"""

import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from dlmachine.core.protocol.effects import OpenPart
from dlmachine.core.protocol.events import EffectFailed
from dlmachine.core.protocol.ports import Part
from dlmachine.manager import DownloadManager

_CALLS = frozenset(
    {'os.rename', 'os.link', 'os.remove', 'os.mkdir', 'os.rmdir', 'os.truncate', 'fcntl.flock'}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True, kw_only=True)
class IoLog:
    """A scenario: the child logs its disk operations in the file `path`.

    `pause` is slept before each operation. `ends_before` is the operation before which the child is
    killed: its number, or the beginning of its line. Writes to the body are logged every `step` bytes.
    """

    path: str
    pause: float = 0.0
    ends_before: int | str | None = None
    step: int = 128 * 1024

    def __call__(self, manager: DownloadManager) -> None:
        """Begin logging."""
        writer = _Writer(self)
        sys.addaudithook(writer.on_audit)
        setattr(os, 'fsync', writer.before('fsync', os.fsync))  # noqa: B010 -- for this child alone
        setattr(sqlite3, 'connect', partial(_connect, writer, sqlite3.connect))  # noqa: B010 -- as above
        with manager.adapters() as world:
            files: Any = world.files
            files.open_part = partial(_open_part, writer, files.open_part)
        writer.write('begin')


class _Writer:
    def __init__(self, io_log: IoLog) -> None:
        self._handle = os.open(io_log.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.io_log = io_log
        self._count = 0

    def write(self, line: str) -> None:
        """Log the operation that is about to be done."""
        end = self.io_log.ends_before
        if self._count == end or (isinstance(end, str) and line.startswith(end)):
            os.kill(os.getpid(), signal.SIGKILL)
        self._count += 1
        os.write(self._handle, f'{line}\n'.encode())
        if self.io_log.pause and not line.startswith('body'):
            time.sleep(self.io_log.pause)

    def on_audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _CALLS:
            paths = [Path(one) for one in args if isinstance(one, str)]
            names = [path.name for path in paths]
            self.write(' '.join(['publish' if _is_publication(paths) else event, *names]))
        elif event == 'open' and isinstance(args[2], int) and args[2] & _WRITING:
            self.write(f'open {Path(str(args[0])).name}')

    def before(self, line: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            self.write(line)
            return call(*args)

        return noted


def _is_publication(paths: list[Path]) -> bool:
    # On Linux the open part is linked by its file descriptor.
    return [path.suffix == '.part' or path.parent.name == 'fd' for path in paths] == [True, False]


def _connect(writer: _Writer, connect: Callable[..., Any], *args: Any, **words: Any) -> Any:
    class Noted(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if not sql.lstrip().startswith('SELECT'):
                writer.write(f'sql {" ".join(sql.split()[:4])}')
            return super().execute(sql, *values)

        def executemany(self, sql: str, *values: Any) -> sqlite3.Cursor:
            writer.write(f'sql {" ".join(sql.split()[:4])}')
            return super().executemany(sql, *values)

    connection = connect(*args, **words, factory=Noted)
    # With so little memory, SQLite writes to the file before the end of the transaction.
    sqlite3.Connection.execute(connection, 'PRAGMA cache_size = 1')
    return connection


def _open_part(
    writer: _Writer, open_part: Callable[[OpenPart], Any], effect: OpenPart
) -> Part | EffectFailed:
    opened = open_part(effect)
    if not isinstance(opened, EffectFailed):
        writer.write(f'part {opened.size_bytes}')
        opened.write = _written(writer, opened, opened.write)
    part: Part | EffectFailed = opened
    return part


def _written(writer: _Writer, part: Part, write: Callable[[Any], None]) -> Callable[[Any], None]:
    step = writer.io_log.step
    last = part.size_bytes // step

    def noted(data: Any) -> None:
        nonlocal last
        write(data)
        if part.size_bytes // step != last:
            last = part.size_bytes // step
            writer.write(f'body {part.size_bytes}')

    return noted


#: The lines that lead from one phase of a run to the next.
_PHASES: Final = {
    ('setting out', 'part'): 'asking',
    ('asking', 'body'): 'body',
    ('asking', 'fsync'): 'syncing',
    ('body', 'fsync'): 'syncing',
    ('syncing', 'publish'): 'publishing',
    ('publishing', 'sql'): 'recording',
    ('recording', 'os.remove'): 'closing',
}
PHASES: Final = (*dict.fromkeys(phase for phase, _ in _PHASES), 'closing')


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The log of a child, and how far the child came."""

    lines: tuple[str, ...]

    @property
    def part_bytes(self) -> int:
        """The size of its part, according to the log."""
        reported = [line for line in self.lines if line.startswith(('part ', 'body '))]
        return int(reported[-1].split()[1]) if reported else 0

    @property
    def has_published(self) -> bool:
        """Whether it may have published its file."""
        return PHASES.index(self.phase) >= PHASES.index('publishing')

    @property
    def phase(self) -> str:
        """The phase of the run that it reached."""
        last = 'setting out'
        for line in self.lines:
            last = _PHASES.get((last, line.partition(' ')[0]), last)
        return last


def read_io_log(path: Path) -> Read:
    """Read the log of a child; empty if the child had not begun."""
    if not path.exists():
        return Read(lines=())
    return Read(lines=tuple(path.read_text().splitlines()))
