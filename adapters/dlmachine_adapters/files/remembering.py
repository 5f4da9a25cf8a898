"""A database that remembers its answers as long as its file is unchanged.

Contract: what another process commits is seen by the next question, as without remembering: a
commit changes the times of the file. A file that was changed within a tick of the clock, or that
has a write-ahead log, is asked each time. On a network file system the times may be seconds old;
`forget` helps there.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from dlmachine_adapters.files.database import Database, NoDatabase
from dlmachine_adapters.files.sealed import is_racy

#: The number of answers that are remembered, and the size of each in characters.
_MAX_ANSWERS: Final = 1_024
_MAX_CHARS: Final = 32 << 10
#: A file of at most this size is read as a whole after one question for each `_BYTES_PER_QUESTION`
#: of it: reading it takes about as long as the questions did.
_MAX_WHOLE_BYTES: Final = 16 << 20
_BYTES_PER_QUESTION: Final = 64 << 10

_Read = TypeVar('_Read')
#: Inode, size, times and device; empty without a file.
_State: TypeAlias = tuple[int, ...]
#: Rows by the key that is asked for.
Whole: TypeAlias = Mapping[str, list[tuple[Any, ...]]]


@dataclass(slots=True)
class _Known:
    """What is known of one state of the file; `asked` is the number of questions."""

    state: _State | None = None
    answers: dict[Hashable, Any] = field(default_factory=dict)
    asked: int = 0
    whole: Whole | None = None


class RememberingDatabase(Database):
    """Connections to one database, and its latest answers; many threads may share them."""

    def __init__(self) -> None:
        super().__init__()
        self._known = _Known()

    def glance(self) -> os.stat_result | None:
        """The state of the file, which is not opened."""
        return self.see()

    def read_whole(self, _: sqlite3.Connection) -> Whole | None:
        """All rows; None if they cannot be found by one key.  Raises: sqlite3.Error."""
        return None

    def recall(  # noqa: C901 -- in one piece, since each hit comes here
        self,
        question: Hashable,
        ask: Callable[[sqlite3.Connection], _Read],
        count_chars: Callable[[_Read], int],
        patience: float | None = None,
        find: Callable[[Whole], _Read | None] | None = None,
    ) -> _Read:
        """The answer to a question, which is remembered while the file is unchanged.

        An answer of no characters is not remembered. After many questions a small file is read as a
        whole, and `find` finds the answer in it, or None if it has to be asked. Raises: NoDatabase,
        sqlite3.Error.
        """
        known = self._known
        if known.state is not None and _state_of(self.glance()) == known.state:
            answers = known.answers
            if question in answers:
                answer: _Read = answers[question]
                return answer
            if find is not None and known.whole is not None:
                found = find(known.whole)
                if found:
                    answers[question] = found
                if found is not None:
                    return found
        seen, asked_ns = self.see(), time.time_ns()
        answer = self._ask(ask, seen, patience)
        if seen is None or not 0 < count_chars(answer) < _MAX_CHARS:
            return answer
        state = _state_of(seen)
        if state != known.state:
            changed_ns = max(seen.st_mtime_ns, seen.st_ctime_ns)
            if is_racy(changed_ns, asked_ns) or not self._shows_changes(patience):
                return answer
            known = self._known = _Known(state)
        if len(known.answers) >= _MAX_ANSWERS:
            known.answers = {}  # Another thread may read the former ones.
        known.answers[question] = answer
        known.asked += 1
        most = min(known.asked * _BYTES_PER_QUESTION, _MAX_WHOLE_BYTES)
        if find is not None and seen.st_size <= most:
            # If that is not possible, it is tried again after as many questions.
            known.asked = 0
            with suppress(sqlite3.Error):
                known.whole = self._ask(self.read_whole, seen, patience)
        return answer

    def _shows_changes(self, patience: float | None) -> bool:
        # With a write-ahead log, which other programs may begin, the file itself stays the same.
        try:
            return self.read(_journal_mode, patience) != 'wal'
        except (NoDatabase, sqlite3.Error):
            return False

    def forget(self) -> None:
        """Ask each question again."""
        self._known = _Known()


def _state_of(seen: os.stat_result | None) -> _State:
    if seen is None:
        return ()
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_dev


def _journal_mode(connection: sqlite3.Connection) -> str:
    return str(connection.execute('PRAGMA journal_mode').fetchone()[0])
