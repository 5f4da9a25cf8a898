"""A part that does not get a name leaves the note about the file that has it."""

from pathlib import Path

from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, OpenPart, Publish
from dlmachine.core.protocol.events import NameTaken, Published
from dlmachine.core.spec.destination import AtPath
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.published_notes import find_note
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.parts.part import PartialFile


def test_a_refused_name_keeps_its_note(tmp_path: Path) -> None:
    """Its run may have been killed before it recorded the file."""
    target, events = tmp_path / 'x', []
    for note in ('first', 'second'):
        part = LocalFiles(ManualClock()).open_part(OpenPart(beside=str(tmp_path), stem=note))
        assert isinstance(part, PartialFile)
        part.begin(StoreBody())
        part.write(note.encode())
        part.finish()
        publish = Publish(place=AtPath(str(target)), replace=False, note=note)
        events.append(type(part.publish(publish)))
        part.discard(Discard())
    assert events == [Published, NameTaken]
    assert find_note(str(tmp_path), 'x', target.stat().st_ino) == 'first'
