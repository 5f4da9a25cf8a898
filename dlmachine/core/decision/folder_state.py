"""What to do with the folder of an extraction: nothing, unpack, restore, or refuse.

Pure. Nothing of a user is overwritten: a file that has changed is kept elsewhere, and a folder with
other files is not replaced.
"""

from dlmachine.core.archives.extraction_record import ExtractedFile, ExtractionRecord
from dlmachine.core.faults import DestinationUnusable, Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.spec.reuse import ExtractArchive


@frozen
class FolderSeen:
    """A folder for extracted files, as it was seen.

    `record` is that of an earlier extraction. Of its files, the `missing` are not there, and the
    `changed` are not as they were extracted. `other` is a file that the record does not name; it
    is looked for only if the folder would be replaced.
    """

    is_there: bool = False
    is_folder: bool = False
    record: ExtractionRecord | None = None
    missing: tuple[ExtractedFile, ...] = ()
    changed: tuple[ExtractedFile, ...] = ()
    other: str = ''


@frozen
class Unpack:
    """Unpack the archive, and keep the `changed` files of the folder elsewhere first.

    Of the unpacked files only those of `restores` move into the folder, if it is the right one.
    Otherwise they become the folder, which `replaces` the one that is there.
    """

    changed: tuple[ExtractedFile, ...] = ()
    restores: tuple[ExtractedFile, ...] | None = None
    replaces: bool = False


def is_current(record: ExtractionRecord | None, effect: ExtractArchive, sha256: str) -> bool:
    """Whether a record is of this archive, by its digest, and of the same members."""
    return record is not None and (record.sha256, record.selection) == (
        sha256,
        effect.wanted.selection,
    )


def decide_folder(effect: ExtractArchive, sha256: str, seen: FolderSeen) -> Unpack | Fault | None:
    """What to do with a folder; None if its files are as they were extracted.

    `sha256` is the digest of the archive.

    >>> from datetime import timedelta
    >>> from dlmachine.core.spec.reuse import Extract
    >>> effect = ExtractArchive(
    ...     archive='a.zip',
    ...     name='a.zip',
    ...     source='a.zip',
    ...     folder='a',
    ...     wanted=Extract(),
    ...     patience=timedelta(0),
    ... )
    >>> decide_folder(effect, '00', FolderSeen())
    Unpack(changed=(), restores=None, replaces=False)
    >>> print(decide_folder(effect, '00', FolderSeen(is_there=True)).what())
    destination a: it is not a folder
    """
    folder, record = effect.folder, seen.record
    if not seen.is_there:
        return Unpack()
    if not seen.is_folder:
        return DestinationUnusable(path=folder, problem='it is not a folder')
    if is_current(record, effect, sha256):
        if not seen.missing and not seen.changed:
            return None
        return Unpack(changed=seen.changed, restores=(*seen.missing, *seen.changed))
    if seen.other:
        return _refuse(folder, f'it has another file, {seen.other}')
    if record is None:
        return Unpack(replaces=True)  # It has nothing but folders.
    if record.source != effect.source and record.sha256 != sha256:
        return _refuse(folder, f'it has the files of {record.source}')
    return Unpack(changed=seen.changed, replaces=True)


def describe_work(todo: Unpack) -> str:
    """What is to be done with a folder, for the row of an audit.

    >>> describe_work(Unpack()), describe_work(Unpack(restores=(ExtractedFile(path='a'),)))
    ('not extracted yet', '1 extracted file is missing or has changed')
    """
    if todo.restores is None:
        return 'not extracted yet'
    count = len(todo.restores)
    subject, has = ('file is', 'has') if count == 1 else ('files are', 'have')
    return f'{count} extracted {subject} missing or {has} changed'


def _refuse(folder: str, problem: str) -> DestinationUnusable:
    advice = 'Extract into a new folder, or move the files'
    return DestinationUnusable(path=folder, problem=problem, advice=advice)
