"""The names of the files of a batch in a folder."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.names import free_name
from dlmachine.core.faults import Fault
from dlmachine.core.http.filename import name_in_url
from dlmachine.core.protocol.ports import FolderIndex
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToPath, Wanted
from dlmachine.core.spec.local_path import path_in
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import at_place
from dlmachine.errors import DownloadError
from dlmachine.paths import path_text

Target = TypeVar('Target')
Dest: TypeAlias = str | bool | None
#: What to download, and how.
Prepared: TypeAlias = tuple[Descriptor, Policy]
#: The number of downloads whose names are looked up together.
_TOGETHER: Final = 64


def prepare_all(
    targets: Iterable[Target],
    dest: Dest,
    parse: Callable[[Target, Dest | ToPath], Prepared],
    index: FolderIndex,
) -> Iterator[tuple[Target, Prepared | Fault]]:
    """Prepare each target as it is requested; in a folder, each download gets a name of its own.

    An entry of a manifest may have a destination of its own.
    """
    folder = path_text(dest)
    if not isinstance(folder, str):
        for target in targets:
            yield target, _prepare(target, dest, parse)
        return
    names, inside = FolderNames(folder, index), ToPath(f'{Path(folder)}/')
    is_whole = isinstance(targets, Collection)
    if is_whole:
        names.reserve(getattr(target, 'path', None) for target in targets)
    rest = iter(targets)
    # An iterator may wait for the results of earlier targets.
    while chunk := list(islice(rest, _TOGETHER if is_whole else 1)):
        # The path of an entry counts in a folder.
        prepared = [
            _prepare(target, inside if getattr(target, 'path', None) else dest, parse)
            for target in chunk
        ]
        yield from zip(chunk, names.placed(prepared), strict=True)


def _prepare(
    target: Target, dest: Dest | ToPath, parse: Callable[[Target, Dest | ToPath], Prepared]
) -> Prepared | Fault:
    try:
        return parse(target, dest)
    except DownloadError as error:
        return error.fault


class FolderNames:
    """The names that the downloads of one batch have in a folder."""

    def __init__(self, folder: str, index: FolderIndex) -> None:
        """Start without names; those of earlier batches are in the index."""
        self._folder = folder
        self._index = index
        self._owners: dict[str, str] = {}
        self._reserved: Iterable[str | None] = ()

    def reserve(self, paths: Iterable[str | None]) -> None:
        """Keep the names that entries of a manifest have themselves; read when a name is needed."""
        self._reserved = paths

    def placed(self, several: Sequence[Prepared | Fault]) -> Iterator[Prepared | Fault]:
        """The same with paths in the folder, unless they have another destination."""
        keys = {
            place: cache_key(one[0])
            for place, one in enumerate(several)
            if isinstance(one, tuple) and self._is_here(one[1].dest)
        }
        known = self._known([*keys.values()], several) if keys else {}
        for place, one in enumerate(several):
            if place not in keys or not isinstance(one, tuple):
                yield one
                continue
            (descriptor, policy), key = one, keys[place]
            name = known.get(key) or self._free_name(descriptor, key, policy.timeout)
            # Some file systems ignore case.
            self._owners[name.casefold()] = key
            path = ToPath(path_in(self._folder, name), is_named_by_url=True)
            yield descriptor, at_place(policy, path, policy.checksum)

    def _is_here(self, dest: Wanted) -> bool:
        return isinstance(dest, ToPath) and dest.path == self._folder

    def _known(self, keys: list[str], several: Sequence[Prepared | Fault]) -> Mapping[str, str]:
        self._owners.update((path.casefold(), '') for path in self._reserved if path)
        self._reserved = ()
        limits = [one[1].timeout for one in several if isinstance(one, tuple)]
        patience = min([limit for limit in limits if limit is not None], default=None)
        return self._index.names_of(self._folder, keys, patience)

    def _free_name(self, descriptor: Descriptor, key: str, patience: timedelta | None) -> str:
        url = descriptor.redactor.url(descriptor.url)
        return free_name(name_in_url(url), lambda one: self._is_taken(one, key, patience))

    def _is_taken(self, name: str, key: str, patience: timedelta | None) -> bool:
        owner = self._owners.get(name.casefold())
        if owner is not None:
            return owner != key
        path = path_in(self._folder, name)
        return bool(self._index.look_up(self._folder, name, path, key, patience).owner)
