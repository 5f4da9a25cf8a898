"""The standard streams of a command, even if closed, full or in a limited encoding.

Results that cannot be written raise `OutputFailed`, which nothing mistakes for an error of a
download; messages that cannot be written to stderr are dropped.
"""

import io
import os
import sys
from typing import Any, TextIO

#: How a closed stream is reopened: stdin is empty, writing to stdout is an error (as in shell
#: programs), and stderr accepts everything.
_REPLACEMENTS = ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))


class OutputFailed(Exception):  # noqa: N818 -- not an error of a download; it has a cause
    """The results cannot be written; the cause is the system's error."""


def prepare_streams() -> None:
    """Make the streams of this process usable, whatever state the parent left them in."""
    for number, flags in _REPLACEMENTS:
        _reopen_closed(number, flags)
    if sys.stdin is None:
        sys.stdin = open(0, encoding='utf-8', closefd=False)  # noqa: SIM115
    sys.stdout = _prepared(sys.stdout, sys.__stdout__, _Results, 1)
    sys.stderr = _prepared(sys.stderr, sys.__stderr__, _Messages, 2)


class _Results(io.FileIO):
    """stdout: an error is raised as `OutputFailed`."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputFailed from error


class _Messages(io.FileIO):
    """stderr: messages that cannot be written are dropped."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _prepared(
    present: TextIO | None, original: TextIO | None, kind: type[io.FileIO], number: int
) -> Any:
    if present is not original:
        return present  # Another program has replaced the stream.
    encoding = 'utf-8' if present is None else present.encoding
    # A character that the encoding lacks must not make a download fail.
    return io.TextIOWrapper(
        io.BufferedWriter(kind(number, 'w', closefd=False)),
        encoding=encoding,
        errors='backslashreplace',
        line_buffering=kind is _Messages or bool(present and present.line_buffering),
    )


def _reopen_closed(number: int, flags: int) -> None:
    # Otherwise the next opened file, perhaps the registry, would become the stream.
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, flags)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
