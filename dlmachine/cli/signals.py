"""Signals: Ctrl-C and SIGTERM end a command cleanly, a second one ends it at once.

The first signal raises in the main thread, so that locks are released and a part that can be
resumed is kept. A signal that the parent had ignored (nohup) stays ignored, and another program's
handler stays, too.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NoReturn

INTERRUPTED: Final = 130
TERMINATED: Final = 143
INTERRUPT_MESSAGE: Final = 'interrupted; run the command again to resume'

Handler = Callable[[int, FrameType | None], Any]


class Terminated(BaseException):
    """SIGTERM arrived; like KeyboardInterrupt, it is not an Exception."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt at Ctrl-C and `Terminated` at SIGTERM."""
    with _handling(_raise):
        yield


@contextmanager
def ending_at_once(message: Callable[[], str] = lambda: INTERRUPT_MESSAGE) -> Iterator[None]:
    """End the process without waiting for its threads, with a message on stderr.

    Threads cannot be stopped during a download, and waiting for them may take hours. The next run
    resumes the part of the dead owner, and locks end with their process.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        # Not through a stream, because the interrupted code may be writing to it.
        with contextlib.suppress(OSError):
            os.write(2, f'{message()}\n'.encode())
        os._exit(INTERRUPTED if number == signal.SIGINT else TERMINATED)

    with _handling(end):
        yield


@contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Python handles signals only in the main thread.
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    mine = {number for number, present in before.items() if present in _REPLACEABLE}
    for number in mine:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    for each in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(each) in _REPLACEABLE:
            signal.signal(each, signal.SIG_DFL)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


#: Python's own handlers, and those of this module.
_REPLACEABLE: Final[frozenset[Any]] = frozenset(
    {signal.SIG_DFL, signal.default_int_handler, _raise}
)
