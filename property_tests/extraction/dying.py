"""System calls that a process makes until it is killed."""

import builtins
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

from dlmachine_adapters.archives import extract_archive, extracted, extracting
from dlmachine_adapters.files import own_folder, quarantine, working_folders

_MODULES: tuple[ModuleType, ...] = (
    extract_archive,
    extracted,
    extracting,
    own_folder,
    quarantine,
    working_folders,
)
#: The calls that change the disk.
_STEPS = frozenset({
    'chmod', 'link', 'makedirs', 'mkdir', 'open', 'rename', 'replace', 'rmdir', 'symlink',
    'unlink', 'utime', 'write',
})  # fmt: skip


class Killed(BaseException):
    """The process is dead: from now on each of its steps raises this."""


class Life:
    """Counts the steps of a process; after the last one it is dead."""

    def __init__(self, steps: int | None) -> None:
        """A process that is killed after so many steps; None: it comes to its end."""
        self.steps = steps
        self.made = 0

    def step(self) -> None:
        """Make a step.  Raises: Killed."""
        if self.steps is not None and self.made >= self.steps:
            raise Killed
        self.made += 1


class _Os:
    """The module `os` of a process that may be killed."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def __getattr__(self, name: str) -> Any:
        known = getattr(os, name)
        return _counted(known, self._life) if name in _STEPS else known


def _counted(call: Callable[..., Any], life: Life) -> Callable[..., Any]:
    def counted(*arguments: Any, **words: Any) -> Any:
        life.step()
        return call(*arguments, **words)

    return counted


class _Shutil:
    """Removes a tree step by step, the files first."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def rmtree(self, path: str) -> None:
        """Remove a folder with all that is in it."""
        if not os.path.lexists(path):
            raise FileNotFoundError(path)
        for above, folders, files in os.walk(path, topdown=False):
            for name in (*files, *(one for one in folders if os.path.islink(f'{above}/{one}'))):
                self._life.step()
                os.unlink(f'{above}/{name}')
            self._life.step()
            os.rmdir(above)


@contextmanager
def living(life: Life) -> Iterator[None]:
    """Let the adapters make their steps in this life."""
    shadow = _Os(life)

    def opened(path: Any, mode: str = 'r', *arguments: Any, **words: Any) -> Any:
        if mode[0] in 'wx':
            life.step()
        return builtins.open(path, mode, *arguments, **words)

    with ExitStack() as stack:
        for module in _MODULES:
            for name, value in (('os', shadow), ('shutil', _Shutil(life))):
                if name in vars(module) and vars(module)[name] in {os, shutil}:
                    stack.enter_context(patch.object(module, name, value))
        stack.enter_context(patch.object(extracted, 'open', opened, create=True))
        stack.enter_context(patch.object(extracting, 'open', opened, create=True))
        yield
