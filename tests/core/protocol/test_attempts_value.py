"""The value of a run's attempts: what it keeps when another URL is requested."""

from dataclasses import replace

import pytest

from dlmachine.core.integrity.representation import Representation
from dlmachine.core.protocol.attempts import Attempts, Partial

PART = Partial(
    front_bytes=5,
    validator='"v"',
    representation=Representation(size_bytes=9),
    held=((7, 8),),
    whole_bytes=9,
)
HERE = Attempts(part=PART, is_unranged=True, is_unconditional=True)


def test_the_part_is_set_aside_for_another_url_and_taken_back() -> None:
    """A validator is valid only for the URL that issued it."""
    there = HERE.at(1)
    assert there == Attempts(position=1, aside=(0, PART))
    assert (there.is_unranged, there.is_unconditional) == (False, False)
    assert there.at(0) == Attempts(part=PART)


@pytest.mark.parametrize('lost', [{'front_bytes': 0}, {'validator': None}])
def test_bytes_that_cannot_be_resumed_are_not_set_aside(lost: dict[str, None]) -> None:
    """Without bytes or without a validator there is nothing to come back to."""
    lacking = replace(PART, **lost)  # type: ignore[arg-type]
    assert replace(HERE, part=lacking).at(1).aside is None
