"""Former names, which still work with a warning."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from dlmachine.core import deprecation
from dlmachine.core.deprecation import level_outside, warn_renamed, with_former_parameters


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


def frames(*modules: str | None) -> Any:
    """The innermost of frames in these modules."""
    frame = None
    for module in reversed(modules):
        names = {} if module is None else {'__name__': module}
        frame = SimpleNamespace(f_back=frame, f_globals=names)
    return frame


@pytest.mark.parametrize(
    ('modules', 'level'),
    [
        (('script',), 2),
        (('dlmachine', 'script'), 3),
        (('dlmachine.core.x', 'returns.result', 'contextlib', 'dlmachine_adapters.x', 'script', 'dlmachine'), 6),
        (('functools', 'dlmachines.x', 'dlmachine'), 3),
        (('dlmachine.x', None, 'dlmachine'), 3),
        (('dlmachine.x', 'dlmachine'), 3),
    ],
)  # fmt: skip
def test_a_warning_is_for_the_nearest_caller_outside(modules: Any, level: int) -> None:
    """It may have no name; without any, the outermost is warned."""
    assert level_outside(frames(*modules)) == level


def test_a_warning_is_not_for_the_module_that_warns() -> None:
    """Python would show its line otherwise."""
    with pytest.warns(DeprecationWarning, match='^a is now called b$') as warned:
        warn_renamed('a', 'b')
    assert warned[0].filename != deprecation.__file__
