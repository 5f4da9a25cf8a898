"""Link files of the cache into a folder, under the names that they were downloaded with."""

import errno
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from dlmachine.batch.items import BatchSuccess
from dlmachine.core.faults import DestinationUnusable, Fault, InvalidInput
from dlmachine.core.frozen import replace
from dlmachine.core.http.filename import name_in_url
from dlmachine.core.manifest.clashes import find_clashes
from dlmachine.core.manifest.links import Identity, LinkAction, NameKind, decide_link, taken
from dlmachine.errors import error_for, unwrap
from dlmachine.paths import absolute, is_folder_inside, is_inside, outside
from dlmachine.targets import show_target
from dlmachine_adapters.files.links import make_link, see_identities, see_identity, see_name
from dlmachine_adapters.files.os_errors import storage_fault

#: Errors of hard links that a symbolic link does not have.
_NO_HARD_LINKS: Final = {
    errno.EXDEV: 'the cache is on another file system, where hard links do not reach',
    errno.EMLINK: 'the file in the cache has too many hard links',
    errno.EPERM: 'the system does not allow a hard link to this file',
    errno.ENOTSUP: 'the file system has no hard links',
    errno.EOPNOTSUPP: 'the file system has no hard links',
}


def link_files(
    items: Sequence[BatchSuccess[Any]], folder: str, *, symbolic: bool, cache: str
) -> list[str]:
    """Link the downloaded files into the folder; return the paths in the order of the items.

    Nothing is linked if any name is taken.

    Raises: RequestError if two files have one name, or if another file has one of the names;
    LocalError for an error of the file system.
    """
    if os.path.realpath(folder) == os.path.realpath(cache):
        fault = DestinationUnusable(path=folder, problem='it is the folder of the cache')
        raise error_for(fault)
    for item in items:
        if item.path is None or not is_inside(item.path, cache):
            label = show_target(item.input, ())[0]
            problem = 'has a destination of its own, so it is not in the cache'
            raise error_for(InvalidInput(where=f'entry {label!r}', problem=problem))
    names = _choose_names(items, folder)
    paths = [os.path.join(folder, name) for name in names]  # noqa: PTH118 -- in batches
    sources = [absolute(str(item.path)) for item in items]
    decide = _Decider(cache, symbolic=symbolic)
    # All names are looked at before the first link is made.
    pairs = tuple(zip(sources, paths, strict=True))
    for source, path in pairs:
        decide(source, path)
    for source, path in pairs:
        _make(source, path, decide(source, path), symbolic=symbolic)
    return paths


class _Decider:
    """Decides what to do about a name, from what has it now."""

    def __init__(self, cache: str, *, symbolic: bool) -> None:
        self._cache = cache
        self._symbolic = symbolic

    @cached_property
    def _files(self) -> dict[Identity, str]:
        return see_identities(self._cache)

    def __call__(self, source: str, path: str) -> LinkAction:
        try:
            seen, identity = see_name(path), see_identity(source)
            if seen.kind is NameKind.FILE and seen.identity != identity:
                seen = replace(seen, target=self._files.get(seen.identity or identity, ''))
        except OSError as error:
            raise error_for(storage_fault(error, 'link', path)) from error
        return unwrap(decide_link(path, seen, source, identity, symbolic=self._symbolic))


def _choose_names(items: Sequence[BatchSuccess[Any]], folder: str) -> list[str]:
    names = []
    for item in items:
        name = getattr(item.input, 'path', None) or _recorded_name(item)
        if not getattr(item.input, 'allow_outside', False) and '/' in name:
            path = os.path.join(folder, name)  # noqa: PTH118
            if not is_folder_inside(os.path.dirname(path), folder):  # noqa: PTH120
                raise error_for(outside('path', name))
        names.append(name)
    labels = [show_target(item.input, ())[0] for item in items]
    problems = find_clashes(zip(labels, names, range(len(names)), strict=True))
    for label, problem in zip(labels, problems, strict=True):
        if problem is not None:
            advice = 'Link them into two folders, or give an entry a path'
            fault = InvalidInput(where=f'entry {label!r}', problem=problem, advice=advice)
            raise error_for(fault)
    return names


def _recorded_name(item: BatchSuccess[Any]) -> str:
    record = item.outcome.record
    name = '' if record is None else record.filename
    return name or name_in_url(show_target(item.input, ())[1])


def _make(source: str, path: str, action: LinkAction, *, symbolic: bool) -> None:
    if action is LinkAction.KEEP:
        return
    try:
        make_link(source, path, symbolic=symbolic, replaces=action is LinkAction.REPLACE)
    except OSError as error:
        raise error_for(_fault_of(error, path, symbolic=symbolic)) from error


def _fault_of(error: OSError, path: str, *, symbolic: bool) -> Fault:
    if isinstance(error, FileExistsError):
        return taken(path)
    problem = None if symbolic else _NO_HARD_LINKS.get(error.errno or 0)
    if problem is not None:
        return DestinationUnusable(path=path, problem=problem, advice='Pass symbolic=True')
    return storage_fault(error, 'link', path)
