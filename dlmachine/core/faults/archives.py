"""Faults of packed files: what an archive lacks, or why it cannot be unpacked.  Pure."""

from typing import TypeAlias

from dlmachine.core.faults.base import FaultBase, Party
from dlmachine.core.faults.printing import printable, shortened
from dlmachine.core.frozen import frozen


def _shown(name: str) -> str:
    return f"'{printable(shortened(name))}'"


@frozen
class MemberUnknown(FaultBase):
    """An archive has no member of the requested name."""

    party = Party.CALLER
    code = 'member_unknown'
    path: str
    member: str
    nearest: tuple[str, ...] = ()
    #: What is wrong instead, if the file is not an archive, or the member is not a file.
    problem: str = ''
    advice: str = 'List the members: dlmachine.members(...)'

    def what(self) -> str:
        problem = self.problem or f'has no member {_shown(self.member)}'
        return f'{self.about}{printable(self.path)} {problem}'

    def remedy(self) -> str:
        if not self.nearest:
            return self.advice
        return f'Did you mean {" or ".join(_shown(name) for name in self.nearest)}?'

    @property
    def filename(self) -> str:
        """The path of the archive."""
        return self.path


@frozen
class MemberNotNamed(FaultBase):
    """An archive with other than one member is opened without naming a member."""

    party = Party.CALLER
    code = 'member_not_named'
    path: str
    #: The names of the first members that are files.
    members: tuple[str, ...]
    has_more: bool = False

    def what(self) -> str:
        if not self.members:
            return f'{self.about}{printable(self.path)} is an archive without files'
        shown = ', '.join(_shown(name) for name in self.members)
        more = ', ...' if self.has_more else ''
        return f'{self.about}{printable(self.path)} is an archive of several files: {shown}{more}'

    def remedy(self) -> str:
        return f'Name one: member={_shown(self.members[0])}' if self.members else ''

    @property
    def filename(self) -> str:
        """The path of the archive."""
        return self.path


@frozen
class PasswordRefused(FaultBase):
    """A member is encrypted, and there is no password, or a wrong one."""

    party = Party.CALLER
    code = 'password_refused'
    path: str
    member: str
    is_given: bool

    def what(self) -> str:
        member = f'member {_shown(self.member)} of {printable(self.path)}'
        problem = (
            f'the password of {member} is wrong' if self.is_given else f'{member} is encrypted'
        )
        return f'{self.about}{problem}'

    def remedy(self) -> str:
        return 'Check the password' if self.is_given else 'Pass password='

    @property
    def filename(self) -> str:
        """The path of the archive."""
        return self.path


@frozen
class ArchiveRefused(FaultBase):
    """A packed file is damaged, of an unsupported kind, or not safe to unpack."""

    party = Party.SERVER
    code = 'archive_refused'
    path: str
    problem: str
    advice: str = ''

    def what(self) -> str:
        return f'{self.about}{printable(self.path)} {self.problem}'

    def remedy(self) -> str:
        return self.advice or 'Download it again; if that does not help, tell its provider'

    @property
    def filename(self) -> str:
        """The path of the packed file."""
        return self.path


ArchiveFault: TypeAlias = MemberUnknown | MemberNotNamed | PasswordRefused | ArchiveRefused
