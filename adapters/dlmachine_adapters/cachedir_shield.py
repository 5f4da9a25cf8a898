"""cachedir itself, imported late and without its noise.

Contract: importing it prints nothing, makes no folder and leaves logging alone. Its import
would otherwise begin a session of pkg_infra in the current folder.
"""

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cachedir import Cache

_MUTEX = threading.Lock()
_LOCAL = threading.local()
_CODINGS = {'tgz': 'tar.gz', 'tbz2': 'tar.bz2', 'txz': 'tar.xz'}


def import_cachedir() -> Any:
    """The module cachedir."""
    with _MUTEX:
        from pkg_infra import session

        original = session.get_session
        session.get_session = _no_session
        try:
            import cachedir
        finally:
            session.get_session = original
    return cachedir


def live_cache(folder: str) -> 'Cache':
    """A `cachedir.Cache` on a folder, one for each thread: its connection belongs to one."""
    caches: dict[str, Cache] = _LOCAL.__dict__.setdefault('caches', {})
    if folder not in caches:
        caches[folder] = import_cachedir().Cache(path=folder)
    return caches[folder]


def close_caches() -> None:
    """Forget the caches of this thread; they close their connections."""
    _LOCAL.__dict__.pop('caches', None)


def open_cached(path: str, ext: str | None, **opening: Any) -> Any:
    """What cachedir's opener makes of a file: lines, or the members of an archive.

    The extension is always given: without one cachedir's opener fails.
    """
    import_cachedir()
    from cachedir._open import Opener

    known = (ext or '').lower().lstrip('.')
    opener = Opener(path, ext=_CODINGS.get(known, known), **opening)
    return _Opened(opener) if opening.get('large', True) else opener.result


def _no_session(*_: Any, **__: Any) -> None:
    return None


class _Opened:
    """The result of an opener that is kept alive as long as it is read: it closes its file."""

    def __init__(self, opener: Any) -> None:
        self._opener = opener

    def __iter__(self) -> Any:
        return iter(self._opener.result)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opener.result, name)

    def __getitem__(self, name: str) -> Any:
        return self._opener.result[name]
