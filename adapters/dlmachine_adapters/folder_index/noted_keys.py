"""The notes about published files of one folder, by their downloads.

Contract: reads only. Each note is read once, so that many notes, which pile up while the index of
their folder cannot be written, do not make each new download slower.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Lock

from dlmachine.core.cache.file_note import parse_file_note
from dlmachine_adapters.files.published_notes import NoteSeen, see_note, see_notes


class NotedKeys:
    """Which downloads the notes of a folder are about; shared by threads."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._mutex = Lock()
        self._read: set[str] = set()
        self._paths: dict[str, list[str]] = {}
        self._listed_at: datetime | None = None

    def find(self, key: str, now: datetime, max_age: timedelta) -> Iterator[NoteSeen]:
        """The notes about files of this download; new ones are searched for after `max_age`."""
        with self._mutex:
            if self._listed_at is None or abs(now - self._listed_at) >= max_age:
                self._listed_at = now
                self._read_new()
            paths = tuple(self._paths.get(key, ()))
        for path in paths:
            seen = see_note(self._folder, path)
            if seen is not None:
                yield seen

    def _read_new(self) -> None:
        for note in see_notes(self._folder, self._read):
            if note.text:  # A note that cannot be read now may be readable later.
                self._read.add(note.path)
            noted = parse_file_note(note.text, self._folder)
            if noted is not None:
                self._paths.setdefault(noted.key, []).append(note.path)
