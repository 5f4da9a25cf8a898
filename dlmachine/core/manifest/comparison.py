"""Compare a manifest with its lockfile.  Pure."""

from collections.abc import Iterable, Mapping

from dlmachine.core.frozen import frozen
from dlmachine.core.manifest.lock import Lock

#: The number of names in a message.
_MAX_NAMES = 5


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
        kinds = (('added', self.added), ('changed', self.changed), ('removed', self.removed))
        return ', '.join(f'{len(names)} {word} ({_shown(names)})' for word, names in kinds if names)


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


def find_repeated(names: Iterable[str]) -> str | None:
    """The first name that an earlier entry has: a lockfile tells entries apart by their names.

    >>> find_repeated(['a', 'b', 'a']), find_repeated(['a', 'b'])
    ('a', None)
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
