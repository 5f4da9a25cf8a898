"""The methods of a manager for reading what it has downloaded."""

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, overload

from dlmachine.core.protocol.outcome import Outcome
from dlmachine.keeping.methods import CacheKeeping
from dlmachine.paths import DestInput, PathInput
from dlmachine.targets import Target

if TYPE_CHECKING:
    from typing import Unpack

    from dlmachine.core.archives.member import Member
    from dlmachine.notebooks.rows import Rows
    from dlmachine.options.types import DownloadOptions
    from dlmachine.reading.extract import Extracted


class FileReading(CacheKeeping):
    """Opens files, packed or not; lists and extracts the members of archives."""

    if TYPE_CHECKING:  # The manager's.

        def fetch(
            self, url: Target, dest: DestInput = None, **options: Unpack[DownloadOptions]
        ) -> Outcome:
            """Download."""
            raise NotImplementedError

    @overload
    def open_file(
        self,
        target: 'Target | Outcome',
        member: str | None = None,
        mode: Literal['r', 'rt'] = 'rt',
        *,
        encoding: str = 'utf-8',
        errors: str | None = None,
        newline: str | None = None,
        password: str | bytes | None = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> io.TextIOWrapper: ...

    @overload
    def open_file(
        self,
        target: 'Target | Outcome',
        member: str | None = None,
        *,
        mode: Literal['rb'],
        password: str | bytes | None = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> io.BufferedReader: ...

    def open_file(
        self,
        target: 'Target | Outcome',
        member: str | None = None,
        mode: Literal['r', 'rt', 'rb'] = 'rt',
        *,
        encoding: str = 'utf-8',
        errors: str | None = None,
        newline: str | None = None,
        password: str | bytes | None = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> io.TextIOWrapper | io.BufferedReader:
        """Open a file for reading, and unpack it on the way; download it first if necessary.

        `target` is what `download` takes, or an Outcome. `member`, `mode` and the other keywords
        are those of `dlmachine.open_file`; `options` are those of `download`.

        Raises: what `download` and `dlmachine.open_file` raise.
        """
        from dlmachine.reading.open_file import open_file

        words: dict[str, Any] = {'mode': mode, 'password': password}
        words |= {'encoding': encoding, 'errors': errors, 'newline': newline}
        opened: Any = open_file(self._outcome_of(target, options), member, **words)
        return opened  # type: ignore[no-any-return]

    def members(
        self,
        target: 'Target | Outcome',
        within: str | None = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Rows[Member]':
        """The members of an archive, without unpacking them; download it first if necessary.

        Raises: what `download` and `dlmachine.members` raise.
        """
        from dlmachine.reading.open_file import members

        return members(self._outcome_of(target, options), within)

    def extract(
        self,
        target: 'Target | Outcome',
        folder: PathInput | None = None,
        *,
        members: Iterable[str] | None = None,
        strip: int = 0,
        password: str | bytes | None = None,
        max_members: int = 100_000,
        max_extracted_bytes: int | None = None,
        max_ratio: int = 1_000,
        deep: bool = False,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Extracted':
        """Extract an archive into a folder of its own, once; download it first if necessary.

        The keywords are those of `dlmachine.extract`; `options` are those of `download`. With the
        folder complete, and the archive in the cache, nothing is requested or unpacked. Without
        `folder` it is named after the archive: beside it, or in the cache.

        Raises: what `download` and `dlmachine.extract` raise.
        """
        from dlmachine.reading.extract import extract

        return extract(
            self._outcome_of(target, options),
            folder,
            members=members,
            strip=strip,
            password=password,
            max_members=max_members,
            max_extracted_bytes=max_extracted_bytes,
            max_ratio=max_ratio,
            deep=deep,
        )

    def _outcome_of(self, target: 'Target | Outcome', options: Any) -> Outcome:
        return target if isinstance(target, Outcome) else self.fetch(target, **options)
