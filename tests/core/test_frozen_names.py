"""Former names of the fields of `@frozen` classes, and copies with other values."""

import pytest

from dlmachine.core import frozen as module
from dlmachine.core.frozen import frozen


def test_a_former_name_of_a_field() -> None:
    """It is passed and read with a warning, and is that of one field only."""

    @frozen(old_names={'colour': 'color', 'width': 'size'})
    class Pen:
        color: str
        size: int = 1

    with pytest.warns(DeprecationWarning, match=r'^Pen\(colour=\) is now called color=$'):
        pen = Pen(colour='red', size=2)  # type: ignore[call-arg]
    assert pen == Pen(color='red', size=2)
    with pytest.warns(DeprecationWarning, match=r'^Pen\.colour is now called color$'):
        assert pen.colour == 'red'  # type: ignore[attr-defined]
    with pytest.warns(DeprecationWarning, match=r'^Pen\.width is now called size$'):
        assert pen.width == 2  # type: ignore[attr-defined]


def test_a_copy_with_another_value() -> None:
    """All else is the same, and the class too."""

    @frozen
    class Pen:
        color: str
        size: int = 1

    assert module.replace(Pen(color='red', size=2), color='blue') == Pen(color='blue', size=2)
