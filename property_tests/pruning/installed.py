"""What is replaced in the adapters during a run: the time, use logs of each process, and steps."""

import os
import shutil
from collections import UserDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from dlmachine.keeping import pruning
from dlmachine_adapters.archives import extract_archive
from dlmachine_adapters.cachedir.entry_files import remove_extracted, remove_file
from dlmachine_adapters.keeping import in_use, prune
from dlmachine_adapters.parts import file_store
from dlmachine_adapters.uses import use_log, uses_now
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import Process

if TYPE_CHECKING:
    from property_tests.pruning.stage import Stage

#: Small transactions, so that a few versions need several.
_FEW = {'_MIN_BATCH': 2, '_MAX_BATCH': 2}


class Logs(UserDict[str, Any]):
    """The open use logs: those of the process that runs."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._of: dict[Process | None, dict[str, Any]] = {}

    @property
    def data(self) -> dict[str, Any]:  # type: ignore[override]
        """The logs of the current process."""
        return self._of.setdefault(self._kernel.current, {})

    def of(self, process: Process) -> dict[str, Any]:
        """The logs of a process."""
        return self._of.setdefault(process, {})


@contextmanager
def installed(stage: 'Stage', logs: Logs) -> Iterator[None]:
    """Replace it, and restore it afterwards."""
    kernel = stage.kernel
    append, each_log = use_log.append, use_log.each_log

    def removed(path: str) -> None:
        # A link that somebody makes in the very moment of the removal keeps the bytes.
        stage.promises.sees_file(path)
        kernel.step(f'removes {os.path.basename(path)}')
        stage.promises.removing(path)
        remove_file(path)
        stage.promises.is_changed = True
        kernel.step('has removed it')

    def noted(folder: str, version_ids: list[str], at: float) -> None:
        kernel.step(f'notes {version_ids}')
        append(folder, version_ids, at)
        stage.promises.noted(version_ids, at)
        kernel.step('has noted it')

    def each(folder: str) -> Iterator[Any]:
        for found in each_log(folder):
            kernel.look('reads a use log')
            yield found

    def locked(_: str) -> list[str]:
        kernel.look('looks for locks')
        return stage.promises.sees_locks()

    class Numbered:
        """The operating system, with numbers in place of random bytes."""

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def urandom(self, size: int) -> bytes:
            stage.tokens += 1
            return stage.tokens.to_bytes(size, 'big')

    clock = SimpleNamespace(perf_counter=lambda: 0.0, sleep=lambda _: kernel.look('pauses'))
    replaced: list[tuple[Any, dict[str, Any]]] = [
        (prune, {'remove_file': removed, 'time': clock, **_FEW}),
        (use_log, {'_LOGS': logs, 'append': noted, 'each_log': each}),
        (use_log, {'os': Numbered()}),
        (uses_now, {'each_log': each}),
        (in_use, {'_locked_keys': locked}),
        (pruning, {'locked_digests': lambda _: stage.locked_digests}),
        (file_store, {'HEARTBEAT': SimpleNamespace(add=lambda _: None, remove=lambda _: None)}),
    ]
    with ExitStack() as stack:
        replaced += _of_extractions(stage)
        for module, values in replaced:
            for name, value in values.items():
                stack.enter_context(patch.object(module, name, value))
        yield


def _of_extractions(stage: 'Stage') -> list[tuple[Any, dict[str, Any]]]:
    """Steps of extractions, and of the removal of their folders."""
    kernel, rmtree, publish = stage.kernel, shutil.rmtree, vars(extract_archive)['publish']

    def removed_extracted(folder: str, name: str) -> None:
        kernel.step(f'removes what was extracted from {name}')
        stage.promises.removing_extracted(name)
        remove_extracted(folder, name)
        stage.promises.is_changed = True

    def removed_tree(path: str) -> None:
        # File by file, and then nothing.
        for above, _, names in os.walk(path):
            for one in names:
                kernel.step(f'removes {one} in a folder')
                os.unlink(f'{above}/{one}')
                stage.promises.is_changed = True
        rmtree(path)

    def published(staging: str, folder: str, *, replaces: bool) -> None:
        kernel.step('publishes a folder')
        publish(staging, folder, replaces=replaces)
        kernel.step('has published it')

    return [
        (shutil, {'rmtree': removed_tree}),
        (extract_archive, {'publish': published}),
        (prune, {'remove_extracted': removed_extracted}),
    ]
