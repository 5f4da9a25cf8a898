"""Work on bytes behind the one who brings them: in order, in a thread of its own.

Contract: no more than a few pieces wait, so that memory stays bounded and whoever is too
fast is held back; what is raised there is raised again at the end.
"""

import threading
from collections.abc import Callable
from queue import Queue
from typing import Final, TypeAlias

Piece: TypeAlias = bytes | bytearray | memoryview

_MAX_WAITING: Final = 4


class BackgroundWorker:
    """Does one thing with each piece.  Pieces belong to it from `put` on.

    >>> seen = []
    >>> behind = BackgroundWorker(seen.append)
    >>> behind.put(b'abc')
    >>> behind.finish()
    >>> seen
    [b'abc']
    """

    def __init__(self, work: Callable[[Piece], None]) -> None:
        """Start."""
        self._work = work
        self._waiting: Queue[Piece | None] = Queue(_MAX_WAITING)
        self._raised: BaseException | None = None
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True, name='dlmachine-behind')
        self._thread.start()

    def put(self, piece: Piece) -> None:
        """One more piece; waits if too many wait already."""
        self._waiting.put(piece)

    def finish(self) -> None:
        """Wait until all is done.  Raises: what the work raised."""
        self._end()
        if self._raised is not None:
            raise self._raised

    def stop(self) -> None:
        """Give up what is still waiting."""
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
