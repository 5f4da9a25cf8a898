"""A part that does not get a name leaves the note about the file that has it."""

from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, OpenPart, Publish
from dlmachine.core.protocol.events import NameTaken, Published
from dlmachine.core.spec.destination import AtPath
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files import atomic
from dlmachine_adapters.files.published_notes import find_note, see_notes
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.parts import file_store
from dlmachine_adapters.parts.part import PartialFile


def publish(target: Path, note: str) -> object:
    """Publish the text of a note with this note, unless the name is taken."""
    part = LocalFiles(ManualClock()).open_part(OpenPart(beside=str(target.parent), stem=note))
    assert isinstance(part, PartialFile)
    part.begin(StoreBody())
    part.write(note.encode())
    part.finish()
    event = part.publish(Publish(place=AtPath(str(target)), replace=False, note=note))
    part.discard(Discard())
    return event


def test_a_refused_name_keeps_its_note(tmp_path: Path) -> None:
    """Its run may have been killed before it recorded the file; the other note is taken back."""
    target = tmp_path / 'x'
    events = [type(publish(target, note)) for note in ('first', 'second')]
    assert events == [Published, NameTaken]
    [kept] = see_notes(str(tmp_path))
    assert (kept.inode, kept.text) == (target.stat().st_ino, 'first')


def test_a_file_that_is_removed_at_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name was taken when the note was left; the part gets it after all."""
    target = tmp_path / 'x'
    target.write_bytes(b'of a user')
    move = atomic.move_to_new_name

    def remove_first(source: Any, path: str) -> None:
        target.unlink()
        move(source, path)

    monkeypatch.setattr(file_store, 'move_to_new_name', remove_first)
    assert isinstance(publish(target, 'new'), Published)
    assert find_note(str(tmp_path), 'x', target.stat().st_ino) == 'new'
