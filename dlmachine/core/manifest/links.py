"""The links of a folder to files in the cache: what each name may become.

Pure. A name is never taken from a file that is not a link to the same entry of the cache: such a
file may hold somebody's work. A link to another version of the entry holds nothing of its own.
"""

from enum import Enum
from pathlib import PurePath
from typing import TypeAlias

from returns.result import Failure, Result, Success

from dlmachine.core.faults import DestinationUnusable, Fault
from dlmachine.core.frozen import frozen

#: The device and the number of a file, by which hard links are recognized.
Identity: TypeAlias = tuple[int, int]


class LinkAction(Enum):
    """What to do about a name."""

    KEEP = 'keep'
    CREATE = 'create'
    REPLACE = 'replace'


class NameKind(Enum):
    """What has a name."""

    MISSING = 'missing'
    LINK = 'link'
    FILE = 'file'
    OTHER = 'other'


@frozen
class NameSeen:
    """What was seen under a name: its kind, and a file's identity.

    `target` is what a symbolic link points to, or the file of the cache with the same identity.
    """

    kind: NameKind
    target: str = ''
    identity: Identity | None = None


def decide_link(
    path: str, seen: NameSeen, copy: str, identity: Identity, *, symbolic: bool
) -> Result[LinkAction, Fault]:
    """What to do so that the path is a link to the copy, a file with this identity.

    Faults: `DestinationUnusable` if anything else has the name.

    >>> copy, identity = '/c/ab-2.gz', (1, 2)
    >>> decide_link(
    ...     'x.gz', NameSeen(kind=NameKind.MISSING), copy, identity, symbolic=False
    ... ).unwrap()
    <LinkAction.CREATE: 'create'>
    >>> earlier = NameSeen(kind=NameKind.LINK, target='/c/ab-1.gz')
    >>> decide_link('x.gz', earlier, copy, identity, symbolic=True).unwrap()
    <LinkAction.REPLACE: 'replace'>
    >>> other = NameSeen(kind=NameKind.FILE, identity=(1, 3))
    >>> decide_link('x.gz', other, copy, identity, symbolic=False).failure().problem
    'another file has this name'
    """
    if seen.kind is NameKind.MISSING:
        return Success(LinkAction.CREATE)
    is_symbolic = seen.kind is NameKind.LINK
    is_same = seen.target == copy if is_symbolic else seen.identity == identity
    if is_same and is_symbolic is symbolic:
        return Success(LinkAction.KEEP)
    if is_same or (seen.target and _entry_of(seen.target) == _entry_of(copy)):
        return Success(LinkAction.REPLACE)
    return Failure(taken(path))


def taken(path: str) -> DestinationUnusable:
    """The fault for a name that another file has."""
    advice = 'Move it, or link into another folder'
    return DestinationUnusable(path=path, problem='another file has this name', advice=advice)


def _entry_of(path: str) -> tuple[str, str]:
    # Files of the cache are named `<item id>-<version>`, with an extension or without.
    return str(PurePath(path).parent), PurePath(path).name.partition('.')[0].rpartition('-')[0]
