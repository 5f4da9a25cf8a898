"""Extraction: one contract for the disk and for memory."""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.faults import Cancelled
from dlmachine.core.protocol.effects import ExtractArchive
from dlmachine.core.protocol.events import ArchiveExtracted, EffectFailed
from dlmachine.core.protocol.ports import Files, Locks, PartError
from dlmachine.core.spec.reuse import Extract
from dlmachine_adapters.fakes import ManualClock, MemoryFiles, MemoryLocks
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.local_files import LocalFiles

Call = Callable[..., ArchiveExtracted | EffectFailed]


def packed(*names: str) -> bytes:
    """A ZIP archive of files that have their names in them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for name in names:
            archive.writestr(name, name)
    return buffer.getvalue()


@pytest.fixture(params=['disk', 'memory'])
def put(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Callable[[bytes], Any], Call]:
    """Writes the archive, and extracts it."""
    clock = ManualClock()
    memory = MemoryFiles(clock)
    is_disk = request.param == 'disk'
    files: Files = LocalFiles(clock) if is_disk else memory
    locks: Locks = FolderLocks(None, clock) if is_disk else MemoryLocks(clock)
    archive = str(tmp_path / 'a.zip')

    def write(data: bytes) -> None:
        if is_disk:
            Path(archive).write_bytes(data)
        else:
            memory.write(archive, data)

    def extract(check: Callable[[], None] = lambda: None, **options: Any) -> Any:
        effect = ExtractArchive(
            archive=archive, name='a.zip', source='http://h/a.zip', folder=str(tmp_path / 'a'),
            wanted=Extract(**options), patience=timedelta(seconds=1),
        )  # fmt: skip
        return files.extract(effect, locks, check)

    return write, extract


def test_once(put: tuple[Callable[[bytes], Any], Call], tmp_path: Path) -> None:
    """The first call writes the files, the second nothing."""
    write, extract = put
    write(packed('d/a', 'b'))

    first, again = extract(), extract()

    assert isinstance(first, ArchiveExtracted)
    assert isinstance(again, ArchiveExtracted)
    assert first.extracted.folder == str(tmp_path / 'a')
    assert {*first.extracted.files} == {str(tmp_path / 'a/d/a'), str(tmp_path / 'a/b')}
    assert (first.extracted.restored, again.extracted.restored) == (first.extracted.files, ())


@pytest.mark.parametrize(
    ('data', 'options', 'code'),
    [
        (None, {}, 'storage_failed'),
        (packed('/etc/x'), {}, 'archive_refused'),
        (packed('a')[:-9], {}, 'archive_refused'),
        (packed('a'), {'members': ('b',)}, 'member_unknown'),
        (b'text', {}, 'archive_refused'),
    ],
)
def test_faults(
    data: bytes | None, options: Any, code: str, put: tuple[Callable[[bytes], Any], Call]
) -> None:
    """As events."""
    write, extract = put
    if data is not None:
        write(data)
    event = extract(**options)
    assert isinstance(event, EffectFailed)
    assert event.fault.code == code


def test_the_check_ends_it(put: tuple[Callable[[bytes], Any], Call]) -> None:
    """A cancelled call leaves nothing that a later one finds."""
    write, extract = put
    write(packed('a', 'b'))

    def cancel() -> None:
        raise PartError(Cancelled())

    event = extract(cancel)
    assert isinstance(event, EffectFailed)
    assert event.fault.code == 'cancelled'
    event = extract()
    assert isinstance(event, ArchiveExtracted)
    assert len(event.extracted.restored) == 2
