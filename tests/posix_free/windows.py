"""What dlmachine finds on Windows, as far as it can be played on another system.

Missing: `fcntl` and its like, `os.fork`, owners, folders as handles, `select.poll`, `pwrite`, signals.
Different: a file that this process has open can be neither removed nor replaced, and a rename does
not replace. Paths, encodings and the real locks of Windows cannot be played.
"""

import builtins
import contextlib
import errno
import os
import select
import signal
import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any, Final

#: Modules that Windows does not have.
MODULES: Final = ('fcntl', 'grp', 'pwd', 'resource', 'termios', 'tty')
#: What it lacks in modules that it has.
MISSING: Final = {
    'os': frozenset({
        'O_CLOEXEC', 'O_DIRECTORY', 'O_DSYNC', 'O_NOCTTY', 'O_NOFOLLOW', 'O_NONBLOCK', 'O_PATH', 'O_SYNC', 'O_TMPFILE',
        'WNOHANG', 'chown', 'copy_file_range', 'fchdir', 'fchmod', 'fchown', 'fdatasync', 'fork', 'forkpty', 'fpathconf',
        'fstatvfs', 'getegid', 'geteuid', 'getgid', 'getgroups', 'getloadavg', 'getpgid', 'getpgrp', 'getpriority', 'getsid',
        'getuid', 'getxattr', 'kill', 'killpg', 'lchown', 'lockf', 'mkfifo', 'mknod', 'nice', 'pathconf', 'pidfd_open',
        'posix_fadvise', 'posix_fallocate', 'posix_spawn', 'pread', 'preadv', 'pwrite', 'pwritev', 'readv', 'register_at_fork',
        'sched_getaffinity', 'sched_yield', 'sendfile', 'setpgid', 'setsid', 'setuid', 'setxattr', 'splice', 'statvfs', 'sync',
        'sysconf', 'ttyname', 'uname', 'wait', 'waitid', 'writev',
    }),
    'select': frozenset({'devpoll', 'epoll', 'kqueue', 'poll', 'POLLERR', 'POLLHUP', 'POLLIN', 'POLLNVAL', 'POLLOUT', 'POLLPRI'}),
    'signal': frozenset({
        'SIGALRM', 'SIGCHLD', 'SIGCONT', 'SIGHUP', 'SIGKILL', 'SIGPIPE', 'SIGQUIT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU',
        'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'alarm', 'pause', 'pthread_kill', 'pthread_sigmask', 'setitimer', 'siginterrupt',
        'sigpending', 'sigtimedwait', 'sigwait', 'sigwaitinfo',
    }),
}  # fmt: skip
#: What it has, but otherwise.
OTHERS: Final[dict[str, dict[str, Any]]] = {
    'os': {'name': 'nt', 'supports_dir_fd': frozenset(), 'supports_fd': frozenset()},
    'select': {},
    'signal': {},
}
_OURS: Final = ('dlmachine', 'dlmachine_adapters')


class Windows(ModuleType):
    """A module of the standard library, without what Windows lacks in it."""

    def __init__(self, real: ModuleType) -> None:
        """Nothing is copied: what a test replaces in the real module counts here too."""
        super().__init__(real.__name__, real.__doc__)
        self.__dict__['_real'] = real

    def __getattr__(self, name: str) -> Any:
        real = self.__dict__['_real']
        if name in MISSING[real.__name__]:
            msg = f'module {real.__name__!r} has no attribute {name!r} on Windows'
            raise AttributeError(msg, name=name, obj=self)
        others = OTHERS[real.__name__]
        return others[name] if name in others else getattr(real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__['_real'], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__dict__['_real'], name)

    def __dir__(self) -> list[str]:
        real = self.__dict__['_real']
        return sorted(set(dir(real)) - MISSING[real.__name__])


def take_posix_away() -> None:
    """From now on, modules of dlmachine import what Windows has.  Raises: RuntimeError."""
    loaded = sorted(name for name in sys.modules if name.partition('.')[0] in _OURS)
    if loaded:
        msg = f'{loaded[0]} is loaded already, with all that this system has'
        raise RuntimeError(msg)
    # Theirs stay whole: filelock and pytest would use other means on Windows.
    import multiprocessing.popen_spawn_posix
    import subprocess

    import filelock

    filelock.FileLock = _removing(filelock.FileLock)
    del filelock, multiprocessing, subprocess
    plays = {module.__name__: Windows(module) for module in (os, select, signal)}
    real_import = builtins.__import__

    def import_(name: str, globals_: Any = None, *args: Any, **options: Any) -> Any:
        if name in plays and _is_ours(globals_ or {}):
            return plays[name]
        if name in MODULES and _is_ours(globals_ or {}):
            msg = f'No module named {name!r}'
            raise ModuleNotFoundError(msg, name=name)
        return real_import(name, globals_, *args, **options)

    builtins.__import__ = import_  # type: ignore[assignment]
    # dlmachine asks `find_spec`, which looks here.
    sys.modules['fcntl'] = None  # type: ignore[assignment]
    for function in (os.unlink, os.remove, os.rename, os.replace):
        setattr(os, function.__name__, _refusing(function))


def _removing(kind: Any) -> Any:
    def release(lock: Any) -> None:
        kind._release(lock)
        with contextlib.suppress(OSError):
            os.unlink(lock.lock_file)

    # As filelock does on Windows.
    return type(kind.__name__, (kind,), {'_release': release})


def _is_ours(globals_: dict[str, Any]) -> bool:
    return str(globals_.get('__name__', '')).partition('.')[0] in _OURS


def _refusing(function: Callable[..., None]) -> Callable[..., None]:
    def refuse_open(*paths: Any, **options: Any) -> None:
        if _is_called_by_us():
            for path in paths:
                if _is_open(path):
                    raise PermissionError(
                        errno.EACCES, 'another handle is open (WinError 32)', path
                    )
            if function.__name__ == 'rename' and os.path.lexists(paths[1]):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), paths[1])
        function(*paths, **options)

    return refuse_open


def _is_called_by_us() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get('__name__', '').startswith('pathlib'):
        frame = frame.f_back
    return frame is not None and _is_ours(frame.f_globals)


def _is_open(path: Any) -> bool:
    name = os.path.abspath(os.fsdecode(path))
    real = os.path.join(os.path.realpath(os.path.dirname(name)), os.path.basename(name))
    for handle in os.listdir('/proc/self/fd'):
        try:
            if os.readlink(f'/proc/self/fd/{handle}') == real:
                return True
        except OSError:
            continue
    return False
