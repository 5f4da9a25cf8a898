"""Scenarios: conditions that a child sets up for itself before it downloads."""

import errno
import fcntl
import os
import resource as limits
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dlmachine.manager import DownloadManager
from tests.multiprocess.workloads import Circumstance
from tests.servers.behaviours import resource
from tests.servers.http import Server

NOBODY = 65_534


def as_user(uid: int, gid: int, *groups: int) -> Circumstance:
    """Run as this user, in these groups."""
    return partial(_become, uid, gid, groups)


def with_umask(umask: int) -> Circumstance:
    """Use this umask."""
    return partial(_set_umask, umask)


def with_files_up_to(size: int) -> Circumstance:
    """Limit the size of files: the disk is full at that point."""
    return partial(_limit_files, size)


def with_flock(call: Callable[..., Any]) -> Circumstance:
    """Replace `flock`."""
    return partial(_set_flock, call)


def lie(*_: Any) -> None:
    """A `flock` that always succeeds and never locks."""


def fail_with(code: int) -> Callable[..., Any]:
    """A `flock` that the file system does not have."""
    return partial(_fail, code)


def _become(uid: int, gid: int, groups: tuple[int, ...], manager: DownloadManager) -> None:
    _load_all(manager.policy.backend)
    os.setgroups(groups)
    os.setgid(gid)
    os.setuid(uid)


def _load_all(backend: str) -> None:
    # The interpreter may be readable by root only, so late imports are done now.
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        url = server.on('/warm', resource(b'x', etag='"x"'))
        with DownloadManager(folder, backend=backend, progress=False) as manager:
            manager.download(url)
            manager.download(url, check_freshness=True)
            manager.download(url, str(Path(folder, 'warm')))


def _set_umask(umask: int, manager: DownloadManager) -> None:
    os.umask(umask)


def _limit_files(size: int, manager: DownloadManager) -> None:
    limits.setrlimit(limits.RLIMIT_FSIZE, (size, limits.getrlimit(limits.RLIMIT_FSIZE)[1]))


def _set_flock(call: Callable[..., Any], manager: DownloadManager) -> None:
    setattr(fcntl, 'flock', call)  # noqa: B010 -- for this child alone


def _fail(code: int, *_: Any) -> None:
    raise OSError(code, errno.errorcode[code])
