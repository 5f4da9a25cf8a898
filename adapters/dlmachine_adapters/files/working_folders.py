"""Choose the working folder: `.dlmachine`, or another if that one cannot be trusted.

Contract: in a folder that only its owner or a group can write to, the working folder is
`.dlmachine` itself. In a folder that everybody can write to, each user has a separate folder in
it, so that no user can deceive or block another. If `.dlmachine` cannot be used (it belongs to
another user, or is a link or a file), the user's own `.dlmachine-<user id>` is used instead. The
rules are in docs/explanation/trust.md.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final, TypeVar

from dlmachine.core.http.filename import OUR_FOLDER
from dlmachine_adapters.files.own_folder import NotOurs, OwnFolder, make_folder, open_folder
from dlmachine_adapters.files.owners import is_open_to_all, is_ours, user_id

#: Everybody can create a folder in it, and only its owner can remove it.
_FOR_ALL: Final = 0o1777
_PRIVATE: Final = 0o700
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
#: Errors after which another folder name may work.
_IN_THE_WAY: Final = frozenset({errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP})
#: The sub-folder for folders of extracted files that are not complete.
EXTRACTING: Final = 'extracting'
#: The sub-folders that a run leaves behind empty.
_OFTEN_EMPTY: Final = frozenset({'locks', 'published', EXTRACTING})

_Made = TypeVar('_Made')


def find_working_folders(folder: str) -> Iterator[OwnFolder]:
    """The existing working folders, each open until the next is requested."""
    for is_private in (False, True):
        try:
            found = _open_trusted(folder, is_private=is_private)
        except OSError:
            continue
        try:
            yield found
        finally:
            found.close()


def in_working_folder(
    folder: str, work: Callable[[OwnFolder], _Made], *, is_passing: bool = False
) -> _Made:
    """Do work in the first usable working folder; the work closes the folder.

    With `is_passing` a temporary folder is enough.  Raises: OSError, that of the first folder.
    """
    first: OSError | None = None
    for is_private in (False, True, *((None,) if is_passing else ())):
        try:
            if is_private is None:
                found = _fresh(folder)
            else:
                found = _open_trusted(folder, is_private=is_private, make=True)
            try:
                return work(found)
            except BaseException:
                found.close()
                raise
        except OSError as error:
            first = first or error
            if error.errno not in _IN_THE_WAY:
                raise
    raise first or NotOurs(folder, 'no working folder can be created here')


def make_private(folder: str, name: str) -> str:
    """The path of a folder that only this user can read.

    It lies in `.dlmachine-<user id>`, which only the owner of `folder` could rename.
    Raises: OSError.
    """
    with (
        _open_trusted(folder, is_private=True, make=True) as found,
        found.sub(name, make=True, mode=_PRIVATE) as made,
    ):
        return made.path


def remove_working_folder(found: OwnFolder) -> None:
    """Remove a working folder if it is empty.  Raises: OSError if it is not."""
    os.rmdir(found.path)
    above, _, name = found.path.rpartition('/')
    if name == user_id() and above.endswith(f'/{OUR_FOLDER}'):
        os.rmdir(above)


def leave_no_trace(folder: str, made: tuple[Path, ...] = ()) -> None:
    """Remove the working folder of a folder if only empty folders are left in it.

    `made` are the folders that were created for it, innermost first; they go, too, if they are
    empty.
    """
    for found in find_working_folders(folder):
        with contextlib.suppress(OSError):
            names = found.names()
            if set(names) <= _OFTEN_EMPTY:
                for name in names:
                    Path(found.path, name).rmdir()
                remove_working_folder(found)
    with contextlib.suppress(OSError):
        for path in made:
            path.rmdir()


def missing_folders(folder: Path) -> tuple[Path, ...]:
    """The folders that do not exist yet: this one and those above, innermost first."""
    return tuple(takewhile(lambda path: not path.exists(), (folder, *folder.parents)))


def _open_trusted(folder: str, *, is_private: bool, make: bool = False) -> OwnFolder:
    path = _private_path(folder) if is_private else f'{folder}/{OUR_FOLDER}'
    try:
        top = open_folder(path)
    except FileNotFoundError:
        if not make:
            raise
        top = _make(folder, path, is_private=is_private)
    try:
        if is_ours(top.seen):
            return top
        if is_open_to_all(top.seen) and not is_private:
            own = top.sub(user_id(), make=make, mode=_PRIVATE)
            top.close()
            return own
        if top.is_as_closed_as(os.stat(folder)):
            return top
        raise NotOurs(path, 'another user made it')  # noqa: TRY301 -- it is closed first
    except BaseException:
        top.close()
        raise


def _make(folder: str, path: str, *, is_private: bool) -> OwnFolder:
    above = os.stat(folder)
    is_for_all = not is_private and is_open_to_all(above)
    # Another user who can open a lock or a part, even for reading, could lock it (flock) for ever.
    is_for_others = not is_private and bool(above.st_mode & _OTHERS_WRITE)
    made = make_folder(path, 0o777 if is_for_others else _PRIVATE)
    if is_for_all and is_ours(made.seen) and made.handle is not None:
        os.chmod(made.handle, _FOR_ALL)
        made.seen = os.fstat(made.handle)
    return made


def _fresh(folder: str) -> OwnFolder:
    # Some file systems have no owners and modes. A folder that this process has just created can be
    # trusted. Its files are never trusted later, because nobody knows its name then.
    path = f'{_private_path(folder)}-{os.urandom(8).hex()}'
    os.mkdir(path, _PRIVATE)
    made = open_folder(path)
    made.is_passing = True
    return made


def _private_path(folder: str) -> str:
    return f'{folder}/{OUR_FOLDER}-{user_id()}'


def current_folder() -> str:
    """The current folder of the process; empty if it has been removed."""
    try:
        return os.getcwd()
    except OSError:
        return ''
