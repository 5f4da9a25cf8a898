"""Replaces the system calls of the file adapters while a simulation runs."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from math import inf
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.part_note import PartNote
from dlmachine.core.http.filename import extension, safe_name
from dlmachine.core.http.url import parse_url
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.secrets.scrubbing import scrub
from dlmachine.core.transfer import segment_plan
from dlmachine_adapters import local_backend, local_files
from dlmachine_adapters.files import (
    atomic,
    io,
    own_folder,
    owners,
    quarantine,
    sealed,
    working_folders,
)
from dlmachine_adapters.folder_index import index, index_file, seen_files
from dlmachine_adapters.parts import copies, file_store, folder, part_name, sidecar
from property_tests.simulation.index import Indexes
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.local_source import local_os
from property_tests.simulation.system import EXCLUSIVE, System, nanoseconds
from property_tests.simulation.system_os import Os
from property_tests.simulation.system_path import Active, SimPath, open_file, open_handle

_MODULES: tuple[ModuleType, ...] = (
    atomic,
    local_files,
    own_folder,
    owners,
    copies,
    file_store,
    folder,
    part_name,
    sidecar,
    working_folders,
    sealed,
    io,
    quarantine,
    index,
    index_file,
    seen_files,
)
#: Small limits, so that a few bytes are a large file.
_SMALL: dict[str, int] = {'FIRST_BYTES': 4, 'MIN_BYTES': 3, 'MAX_BYTES': 8}
_REAL_NOTE = sidecar.new_note
_MISSING = object()

#: Pure functions that are called with equal arguments again: their results are cached.
_REMEMBERED: dict[Any, Any] = {
    function: lru_cache(maxsize=2_048)(function)
    for function in (parse_url, redact_url, safe_name, extension, cache_key)
}
_SCRUBBED = lru_cache(maxsize=16_384)(scrub)
_REMEMBERED[scrub] = lambda text, secrets: _SCRUBBED(
    text, secrets if isinstance(secrets, frozenset) else frozenset(secrets)
)
_CORE: tuple[tuple[ModuleType, str, Any], ...] = tuple(
    (module, name, _REMEMBERED[value])
    for module in tuple(sys.modules.values())
    if getattr(module, '__name__', '').startswith(('dlmachine.', 'dlmachine_adapters.'))
    for name, value in vars(module).items()
    if isinstance(value, FunctionType) and value in _REMEMBERED
)


@contextmanager
def installed(system: System, indexes: Indexes) -> Iterator[None]:
    """Replace the operating system in the adapters, and restore it afterwards."""
    Active.system = system
    replacements = {**_replacements(system), 'IndexFile': indexes.open}
    saved: list[tuple[ModuleType, str, Any]] = []
    logger = logging.getLogger('dlmachine')
    was_disabled, logger.disabled = logger.disabled, True
    for module in _MODULES:
        for name, value in replacements.items():
            known = module.__dict__.get(name, _MISSING)
            if known is not _MISSING:
                saved.append((module, name, known))
                setattr(module, name, value)
    saved.append((local_backend, 'os', vars(local_backend)['os']))
    vars(local_backend)['os'] = local_os(Os, system)
    for module, name, value in _CORE:
        saved.append((module, name, module.__dict__[name]))
        setattr(module, name, value)
    for name, value in _SMALL.items():
        saved.append((segment_plan, name, getattr(segment_plan, name)))
        setattr(segment_plan, name, value)
    vars(local_files)['open'], vars(copies)['open'] = open_file, open_handle
    try:
        yield
    finally:
        logger.disabled = was_disabled
        del vars(local_files)['open'], vars(copies)['open']
        for module, name, known in saved:
            setattr(module, name, known)


def _replacements(system: System) -> dict[str, Any]:
    kernel = system.kernel

    def host() -> str:
        return 'nowhere' if kernel.current is None else kernel.current.host

    def boot() -> str:
        return f'boot-{kernel.boot}'

    def note(**given: Any) -> PartNote:
        pid = 1 if kernel.current is None else kernel.current.pid
        return _REAL_NOTE(**{'host': host(), 'pid': pid, 'boot': boot(), **given})

    def token(size: int) -> str:
        system.tokens += 1
        return f'{system.tokens:0{2 * size}x}'

    return {
        'os': Os(system),
        'Path': SimPath,
        'fcntl': SimpleNamespace(LOCK_EX=EXCLUSIVE, LOCK_SH=1, LOCK_NB=4, flock=system.mark),
        'socket': SimpleNamespace(gethostname=host),
        'secrets': SimpleNamespace(token_hex=token),
        'time': SimpleNamespace(
            time=lambda: kernel.now + kernel.skew, time_ns=lambda: nanoseconds(kernel.now)
        ),
        # The simulated file system cannot share the bytes of two files.
        '_clone': lambda source, part: False,
        'OWNED': _Live(system),
        'new_note': note,
        'boot_id': boot,
        'monotonic': lambda: kernel.now,
        'BEAT_SECONDS': 0.0,
        'HEARTBEAT': _Heart(kernel),
        'FileIO': lambda handle, _: system.file(handle),
        'Lock': lambda: _Lock(kernel),
        '_WORTH_BYTES': 1,
        '_NOTE_SECONDS': 0.002,
        '_TIDY_SECONDS': 0.0,
        '_pwrite': lambda fd, data, offset: system.file(fd).write_at(data, offset),
    }


class _Live:
    """Replaces `sidecar.OWNED`, of which each process has its own."""

    def __init__(self, system: System) -> None:
        self._kernel = system.kernel
        self._none: set[tuple[int, int]] = set()

    @property
    def _own(self) -> set[tuple[int, int]]:
        current = self._kernel.current
        return self._none if current is None else current.live

    def __contains__(self, identity: object) -> bool:
        return identity in self._own

    def add(self, identity: tuple[int, int]) -> None:
        self._own.add(identity)

    def discard(self, identity: tuple[int, int]) -> None:
        self._own.discard(identity)


class _Heart:
    """Replaces the heartbeat thread of parts; the nemesis triggers it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def add(self, one: Any) -> None:
        if self._kernel.current is not None:
            self._kernel.current.beating.append(one)

    def remove(self, one: Any) -> None:
        current = self._kernel.current
        if current is not None and one in current.beating:
            current.beating.remove(one)


class _Lock:
    """A lock between the threads of a process."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._is_held = False

    def __enter__(self) -> None:
        while self._is_held:
            self._kernel.wait(lambda: not self._is_held, inf)
        self._is_held = True

    def __exit__(self, *_: object) -> None:
        self._is_held = False

    def acquire(self, *, blocking: bool) -> bool:
        """Acquire the lock if it is free."""
        assert not blocking
        was_free, self._is_held = not self._is_held, True
        return was_free

    def release(self) -> None:
        """Release the lock."""
        self._is_held = False
