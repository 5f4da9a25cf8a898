"""Imports cachedir late and without its side effects.

Contract: importing it prints nothing, creates no folder and leaves logging alone. Its own import
would begin a session of pkg_infra in the current folder.
"""

import bz2
import io
import lzma
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

_MUTEX = threading.Lock()
_CODINGS: Final = {
    'bgz': 'gz', 'tgz': 'tar.gz', 'tbz2': 'tar.bz2', 'tbz': 'tar.bz2', 'txz': 'tar.xz',
}  # fmt: skip

#: cachedir recognizes these as compressed, but cannot open them.
_OWN_OPENERS: Final[dict[str, Callable[..., Any]]] = {'bz2': bz2.open, 'xz': lzma.open}

#: The extension of an uncompressed file; cachedir's opener fails without an extension.
_PLAIN: Final = 'plain'


def import_cachedir() -> Any:
    """The module cachedir."""
    with _MUTEX:
        if 'cachedir' in sys.modules:
            return sys.modules['cachedir']
        from pkg_infra import session

        original = session.get_session
        session.get_session = _no_session
        try:
            import cachedir
        finally:
            session.get_session = original
    return cachedir


def open_cached(path: str, ext: str | None, **opening: Any) -> Any:
    """Open a file with cachedir's opener: lines, or the members of an archive.

    The file stays open as long as anything refers to it, and is closed with the last reference.
    Keywords are those of its `Opener`: `large`, `needed`, `encoding`, `default_mode`.
    """
    known = _format_of(ext or '')
    if known in _OWN_OPENERS:
        return _open_compressed(_OWN_OPENERS[known], path, **opening)
    size = io.DEFAULT_BUFFER_SIZE
    try:
        opener = _opener()(path, ext=known or _PLAIN, **opening)
    finally:
        # To open gz, cachedir shrinks the buffers of every file that the process opens later.
        setattr(io, 'DEFAULT_BUFFER_SIZE', size)  # noqa: B010 -- Final, but not for cachedir
    return opener.result


def _format_of(ext: str) -> str:
    # cachedir would open `vcf.gz`, a whole extension, as plain text.
    known = ext.lower().strip('.')
    known = known if known.startswith('tar.') else known.rpartition('.')[2]
    return _CODINGS.get(known, known)


def _open_compressed(
    opener: Callable[..., Any],
    path: str,
    *,
    large: bool = True,
    default_mode: str = 'r',
    encoding: str | None = None,
    **_: Any,
) -> Any:
    # Like cachedir's opener with gz: an iterator of lines, or all bytes at once if not `large`.
    if not large:
        with opener(path, 'rb') as file:
            return file.read()
    is_text = default_mode != 'rb'
    return _lines(opener(path, 'rt' if is_text else 'rb', encoding=encoding if is_text else None))


def _lines(file: Any) -> Iterator[Any]:
    with file:
        yield from file


def _no_session(*_: Any, **__: Any) -> None:
    return None


@cache
def _opener() -> Any:
    import_cachedir()
    from cachedir._open import Opener

    class LastingOpener(Opener):  # type: ignore[misc]  # it has no types
        """An opener whose result outlives it, because it does not close the file."""

        def __del__(self) -> None:
            """Close nothing: a member of an archive that the caller holds still reads from it."""

        def open(self) -> None:
            """Open the file so that the last reference closes it."""
            buffered = io.BufferedReader(_SelfClosing(self.path))
            is_text = self.type == 'plain' and 'b' not in self.default_mode
            self.fileobj = io.TextIOWrapper(buffered, self.encoding) if is_text else buffered

        def open_gz(self) -> None:
            """Like the original, but lines of bytes are not closed with a text reader."""
            super().open_gz()
            if self.large and self.default_mode == 'rb':
                self._gzfile_mode_r.detach()

    return LastingOpener


class _SelfClosing(io.FileIO):
    """A file that is closed with its last reference, without a ResourceWarning."""

    def __del__(self) -> None:
        self.close()

    def _dealloc_warn(self, source: object) -> None:
        """Do not warn: the file was not forgotten."""
