"""`dm.open_file` and `dm.members`: a packed file as an ordinary file object."""

import io
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, cast, overload

from dlmachine.core.archives.member import Member
from dlmachine.core.archives.member_path import split_member
from dlmachine.core.faults import InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.errors import error_for
from dlmachine.paths import PathInput, absolute, path_text
from dlmachine_adapters.archives.opening import list_members, open_packed

if TYPE_CHECKING:
    from dlmachine.notebooks.rows import Rows

Mode = Literal['r', 'rt', 'rb']
#: A file: its path, an Outcome, or an open binary file that can seek.
Source = PathInput | Outcome | BinaryIO

_MODES: Final = ('r', 'rt', 'rb')


@overload
def open_file(
    source: Source,
    member: str | None = None,
    mode: Literal['r', 'rt'] = 'rt',
    *,
    encoding: str = 'utf-8',
    errors: str | None = None,
    newline: str | None = None,
    password: str | bytes | None = None,
) -> io.TextIOWrapper: ...


@overload
def open_file(
    source: Source,
    member: str | None = None,
    *,
    mode: Literal['rb'],
    password: str | bytes | None = None,
) -> io.BufferedReader: ...


def open_file(
    source: Source,
    member: str | None = None,
    mode: Mode = 'rt',
    *,
    encoding: str = 'utf-8',
    errors: str | None = None,
    newline: str | None = None,
    password: str | bytes | None = None,
) -> io.TextIOWrapper | io.BufferedReader:
    r"""Open a file for reading, and unpack it on the way, in constant memory.

    `source` is a path, an Outcome, or an open binary file, which is read from its beginning.
    Compressed files (gzip, bzip2, xz, Zstandard) are recognized by their first bytes, or else by
    their names. `member` names a file in a ZIP or tar archive, compressed or not; `!/` separates
    an archive in an archive from its member: `'data.zip!/table.tsv.gz'`. An archive of one file
    needs no `member`.

    `mode` is 'rt' for text or 'rb' for bytes; `encoding`, `errors` and `newline` are those of
    Python's `open`. `password` is for encrypted members of ZIP archives.

    Returns: an `io.TextIOWrapper` or an `io.BufferedReader`. It can seek; seeking backwards in a
    compressed file unpacks it again from its beginning.

    Raises: RequestError for a member that the archive lacks, or a wrong password; ArchiveError for
    a damaged file, also while it is read; LocalError for a file that cannot be read.

    >>> import gzip, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, 'table.tsv.gz')
    ...     _ = path.write_bytes(gzip.compress(b'gene\tscore\n'))
    ...     with open_file(path) as file:
    ...         file.read()
    'gene\tscore\n'
    """
    if mode not in _MODES:
        raise error_for(_refused('mode', f"must be 'rt' or 'rb', not {shown_value(mode)}"))
    at, name = _place(source)
    opened = open_packed(at, name, _members(member), _password(password), error_for)
    if mode == 'rb':
        return opened
    try:
        return io.TextIOWrapper(opened, encoding, errors, newline)
    except BaseException:
        opened.close()
        raise


def members(source: Source, within: str | None = None) -> 'Rows[Member]':
    """The members of an archive, in its order, without unpacking them.

    `within` names an archive in the archive. Members are yielded while a tar archive is read, so
    that memory stays constant.

    Raises: RequestError for a file that is not an archive; ArchiveError for a damaged one;
    LocalError for a file that cannot be read.

    >>> import io, zipfile
    >>> buffer = io.BytesIO()
    >>> with zipfile.ZipFile(buffer, 'w') as archive:
    ...     archive.writestr('table.tsv', 'gene')
    >>> [(member.name, member.size_bytes) for member in members(buffer)]
    [('table.tsv', 4)]
    """
    from dlmachine.notebooks.columns import MEMBERS
    from dlmachine.notebooks.rows import Rows

    at, name = _place(source)
    return Rows(list_members(at, name, _members(within), error_for), MEMBERS)


def _place(source: Source) -> tuple[str | BinaryIO, str]:
    """Where the bytes are, and the name that tells how they are packed."""
    if isinstance(source, Outcome):
        name = '' if source.record is None else str(source.record.filename)
        if source.path is None:
            return cast('BinaryIO', source.buffer), name or 'the buffer'
        return source.path, name or source.path
    text = path_text(source)
    if isinstance(text, str):
        path = absolute(text)
        return path, path
    file: Any = source
    if not (hasattr(file, 'read') and hasattr(file, 'seekable') and file.seekable()):
        problem = f'must be a path, an Outcome or a file that can seek, not {shown_value(source)}'
        raise error_for(_refused('source', problem))
    return file, str(getattr(file, 'name', 'the file'))


def _members(member: Any) -> tuple[str, ...]:
    if member is not None and not isinstance(member, str):
        raise error_for(_refused('member', f'must be text, not {shown_value(member)}'))
    return split_member(member)


def _password(password: str | bytes | None) -> bytes | None:
    return password.encode('utf-8') if isinstance(password, str) else password


def _refused(where: str, problem: str) -> InvalidInput:
    return InvalidInput(where=where, problem=problem)
