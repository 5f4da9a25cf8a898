"""The adapters of a world, each imported when it is made: a hit needs few of them."""

from typing import TYPE_CHECKING

from dlmachine.core.protocol.ports import Clock, Locks, Progress, Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmachine_adapters.backends import Backends
    from dlmachine_adapters.cachedir.live import LiveCaches
    from dlmachine_adapters.cookie_jars import CookieJars
    from dlmachine_adapters.folder_index.index import FolderIndexes
    from dlmachine_adapters.progress.display import Choice
    from dlmachine_adapters.rate_limits.host_queue import HostGates
    from dlmachine_adapters.runtime.secrets import SystemSecrets
    from dlmachine_adapters.runtime.sessions import Sessions


def make_live(folder: str | None) -> 'LiveCaches':
    """Make the caches of cachedir on a folder."""
    from dlmachine_adapters.cachedir.live import LiveCaches

    return LiveCaches(str(folder))


def make_locks(folder: str | None, clock: Clock) -> Locks:
    """Make the locks, one owner per key."""
    from dlmachine_adapters.files.locks import FolderLocks

    return FolderLocks(folder, clock)


def make_index(clock: Clock) -> 'FolderIndexes':
    """Make the indexes of folders."""
    from dlmachine_adapters.folder_index.index import FolderIndexes

    return FolderIndexes(clock)


def make_backends(clock: Clock) -> 'Backends':
    """Make the backends."""
    from dlmachine_adapters.backends import Backends

    return Backends(clock)


def make_gates(folder: str | None) -> 'HostGates':
    """Make the rate limits."""
    from dlmachine_adapters.rate_limits.host_queue import HostGates
    from dlmachine_adapters.runtime.cancellation import CancelToken

    return HostGates(folder, CancelToken())


def make_secrets(clock: Clock) -> 'SystemSecrets':
    """Make what reads passwords and tokens."""
    from dlmachine_adapters.runtime.secrets import SystemSecrets

    return SystemSecrets(clock)


def make_jars(clock: Clock, secrets: 'Callable[[], SystemSecrets]') -> 'CookieJars':
    """Make the cookie jars."""
    from dlmachine_adapters.cookie_jars import CookieJars

    return CookieJars(clock, lambda effect: secrets().read(effect))


def make_sessions(clock: Clock) -> 'Sessions':
    """Make the logins by forms."""
    from dlmachine_adapters.runtime.sessions import Sessions

    return Sessions(clock)


def make_progress(choice: 'Choice') -> Progress:
    """Make the display of progress."""
    if choice is False:
        from dlmachine_adapters.progress.metering import NoProgress

        return NoProgress()
    from dlmachine_adapters.progress.display import make_progress

    return make_progress(choice)


def make_workers() -> Workers:
    """Make the threads for segments."""
    from dlmachine_adapters.runtime.workers import ThreadWorkers

    return ThreadWorkers()
