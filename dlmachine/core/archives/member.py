"""A member of an archive, as the archive describes it.  Pure."""

from datetime import datetime
from enum import Enum
from typing import Any

from dlmachine.core.frozen import frozen


class MemberKind(Enum):
    """What a member is."""

    FILE = 'a file'
    FOLDER = 'a folder'
    SYMBOLIC_LINK = 'a symbolic link'
    HARD_LINK = 'a hard link'
    SPECIAL = 'a device or a pipe'


@frozen
class Member:
    """A member of an archive. Nothing of it is checked: an archive may say anything.

    `size_bytes` is its size unpacked, `packed_bytes` in the archive (None: not known, as in tar).
    `mode` are its permissions. `modified_at` is in UTC; ZIP has local times without a zone, which
    are taken as UTC. `link` is the target of a link in a tar archive.
    """

    name: str
    kind: MemberKind
    size_bytes: int
    packed_bytes: int | None = None
    mode: int | None = None
    modified_at: datetime | None = None
    link: str = ''
    is_encrypted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The member as JSON has it; its time is a text."""
        modified = self.modified_at
        return {
            'name': self.name,
            'kind': self.kind.value,
            'size': self.size_bytes,
            'packed': self.packed_bytes,
            'mode': self.mode,
            'modified_at': None if modified is None else modified.isoformat(),
            'link': self.link or None,
            'encrypted': self.is_encrypted,
        }
