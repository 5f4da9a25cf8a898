"""`dm.extract`: unpack the members of an archive into a folder, once.

The same as the option `extract` of a download, for a file that is there.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from dlmachine.core.protocol.events import EffectFailed
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec.reuse import Extracted as Extracted  # noqa: PLC0414
from dlmachine.errors import error_for
from dlmachine.paths import PathInput
from dlmachine.reading.extract_arguments import parse_extraction
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.runtime.clock import SystemClock

#: How long to wait for another extraction into the same folder.
_PATIENCE: Final = timedelta(hours=1)
_CLOCK: Final = SystemClock()
_LOCKS: Final = FolderLocks(None, _CLOCK)


def extract(
    source: PathInput | Outcome,
    folder: PathInput | None = None,
    *,
    members: Iterable[str] | None = None,
    strip: int = 0,
    password: str | bytes | None = None,
    max_members: int = 100_000,
    max_extracted_bytes: int | None = None,
    max_ratio: int = 1_000,
    deep: bool = False,
) -> Extracted:
    """Extract an archive, or a compressed file, into a folder of its own.

    The folder appears when all is extracted; without `folder`, it is beside the archive, with its
    name. If the folder is there already, its files are compared with the record of the extraction:
    by size and time of change, or with `deep` by SHA-256 digest. What is missing or has changed is
    restored; a changed file is moved into quarantine first. If the archive has changed, its files
    take the place of the old ones, unless the folder has other files.

    `members` selects files and folders by name, or by patterns (`*.tsv`; `**` for all folders).
    `strip` takes that many folders off each path. `password` is for encrypted ZIP archives.
    `max_members`, `max_extracted_bytes` and `max_ratio` (unpacked to packed size) are limits
    against archives that fill the disk.

    Raises: ArchiveError for a damaged archive, or one with a member that is not safe: an absolute
    path, `..`, a link that may lead outside, a device, a reserved name, or two names that are one
    on some file systems. Nothing is extracted then. RequestError for a folder with other files or a
    bad option; LocalError for a file that cannot be read or written.

    >>> import pathlib, tempfile, zipfile
    >>> with tempfile.TemporaryDirectory() as there:
    ...     with zipfile.ZipFile(f'{there}/data.zip', 'w') as archive:
    ...         archive.writestr('data/a.tsv', 'gene')
    ...     done = extract(f'{there}/data.zip', strip=1)
    ...     again = extract(f'{there}/data.zip', strip=1)
    ...     pathlib.Path(done.files[0]).name, len(done.restored), len(again.restored)
    ('a.tsv', 1, 0)
    """
    options = {
        'into': folder,
        'members': members,
        'strip': strip,
        'max_members': max_members,
        'max_extracted_bytes': max_extracted_bytes,
        'max_ratio': max_ratio,
        'deep': deep,
    }
    effect = parse_extraction(source, options, _PATIENCE)
    given = password.encode('utf-8') if isinstance(password, str) else password
    event = LocalFiles(_CLOCK).extract(effect, _LOCKS, lambda: None, given)
    if isinstance(event, EffectFailed):
        raise error_for(event.fault)
    return event.extracted
