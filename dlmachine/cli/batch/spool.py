"""`dlmachine get -o DEVICE`: the content goes through a temporary file, and not through memory."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlmachine.cli.common import output_path

_PIECE_BYTES = 1 << 20


@contextmanager
def spooled(given: dict[str, Any]) -> Iterator[None]:
    """Set `spool` to a temporary file within the block.

    Nothing is written before the content is complete and verified. Without room for temporary files
    it stays in memory.
    """
    try:
        folder = tempfile.mkdtemp(prefix='dlmachine-')
    except OSError:
        yield
        return
    given['spool'] = str(Path(folder, 'content'))
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def send_spooled(given: Mapping[str, Any]) -> None:
    """Write the temporary file into the device or the pipe."""
    with open(given['spool'], 'rb') as file, open(str(output_path(given)), 'wb') as out:
        shutil.copyfileobj(file, out, _PIECE_BYTES)
