"""Former names, which still work with a warning."""

from importlib import import_module

import pytest

from dlmachine.core.deprecation import with_former_parameters


@pytest.mark.parametrize(
    ('module', 'old', 'new'),
    [
        ('dlmachine', 'MachineError', 'LocalError'),
        ('dlmachine.errors', 'MachineError', 'LocalError'),
        ('dlmachine.core.http.response', 'Head', 'ResponseHead'),
        ('dlmachine.core.protocol.body_decision', 'LeaveBody', 'SkipBody'),
        ('dlmachine.core.protocol.body_decision', 'Left', 'SkipReason'),
        ('dlmachine.core.protocol.body_decision', 'RefuseBody', 'RejectResponse'),
        ('dlmachine.core.protocol.body_decision', 'TakeBody', 'StoreBody'),
        ('dlmachine.core.protocol.effects', 'ConfirmCopy', 'CheckCopy'),
        ('dlmachine.core.protocol.effects', 'ExchangeMany', 'ExchangeSegments'),
        ('dlmachine.core.protocol.effects', 'Join', 'Reassemble'),
        ('dlmachine.core.protocol.effects', 'Retire', 'RemoveVersions'),
        ('dlmachine.core.protocol.events', 'Answered', 'Responded'),
        ('dlmachine.core.protocol.events', 'Failed', 'EffectFailed'),
        ('dlmachine.core.protocol.events', 'Joined', 'Reassembled'),
        ('dlmachine.core.protocol.events', 'PlaceTaken', 'NameTaken'),
        ('dlmachine.core.protocol.events', 'Retired', 'VersionsRemoved'),
    ],
)
def test_a_former_name_is_the_present_one(module: str, old: str, new: str) -> None:
    """Each warns with the present name."""
    home = import_module(module)
    with pytest.warns(DeprecationWarning, match=f'^{module}.{old} is now called {new}$'):
        found = getattr(home, old)
    assert found is getattr(home, new)


def test_unknown_names_are_still_errors() -> None:
    """They raise AttributeError as in any module."""
    with pytest.raises(AttributeError, match="'dlmachine.errors' has no attribute 'Nothing'"):
        _ = import_module('dlmachine.errors').Nothing
    with pytest.raises(AttributeError, match="'dlmachine' has no attribute 'Nothing'"):
        _ = import_module('dlmachine').Nothing


def test_a_former_parameter_is_passed_on() -> None:
    """Other parameters are unchanged."""

    @with_former_parameters(colour='color')
    def paint(color: str, *, size: int = 1) -> tuple[str, int]:
        return color, size

    assert paint('red', size=2) == ('red', 2)
    with pytest.warns(DeprecationWarning, match=r'paint\(colour=\) is now called color='):
        assert paint(colour='blue') == ('blue', 1)  # type: ignore[call-arg]
