"""The names of the files of a batch in a folder."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias, TypeVar

from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.names import free_name
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.filename import name_in_url
from dlmachine.core.protocol.ports import FolderIndex
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.errors import DownloadError
from dlmachine.paths import path_text

Target = TypeVar('Target')
Dest: TypeAlias = str | bool | None
#: What to download, and how.
Prepared: TypeAlias = tuple[Descriptor, Policy]


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
    names = FolderNames(folder, index) if isinstance(folder, str) else None
    inside = dest if names is None else ToPath(f'{Path(str(folder))}/')
    if names is not None and isinstance(targets, Collection):
        names.reserve(getattr(target, 'path', None) for target in targets)
    for target in targets:
        try:
            # The path of an entry counts in a folder.
            is_placed = names is not None and bool(getattr(target, 'path', None))
            prepared = parse(target, inside if is_placed else dest)
        except DownloadError as error:
            yield target, error.fault
            continue
        yield target, prepared if names is None else names.placed(prepared)


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

    def placed(self, prepared: Prepared) -> Prepared:
        """The same with a path in the folder, unless it has another destination."""
        descriptor, policy = prepared
        if not isinstance(policy.dest, ToPath) or policy.dest.path != self._folder:
            return prepared
        path = str(Path(self._folder, self._name(descriptor, policy.timeout)))
        return descriptor, replace(policy, dest=ToPath(path, is_named_by_url=True))

    def _name(self, descriptor: Descriptor, patience: timedelta | None) -> str:
        self._owners.update((path.casefold(), '') for path in self._reserved if path)
        self._reserved = ()
        key, folder = cache_key(descriptor), self._folder
        name = self._index.name_of(folder, key, patience)
        if not name:
            url = descriptor.redactor.url(descriptor.url)
            name = free_name(name_in_url(url), lambda one: self._is_taken(one, key, patience))
        # Some file systems ignore case.
        self._owners[name.casefold()] = key
        return name

    def _is_taken(self, name: str, key: str, patience: timedelta | None) -> bool:
        owner = self._owners.get(name.casefold())
        if owner is not None:
            return owner != key
        path = str(Path(self._folder, name))
        return bool(self._index.look_up(self._folder, name, path, key, patience).owner)
