"""A file that cannot be looked at just after it was published."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, OpenPart, Publish
from dlmachine.core.protocol.events import Published
from dlmachine.core.spec.destination import AtPath
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.parts.part import PartialFile


@pytest.mark.parametrize('replace', [True, False])
@pytest.mark.parametrize('has_links', [True, False])
def test_it_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool, replace: bool
) -> None:
    """It has its name, so the download has not failed."""
    target, see = tmp_path / 'x', os.stat
    part = LocalFiles(ManualClock()).open_part(OpenPart(beside=str(tmp_path), stem='stem'))
    assert isinstance(part, PartialFile)
    part.begin(StoreBody())
    part.write(b'all of it')
    part.finish()

    def blind(path: Any, **given: Any) -> os.stat_result:
        is_target = path == target and not given.get('follow_symlinks', True)
        if is_target and 'x' in os.listdir(tmp_path):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return see(path, **given)

    def unlinked(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, 'stat', blind)
    if not has_links:
        monkeypatch.setattr(os, 'link', unlinked)
    published = part.publish(Publish(place=AtPath(str(target)), replace=replace))
    part.discard(Discard())
    assert isinstance(published, Published)
    assert target.read_bytes() == b'all of it'
    assert list(tmp_path.rglob('*.part')) == []
