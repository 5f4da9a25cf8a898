"""Builders for tests of stores: a folder for files, and updates to record."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from dlmachine.core.cache.key import cache_key
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import NewVersion
from dlmachine.core.cache.variant_keys import variant_key
from dlmachine.core.decision.snapshot import CacheSeen
from dlmachine.core.http.filename import extension
from dlmachine.core.protocol.effects import Record
from dlmachine.core.protocol.events import EffectFailed, NameTaken, Recorded
from dlmachine.core.protocol.ports import Store
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine_adapters.cachedir.lazy_cachedir import import_cachedir
from dlmachine_adapters.cachedir.naming import item_id_of

URL = 'https://example.org/data/t.csv'
DATA = b'a,b\n1,2\n'
AT = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


def a_target(url: str = URL, **described: Any) -> Descriptor:
    """A descriptor."""
    return Descriptor.parse(url, **described).unwrap()


def a_record(url: str = URL, data: bytes = DATA, **known: Any) -> DownloadRecord:
    """The record of a version."""
    values: dict[str, Any] = {
        'url': url,
        'started_at': AT - timedelta(seconds=2),
        'finished_at': AT,
        'size_bytes': len(data),
        'sha256': sha256(data).hexdigest(),
        'etag': '"v1"',
        'last_modified': 'Tue, 30 Apr 2024 10:00:00 GMT',
        'response_headers': (('Content-Type', 'text/csv'), ('X-Odd', 'a"b\'c;--')),
        'filename': 't.csv',
    }
    return DownloadRecord(**{**values, **known})


@dataclass
class Shelf:
    """A store under test, and its files."""

    store: Store
    write: Callable[[str, bytes], Any]
    is_there: Callable[[str], bool]

    def update(
        self, version: int = 1, target: Descriptor | None = None, **known: Any
    ) -> NewVersion:
        """The update that a download would record."""
        target = target or a_target()
        key = cache_key(target)
        record = a_record(**{'url': target.url, **known})
        ext = extension(record.filename)
        name = f'{item_id_of(key)}-{version}' + (f'.{ext}' if ext else '')
        return NewVersion(
            key=key,
            item_id=item_id_of(key),
            version=version,
            url=record.url,
            file_name=record.filename,
            ext=ext,
            path=str(Path(self.store.folder, name)),
            stored_at=AT,
            record=record,
            variant=variant_key(record) if target.key_by_vary else '',
        )

    def put(
        self, version: int = 1, target: Descriptor | None = None, data: bytes = DATA, **known: Any
    ) -> NewVersion:
        """Store a version as a download does: the file, then the entry."""
        update = self.update(
            version,
            target,
            **{'size_bytes': len(data), 'sha256': sha256(data).hexdigest(), **known},
        )
        self.write(update.path, data)
        done = self.record(update)
        assert isinstance(done, Recorded), done
        return update

    def record(self, update: NewVersion) -> Recorded | NameTaken | EffectFailed:
        """Record an update."""
        effect = Record(key=update.key, version=update.version, reason='ready')
        return self.store.record(effect, update)

    def see(self, target: Descriptor | None = None) -> CacheSeen:
        """The entries of a target."""
        target = target or a_target()
        return self.store.look_up(cache_key(target), target)


def write_file(path: str, data: bytes) -> None:
    """Write a file, and create its folder."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data)


@contextmanager
def plain_cache(folder: Path) -> Iterator[Any]:
    """The folder opened with plain cachedir."""
    cache = import_cachedir().Cache(path=str(folder))
    try:
        yield cache
    finally:
        cache.con.close()


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Everything below a folder, with size and modification time."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted([folder, *folder.rglob('*')])
    }


def freshened(update: NewVersion, **known: Any) -> DownloadRecord:
    """A record with changed values."""
    return replace(update.record, **known)
