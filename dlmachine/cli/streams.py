"""The standard streams of a command: closed, full or in an encoding that lacks a character.

A result that cannot be written is an error of its own, which nothing on the way takes for an
error of the disk; what cannot be told on stderr changes nothing.
"""

import io
import os
import sys
from typing import Any, TextIO

#: What a stream that was closed is opened as: nothing can be read from stdin, nothing can be
#: written to stdout (which is an error, as for the programs of a shell), stderr takes all.
_STAND_INS = ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))


class OutputFailed(Exception):  # noqa: N818 -- no error of the disk; its cause is
    """The results cannot be written; the cause is what the system said."""


def prepare_streams() -> None:
    """Make the streams of this process fit to be written to, whatever its parent left of them."""
    for number, flags in _STAND_INS:
        _reopen_closed(number, flags)
    if sys.stdin is None:
        sys.stdin = open(0, encoding='utf-8', closefd=False)  # noqa: SIM115
    sys.stdout = _prepared(sys.stdout, sys.__stdout__, _Results, 1)
    sys.stderr = _prepared(sys.stderr, sys.__stderr__, _Messages, 2)


class _Results(io.FileIO):
    """Stdout."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputFailed from error


class _Messages(io.FileIO):
    """Stderr."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _prepared(
    present: TextIO | None, original: TextIO | None, kind: type[io.FileIO], number: int
) -> Any:
    if present is not original:
        return present  # Somebody's replacement for the stream.
    encoding = 'utf-8' if present is None else present.encoding
    # A name that the encoding of the output lacks must not end a good download.
    return io.TextIOWrapper(
        io.BufferedWriter(kind(number, 'w', closefd=False)),
        encoding=encoding,
        errors='backslashreplace',
        line_buffering=kind is _Messages or bool(present and present.line_buffering),
    )


def _reopen_closed(number: int, flags: int) -> None:
    # Else the next file that is opened, perhaps the registry, would be the stream.
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, flags)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
