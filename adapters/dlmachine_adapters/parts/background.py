"""A thread that works on pieces of bytes, in order, while the caller continues.

Contract: only a few pieces wait, so that memory stays bounded; a faster caller is held back. What
the work raises is raised again by `finish`.
"""

import threading
from collections.abc import Callable
from queue import Queue
from typing import Final, TypeAlias

Piece: TypeAlias = bytes | bytearray | memoryview

_MAX_WAITING: Final = 4


class BackgroundWorker:
    """Calls `work` with each piece, in a thread.  A piece must not be changed after `put`.

    >>> seen = []
    >>> behind = BackgroundWorker(seen.append)
    >>> behind.put(b'abc')
    >>> behind.finish()
    >>> seen
    [b'abc']
    """

    def __init__(self, work: Callable[[Piece], None]) -> None:
        self._work = work
        self._waiting: Queue[Piece | None] = Queue(_MAX_WAITING)
        self._raised: BaseException | None = None
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True, name='dlmachine-background')
        self._thread.start()

    def put(self, piece: Piece) -> None:
        """Add a piece; wait if too many are waiting."""
        self._waiting.put(piece)

    def finish(self) -> None:
        """Wait until all pieces are done.  Raises: what the work raised."""
        self._end()
        if self._raised is not None:
            raise self._raised

    def stop(self) -> None:
        """Drop the waiting pieces and end the thread."""
        self._is_stopped = True
        self._end()

    def _end(self) -> None:
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (piece := self._waiting.get()) is not None:
            if self._raised is None and not self._is_stopped:
                try:
                    self._work(piece)
                except BaseException as error:  # noqa: BLE001 -- raised again by `finish`
                    self._raised = error
