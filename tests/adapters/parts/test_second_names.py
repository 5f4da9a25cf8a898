"""A part that is linked to its new name has two names for a moment."""

import os
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import OpenPart, Publish
from dlmachine.core.spec.destination import AtPath
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.parts.part import PartialFile


@pytest.mark.parametrize('note', ['{}', ''], ids=['a file at a path', 'an entry of the cache'])
def test_a_linked_part_cannot_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: str
) -> None:
    """If the run is killed now, a user may edit the file at its new name, and then remove it.

    Nobody edits an entry of the cache, whose part can be resumed until it has its name.
    """
    files, link = LocalFiles(ManualClock()), os.link
    notes: list[Path] = []

    def late(*given: Any, **named: Any) -> None:
        notes.extend(tmp_path.rglob('*.part.json'))
        link(*given, **named)

    part = files.open_part(OpenPart(beside=str(tmp_path), stem='stem'))
    assert isinstance(part, PartialFile)
    part.begin(StoreBody(validator='"v1"'))
    part.write(b'id\tscore\n')
    part.finish()
    assert list(tmp_path.rglob('*.part.json'))
    monkeypatch.setattr(os, 'link', late)
    part.publish(Publish(place=AtPath(str(tmp_path / 'x')), replace=False, note=note))
    assert (tmp_path / 'x').exists()
    assert bool(notes) == (not note)
