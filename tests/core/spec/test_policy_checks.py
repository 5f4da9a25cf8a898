"""What is checked again in a copy of a policy with another destination and checksum."""

from typing import Any

import pytest

from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.spec.destination import Auto, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import at_place, find_policy_fault


def test_a_sound_policy_at_a_place() -> None:
    """It is the same with these two values, and sound."""
    made = at_place(Policy(retries=1), ToPath('x'), Checksum('sha256', 'ab' * 32))

    assert made == Policy(retries=1, dest=ToPath('x'), checksum=Checksum('sha256', 'ab' * 32))
    assert find_policy_fault(made) is None


@pytest.mark.parametrize(
    ('options', 'checksum', 'where'),
    [
        ({'retries': -1}, None, 'retries'),
        ({}, Checksum('sha256', 'zz'), 'checksum'),
        ({'retries': -1}, Checksum('sha256', 'zz'), 'retries'),
    ],
)
def test_a_fault_is_found(options: Any, checksum: Checksum | None, where: str) -> None:
    """In the values that were there, and in the checksum."""
    fault = find_policy_fault(at_place(Policy(**options), Auto(), checksum))

    assert getattr(fault, 'where', '') == where
