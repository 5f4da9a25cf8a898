"""Where the members of an archive go in a folder, and which of them are refused.

Pure. An archive may come from anybody: a member stays inside the folder, under a name that every
common file system accepts and that no other member has, and all files stay within limits.
"""

import unicodedata
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.archives.member import Member, MemberKind
from dlmachine.core.archives.member_path import plain_name
from dlmachine.core.faults.printing import shortened
from dlmachine.core.frozen import frozen
from dlmachine.core.http.filename import is_device_name, is_our_folder
from dlmachine.core.regex import regex
from dlmachine.core.text.glob import is_like

#: The file with the record of an extraction, in its folder.
RECORD_NAME: Final = '.dlmachine-extraction.jsonl'
#: The longest name and path that common file systems take, in bytes.
_MAX_NAME_BYTES: Final = 255
_MAX_PATH_BYTES: Final = 2_048
#: Removing a tree of folders needs an open folder for each level.
_MAX_DEPTH: Final = 128
_UNPRINTABLE: Final = regex(r'[\x00-\x1f\x7f]')
#: Bytes that are not UTF-8, as Python reads them.
_NO_TEXT: Final = regex(r'[\ud800-\udfff]')
#: The drive of a path of Windows.
_DRIVE: Final = regex(r'[A-Za-z]:')
_EXECUTABLE: Final = 0o100


@frozen
class ExtractionLimits:
    """Limits against archives that would fill the disk.

    `max_members` is the largest number of members, and of files and folders (also of those that
    only stand in the paths of others), `max_extracted_bytes` the largest size of all files unpacked
    (None: no limit but the free space), and `max_ratio` the largest ratio of that size to the size
    of the archive. The ratio matters only above 64 MiB.
    """

    max_members: int = 100_000
    max_extracted_bytes: int | None = None
    max_ratio: int = 1_000

    def find_excess(
        self, member_count: int, unpacked_bytes: int, archive_bytes: int
    ) -> tuple[str, str] | None:
        """Say which limit is exceeded, and how; None if none is.

        >>> ExtractionLimits(max_members=2).find_excess(3, 0, 100)
        ('has more members than the limit of 2', 'max_members')
        """
        most, ratio = self.max_extracted_bytes, self.max_ratio
        if member_count > self.max_members:
            return f'has more members than the limit of {self.max_members:,}', 'max_members'
        if most is not None and unpacked_bytes > most:
            return f'unpacks to more bytes than the limit of {most:,}', 'max_extracted_bytes'
        if unpacked_bytes > max(_SMALL_BYTES, ratio * archive_bytes):
            return f'unpacks to more than {ratio:,} times its size', 'max_ratio'
        return None


_SMALL_BYTES: Final = 64 * 1024 * 1024


@frozen
class Place:
    """Where a member is extracted to: its kind, its path in the folder, and its permissions.

    `link` is the target of a symbolic link, or the path in the folder of the file that a hard link
    is to.
    """

    kind: MemberKind
    path: str
    mode: int = 0o666
    link: str = ''


@frozen
class Selection:
    """Which members are extracted, and how many folders are taken off their paths.

    `members` are names of files and folders, and patterns such as `*.tsv`, in which `*` matches
    within a folder and `**` through folders; None: all members.
    """

    members: tuple[str, ...] | None = None
    strip: int = 0

    def rest_of(self, path: str) -> str:
        """The path of a selected member without the folders that are taken off; else empty.

        >>> Selection(members=('data', '*.txt'), strip=1).rest_of('data/a/b.tsv')
        'a/b.tsv'
        >>> Selection(members=('data', '*.txt')).rest_of('other/b.txt')
        ''
        """
        if self.members is not None and not any(_matches(path, one) for one in self.members):
            return ''
        return '/'.join(path.split('/')[self.strip :])


def _matches(path: str, wanted: str) -> bool:
    wanted = plain_name(wanted)
    return path == wanted or path.startswith(f'{wanted}/') or is_like(path, wanted, '/')


