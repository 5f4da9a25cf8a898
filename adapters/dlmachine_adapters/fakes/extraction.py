"""The members of an archive in memory."""

import errno
import io
import os
from collections.abc import Callable
from contextlib import ExitStack

from returns.pipeline import is_successful

from dlmachine.core.archives.extraction import Placing
from dlmachine.core.faults import ArchiveRefused, MemberUnknown
from dlmachine.core.spec.reuse import ExtractArchive
from dlmachine_adapters.archives.opening import PackedFile
from dlmachine_adapters.archives.packed_errors import PackedFileError, packed_errors
from dlmachine_adapters.files.os_errors import storage_fault


class MemoryExtraction:
    """Reads the files of an archive, without its links."""

    def __init__(
        self, content: bytes | None, effect: ExtractArchive, check: Callable[[], None]
    ) -> None:
        self._content, self._effect, self._check = content, effect, check

    def run(self) -> dict[str, bytes]:
        """The files by their paths in the folder.  Raises: PackedFileError."""
        path, placing = self._effect.archive, Placing(self._effect.wanted.selection)
        if self._content is None:
            error = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            raise PackedFileError(storage_fault(error, 'read', path))
        found: dict[str, bytes] = {}
        with ExitStack() as stack, packed_errors(path):
            packed = PackedFile(io.BytesIO(self._content), path, self._effect.name, stack)
            for member, file in packed.walk(None):
                self._check()
                placed = placing.place(member)
                if not is_successful(placed):
                    problem = f'is not safe to extract: {placed.failure()}'
                    raise PackedFileError(ArchiveRefused(path=path, problem=problem))
                place = placed.unwrap()
                if place is not None and file is not None:
                    found[place.path] = file.read()
        for wanted in placing.unmatched:
            raise PackedFileError(MemberUnknown(path=path, member=wanted))
        return found
