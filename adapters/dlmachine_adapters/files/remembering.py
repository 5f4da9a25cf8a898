"""A database that remembers its answers as long as its file is unchanged.

Contract: what another process commits is seen by the next question, as without remembering: a
commit changes the times of the file. A file that was changed within a tick of the clock, or that
has a write-ahead log, is asked each time. On a network file system the times may be seconds old;
`forget` helps there.
"""

import sqlite3
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from dlmachine_adapters.files.database import Database, NoDatabase
from dlmachine_adapters.files.sealed import is_racy

#: The number of answers that are remembered, and the size of each in characters.
_MAX_ANSWERS: Final = 1_024
_MAX_CHARS: Final = 32 << 10

_Read = TypeVar('_Read')


class RememberingDatabase(Database):
    """Connections to one database, and its latest answers; many threads may share them."""

    def __init__(self) -> None:
        super().__init__()
        #: The state of the file, and its answers in this state.
        self._known: tuple[object, dict[Hashable, Any]] = None, {}

    def recall(
        self,
        question: Hashable,
        ask: Callable[[sqlite3.Connection], _Read],
        count_chars: Callable[[_Read], int],
        patience: float | None = None,
    ) -> _Read:
        """The answer to a question, which is remembered while the file is unchanged.

        An answer of no characters is not remembered. Raises: NoDatabase, sqlite3.Error.
        """
        seen = self.see()
        state = seen and (
            seen.st_ino,
            seen.st_size,
            seen.st_mtime_ns,
            seen.st_ctime_ns,
            seen.st_dev,
        )
        known_state, answers = self._known
        if state == known_state and question in answers:
            known: _Read = answers[question]
            return known
        asked_ns = time.time_ns()
        answer = self._ask(ask, seen, patience)
        if seen is None or not 0 < count_chars(answer) < _MAX_CHARS:
            return answer
        if state != known_state or len(answers) >= _MAX_ANSWERS:
            changed_ns = max(seen.st_mtime_ns, seen.st_ctime_ns)
            if is_racy(changed_ns, asked_ns) or not self._shows_changes(patience):
                return answer
            answers = {}
            self._known = state, answers
        answers[question] = answer
        return answer

    def _shows_changes(self, patience: float | None) -> bool:
        # With a write-ahead log, which other programs may begin, the file itself stays the same.
        try:
            return self.read(_journal_mode, patience) != 'wal'
        except (NoDatabase, sqlite3.Error):
            return False

    def forget(self) -> None:
        """Ask each question again."""
        self._known = None, {}


def _journal_mode(connection: sqlite3.Connection) -> str:
    return str(connection.execute('PRAGMA journal_mode').fetchone()[0])