class Placing:
    """Finds the place of each member in turn, and remembers the names that are taken.

    It changes as members are placed, and touches nothing else.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        #: The taken names of each folder: the spelling, whether it is a folder, and its number, by
        #: the name without case and in one Unicode form. Whole paths would take more memory than
        #: the archive has bytes.
        self._taken: dict[tuple[int, str], tuple[str, bool, int]] = {}
        self._files: set[str] = set()
        #: The targets of the symbolic links so far, by their paths.
        self._links: dict[str, str] = {}
        #: The selected names and patterns that no member has matched yet.
        self.unmatched = selection.members or ()

    def place(self, member: Member) -> Result[Place | None, str]:
        """The place of a member; None: it is left out. The failure says why it is refused."""
        path = _clean_path(member.name)
        problem = _find_name_problem(member.name, path)
        if problem:
            return Failure(problem)
        if self.unmatched:
            self.unmatched = tuple(one for one in self.unmatched if not _matches(path, one))
        rest = self.selection.rest_of(path)
        if not rest:
            return Success(None)
        if member.kind is MemberKind.SPECIAL:
            return Failure(f"'{member.name}' is a device or a pipe")
        problem = self._take(rest, is_folder=member.kind is MemberKind.FOLDER)
        if problem:
            return Failure(problem)
        if member.kind is MemberKind.SYMBOLIC_LINK:
            return self._place_symbolic_link(rest, member.link)
        if member.kind is MemberKind.HARD_LINK:
            return self._place_hard_link(rest, member.link)
        is_executable = member.mode is not None and member.mode & _EXECUTABLE
        return Success(Place(kind=member.kind, path=rest, mode=0o777 if is_executable else 0o666))

    @property
    def count(self) -> int:
        """The number of selected files and folders, those above others included."""
        return len(self._taken)

    def _take(self, path: str, *, is_folder: bool) -> str:
        """Take a path and the folders above it; the problem if one of them is taken."""
        number, names = 0, path.split('/')
        for depth, name in enumerate(names):
            mine = name, is_folder or depth < len(names) - 1
            at = number, _folded(name)
            other, other_is_folder, number = self._taken.setdefault(at, (*mine, self.count + 1))
            if (other, other_is_folder) != mine:
                return _describe_clash('/'.join((*names[:depth], '')), name, other)
        return '' if is_folder or not self._is_again(path) else f"'{path}' occurs twice"

    def _is_again(self, path: str) -> bool:
        if path in self._files:
            return True
        self._files.add(path)
        return False

    def _place_symbolic_link(self, path: str, target: str) -> Result[Place | None, str]:
        if not _is_inside(path, target):
            shown = shortened(target)
            return Failure(f"'{path}' is a link to '{shown}', which may lead outside the folder")
        self._links[path] = target
        return Success(Place(kind=MemberKind.SYMBOLIC_LINK, path=path, link=target))

    def _place_hard_link(self, path: str, target: str) -> Result[Place | None, str]:
        aim = self.selection.rest_of(_clean_path(target))
        if not aim or aim not in self._files or aim == path:
            return Failure(f"'{path}' is a hard link to '{target}', which is not extracted")
        if aim in self._links:  # Another name of it, from which it leads elsewhere.
            return self._place_symbolic_link(path, self._links[aim])
        return Success(Place(kind=MemberKind.HARD_LINK, path=path, link=aim))


def _describe_clash(above: str, name: str, other: str) -> str:
    if name != other:
        return f"'{above}{name}' and '{above}{other}' have the same name on some file systems"
    return f"'{above}{name}' is both a file and a folder"


def _clean_path(name: str) -> str:
    # Archives from Windows separate folders by a backslash.
    parts = name.replace('\\', '/').split('/')
    return '/'.join(part for part in parts if part not in {'', '.'})


def _find_name_problem(name: str, path: str) -> str:
    shown = f"'{shortened(name)}'"
    if _NO_TEXT.search(name):
        return 'the name of a member is not in UTF-8'
    if _UNPRINTABLE.search(name):
        return 'the name of a member contains control characters'
    if name.startswith(('/', '\\')) or _DRIVE.match(name):
        return f'{shown} is an absolute path'
    parts = path.split('/')
    if '..' in parts:
        return f'{shown} leads outside the folder'
    if len(path.encode()) > _MAX_PATH_BYTES or any(
        len(part.encode()) > _MAX_NAME_BYTES for part in parts
    ):
        return f'{shown} is too long for a file system'
    if len(parts) > _MAX_DEPTH:
        return f'{shown} lies below more than {_MAX_DEPTH - 1} folders'
    bad = next((part for part in parts if _is_bad(part)), None)
    return '' if bad is None else f"{shown} has the name '{bad}', which is reserved"


def _is_bad(part: str) -> bool:
    is_ours = is_our_folder(part) or part.lower() == RECORD_NAME
    return is_ours or is_device_name(part)


def _folded(name: str) -> str:
    # Windows ignores dots and spaces at the end of a name.
    end = name.rstrip('. ')
    return unicodedata.normalize('NFC', unicodedata.normalize('NFC', end).casefold())


def _is_inside(path: str, target: str) -> bool:
    """Whether a symbolic link stays inside: it goes up to the folder at most, and then down.

    Then no chain of such links leads outside, because nothing is written through a link.
    """
    parts = [part for part in target.split('/') if part not in {'', '.'}]
    ups = next((at for at, part in enumerate(parts) if part != '..'), len(parts))
    return (
        bool(target)
        and len(target.encode('utf-8', 'surrogatepass')) <= _MAX_PATH_BYTES
        and not target.startswith('/')
        and '\\' not in target
        and not _UNPRINTABLE.search(target)
        and not _NO_TEXT.search(target)
        and ups <= path.count('/')
        and '..' not in parts[ups:]
    )
