"""Record files that came another way: one, or those of a manifest in a folder."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.batch.methods import ManyDownloads
from dlmachine.config import Config
from dlmachine.core.cache.key import shown_url
from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.url import parse_url
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.integrity.checksum_file import find_checksum
from dlmachine.core.machine.checksum_file import MAX_LIST_BYTES
from dlmachine.core.maintenance.recorded_files import Adoption
from dlmachine.core.manifest.item import Item
from dlmachine.core.protocol.effects import ReadChecksums
from dlmachine.core.protocol.events import EffectFailed
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.errors import unwrap
from dlmachine.folders.contents import reading
from dlmachine.locks.lockfile import Locking, read_locking
from dlmachine.manifest import read_manifest
from dlmachine.targets import show_target
from dlmachine_adapters.maintenance.adopt_file import FileAdopter
from dlmachine_adapters.maintenance.repair_folder import FolderRepairer
from dlmachine_adapters.world import SystemWorld


@frozen
class Adopted:
    """One file of a folder: how it was recorded, or the fault why it was not."""

    name: str
    url: str
    path: str = ''
    how: Adoption | None = None
    fault: Fault | None = None

    @property
    def ok(self) -> bool:
        """Whether it is recorded."""
        return self.fault is None

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it."""
        return {
            'ok': self.ok,
            'name': self.name,
            'url': self.url,
            'path': self.path or None,
            'how': None if self.how is None else self.how.value,
            'fault': None if self.fault is None else self.fault.to_dict(),
        }


def adopt(
    descriptor: Descriptor, policy: Policy, path: str, world: SystemWorld, *, force: bool
) -> Result[Adoption, Fault]:
    """Record a file as that of a request.

    Raises: LocalError for an index that cannot be read.
    """
    adopter = FileAdopter(FolderRepairer(world.index, world.locks), world.clock)
    _add(adopter, descriptor, policy, path, world, force=force)
    (result,) = adopter.record()
    return result


def _add(
    adopter: FileAdopter,
    descriptor: Descriptor,
    policy: Policy,
    path: str,
    world: SystemWorld,
    *,
    force: bool,
) -> None:
    found = _checksum(descriptor, policy, path, world)
    if not is_successful(found):
        adopter.refuse(found.failure())
        return
    checksum, source = found.unwrap()
    with reading(path):
        adopter.add(descriptor, path, checksum, source=source, force=force)


def adopt_all(
    manager: ManyDownloads,
    targets: Iterable[Any],
    folder: str,
    world: SystemWorld,
    *,
    force: bool,
) -> Iterator[Adopted]:
    """Record the files of a folder that a batch would download to it, in groups."""
    adopter = FileAdopter(FolderRepairer(world.index, world.locks), world.clock)
    begun: list[Adopted] = []

    def finish() -> list[Adopted]:
        pairs = list(zip(begun, adopter.record(), strict=True))
        begun.clear()
        return [
            replace(one, how=done.unwrap())
            if is_successful(done)
            else replace(one, fault=done.failure())
            for one, done in pairs
        ]

    try:
        for target, prepared in manager.prepare_many(targets, f'{Path(folder)}/'):
            name, url = show_target(target, manager.secret_names)
            path = ''
            if isinstance(prepared, tuple):
                url, dest = shown_url(prepared[0]), prepared[1].dest
                path = dest.path if isinstance(dest, ToPath) else ''
            if adopter.is_due(path):
                yield from finish()
            if not isinstance(prepared, tuple):
                adopter.refuse(prepared)
            elif path:
                _add(adopter, *prepared, path, world, force=force)
            else:
                adopter.refuse(InvalidInput(where=name, problem='has no path in a folder'))
            begun.append(Adopted(name=name, url=url, path=path))
    finally:
        # Also if the caller takes no more results, or a file cannot be read.
        rest = finish()
    yield from rest


def read_entries(
    config: Config, path: str, *, allow_outside: bool, base_url: str | None
) -> list[Item]:
    """The entries of a manifest; those in its lockfile, if any, with the digest from there.

    Raises: RequestError for a bad manifest or lockfile.
    """
    if not os.path.lexists(f'{path}.lock'):
        read = read_manifest(path, config.defaults, allow_outside=allow_outside, base_url=base_url)
        return list(unwrap(read))
    locking = read_locking(config, path, allow_outside=allow_outside, base_url=base_url)
    return [_locked(item, locking) for item in locking.items.values()]


def _locked(item: Item, locking: Locking) -> Item:
    file = locking.pinned.get(item.name)
    if file is None:
        return item
    checksum = Checksum('sha256', file.sha256)
    return replace(item, policy=replace(item.policy, checksum=checksum, checksum_file=None))


def _checksum(
    descriptor: Descriptor, policy: Policy, path: str, world: SystemWorld
) -> Result[tuple[Checksum | None, str], Fault]:
    """The checksum, if it is known without a request, and its source."""
    wanted = policy.checksum_file
    if policy.checksum is not None or wanted is None or wanted.is_url:
        return Success((policy.checksum, 'caller'))
    event = world.files.read_checksums(
        ReadChecksums(path=wanted.location, max_bytes=MAX_LIST_BYTES)
    )
    if isinstance(event, EffectFailed):
        return Failure(event.fault)
    paths = (parse_url(url).unwrap().path for url in descriptor.addresses)
    found = find_checksum(event.text, wanted, (*paths, path))
    return found.map(lambda checksum: (checksum, str(wanted)))
