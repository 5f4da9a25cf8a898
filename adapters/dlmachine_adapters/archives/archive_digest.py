"""The digest of an open archive, computed in a thread beside its extraction."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from io import BufferedIOBase
from threading import Event, Thread
from typing import Final

_PIECE_BYTES: Final = 1 << 20
#: For a smaller file, a thread is not worth its start.
_WORTH_A_THREAD: Final = 1 << 20


@contextmanager
def digest_beside(file: BufferedIOBase, size_bytes: int) -> Iterator[Callable[[], str]]:
    """Begin to compute the SHA-256 digest of a file; the function waits for it.

    The file may be read at the same time.  Raises: OSError, from the function.
    """
    if size_bytes < _WORTH_A_THREAD or not hasattr(os, 'pread'):
        yield lambda: digest_of(file)
        return
    digest, failed, stop = sha256(), list[OSError](), Event()

    def compute() -> None:
        at = 0
        try:
            while not stop.is_set() and (piece := os.pread(file.fileno(), _PIECE_BYTES, at)):
                digest.update(piece)
                at += len(piece)
        except OSError as error:
            failed.append(error)

    thread = Thread(target=compute, daemon=True, name='dlmachine-digest')
    thread.start()

    def wait() -> str:
        thread.join()
        for error in failed:
            raise error
        return digest.hexdigest()

    try:
        yield wait
    finally:
        stop.set()
        thread.join()


def digest_of(file: BufferedIOBase) -> str:
    """The SHA-256 digest of a file, which is read from its beginning.  Raises: OSError."""
    file.seek(0)
    return file_digest(file, 'sha256').hexdigest()
