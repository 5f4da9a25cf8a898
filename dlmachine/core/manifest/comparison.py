"""Compare a manifest with its lockfile.  Pure."""

from collections.abc import Iterable, Mapping

from dlmachine.core.frozen import frozen
from dlmachine.core.manifest.lock import Lock, LockedFile

#: The number of names in a message.
_MAX_NAMES = 5
#: The digits of a digest in a message.
_SHOWN_DIGITS = 12


@frozen
class LockDifference:
    """The names of entries that the lockfile lacks, that have changed since, and that are gone."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether manifest and lock agree."""
        return not (self.added or self.changed or self.removed)

    @property
    def unlocked(self) -> frozenset[str]:
        """The entries whose bytes the lockfile does not tell."""
        return frozenset((*self.added, *self.changed))

    def __str__(self) -> str:
        """For people, in one line.

        >>> print(LockDifference(added=('a', 'b'), removed=('c',)))
        2 added (a, b), 1 removed (c)
        """
        kinds = self._kinds
        return ', '.join(f'{len(names)} {word} ({_shown(names)})' for word, names in kinds if names)

    @property
    def entries(self) -> tuple[tuple[str, str], ...]:
        """The kind of each difference, and the name of its entry."""
        return tuple((word, name) for word, names in self._kinds for name in names)

    @property
    def _kinds(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return (('added', self.added), ('changed', self.changed), ('removed', self.removed))


@frozen
class LockedChange:
    """The bytes of an entry that was locked again: those that it had, and those that it has."""

    old: LockedFile
    new: LockedFile

    def __str__(self) -> str:
        """For people, in one line.

        >>> file = LockedFile(name='t', url='http://h/t', entry='0' * 64, size=5, sha256='1' * 64)
        >>> new = LockedFile(name='t', url='http://h/t', entry='0' * 64, size=1200, sha256='2' * 64)
        >>> print(LockedChange(old=file, new=new))
        t: 5 bytes, sha256 111111111111 -> 1,200 bytes, sha256 222222222222
        """
        return f'{self.new.name}: {_shown_bytes(self.old)} -> {_shown_bytes(self.new)}'


def find_changes(
    before: Mapping[str, LockedFile], after: Mapping[str, LockedFile]
) -> tuple[LockedChange, ...]:
    """The entries whose bytes are others than before, by name."""
    return tuple(
        LockedChange(old=before[name], new=after[name])
        for name in sorted(before.keys() & after.keys())
        if before[name].sha256 != after[name].sha256
    )


def _shown_bytes(file: LockedFile) -> str:
    return f'{file.size:,} bytes, sha256 {file.sha256[:_SHOWN_DIGITS]}'


def _shown(names: tuple[str, ...]) -> str:
    more = f', {len(names) - _MAX_NAMES} more' if len(names) > _MAX_NAMES else ''
    return ', '.join(names[:_MAX_NAMES]) + more


def compare_lock(digests: Mapping[str, str], lock: Lock) -> LockDifference:
    """Compare the digests of entries, by their names, with a lockfile.

    >>> compare_lock({'a': '0'}, Lock())
    LockDifference(added=('a',), changed=(), removed=())
    """
    locked = {file.name: file.entry for file in lock.files}
    return LockDifference(
        added=tuple(name for name in digests if name not in locked),
        changed=tuple(
            name for name, digest in digests.items() if locked.get(name, digest) != digest
        ),
        removed=tuple(name for name in locked if name not in digests),
    )


def find_extra(recorded: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The recorded paths that no entry has; where case may not count, a path stays.

    >>> find_extra(['/d/a', '/d/B'], ['/d/b'])
    ('/d/a',)
    """
    kept = {path.casefold() for path in wanted}
    return tuple(path for path in recorded if path.casefold() not in kept)


def find_repeated(entries: Iterable[tuple[str, object]]) -> str | None:
    """The first name that another entry has: a lockfile tells entries apart by their names.

    Entries that are equal are the same one.

    >>> find_repeated([('a', 1), ('b', 1), ('a', 2)]), find_repeated([('a', 1), ('a', 1)])
    ('a', None)
    """
    seen: dict[str, object] = {}
    for name, entry in entries:
        first = seen.setdefault(name, entry)
        if first is not entry and first != entry:
            return name
    return None
