"""Faults get the URL and the destination that the caller knows."""

import pytest

from dlmachine.core.decision.locate import locate
from dlmachine.core.faults import StorageFailed
from dlmachine.core.spec.destination import AtPath, Destination, InCache, InFolder
from tests.builders import a_descriptor

PART = StorageFailed(path='/d/.dlmachine/ab.part', operation='write', problem='full')


@pytest.mark.parametrize(
    ('place', 'shown'),
    [
        (AtPath('/d/x'), '/d/x'),
        (InFolder('/d'), '/d'),
        (InCache('/c'), '/c'),
        (None, ''),
    ],
)
def test_an_error_about_a_part_names_its_destination(place: Destination | None, shown: str) -> None:
    """The caller does not know the part's name."""
    located = locate(PART, a_descriptor(), place)
    assert isinstance(located, StorageFailed)
    assert located.destination == shown
