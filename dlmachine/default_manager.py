"""`dm.download`, `dm.fetch` and `dm.download_all`: downloads with the default manager.

The default manager takes its settings from the configuration file and the environment. It is made
on first use, shared by all threads, and closed when the program ends. A forked process makes its
own.
"""

import atexit
import os
from collections.abc import Iterable
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.manager import DownloadManager
from dlmachine.options.lists import DOWNLOAD_OPTIONS, list_options
from dlmachine.paths import DestInput, PathInput
from dlmachine.targets import OneKind, Target

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import Unpack

    from dlmachine.batch.results import Results
    from dlmachine.options.types import DownloadOptions

#: The default manager of each process, by process id. A forked child does not touch that of its
#: parent, whose locks may be held and whose connections are in use.
_MANAGERS: Final[dict[int, DownloadManager]] = {}


def default_manager() -> DownloadManager:
    """The default manager of this process.

    Raises: RequestError if the configuration file or the environment has a bad value.
    """
    pid = os.getpid()
    if pid not in _MANAGERS:
        # Two threads may both make one; only one is kept, and nothing has been opened by then.
        _MANAGERS.setdefault(pid, DownloadManager())
    return _MANAGERS[pid]


@atexit.register
def close_default_manager() -> None:
    """Close the default manager, if there is one; the next use makes a new one."""
    manager = _MANAGERS.pop(os.getpid(), None)
    if manager is not None:
        manager.close()


@overload
def download(
    url: str | PurePath | Descriptor, dest: Literal[False], **options: 'Unpack[DownloadOptions]'
) -> BytesIO: ...


@overload
def download(
    url: str | PurePath | Descriptor, dest: PathInput, **options: 'Unpack[DownloadOptions]'
) -> str: ...


@overload
def download(
    url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
) -> str | BytesIO: ...


@list_options(DOWNLOAD_OPTIONS)
def download(
    url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
) -> str | BytesIO:
    """Download with the default manager: see `DownloadManager.download`.

    The default manager has the settings of the configuration file and of the environment, for
    example a cache folder in `DLMACHINE_PATH`. Without a cache, `dest=None` means memory.

    Returns: the path as `str`, or an `io.BytesIO`.

    Raises: DownloadError; RequestError for a bad setting.
    """
    return default_manager().download(url, dest, **options)


def fetch(url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]') -> Outcome:
    """Download with the default manager, and return an `Outcome`: see `DownloadManager.fetch`.

    Raises: DownloadError; RequestError for a bad setting.
    """
    return default_manager().fetch(url, dest, **options)


@overload
def download_all(
    targets: Iterable[OneKind],
    dest: DestInput = None,
    workers: int = 8,
    executor: 'Executor | None' = None,
    **options: 'Unpack[DownloadOptions]',
) -> 'Results[OneKind]': ...


@overload  # As in `DownloadManager`.
def download_all(
    targets: Iterable[Target],
    dest: DestInput = None,
    workers: int = 8,
    executor: 'Executor | None' = None,
    **options: 'Unpack[DownloadOptions]',
) -> 'Results[Target]': ...


def download_all(
    targets: Iterable[Any],
    dest: DestInput = None,
    workers: int = 8,
    executor: 'Executor | None' = None,
    **options: 'Unpack[DownloadOptions]',
) -> 'Results[Any]':
    """Download many with the default manager: see `DownloadManager.download_all`.

    Raises: RequestError for an unknown option, or a bad value or setting.
    """
    return default_manager().download_all(targets, dest, workers, executor, **options)
