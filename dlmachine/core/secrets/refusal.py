"""The refusal of a value, without its secrets.  Pure."""

from typing import Any

from returns.result import Result

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.faults.printing import shown_value


def refused(name: str, value: object, expected: str) -> Result[Any, Fault]:
    """The fault for a value that is not what was expected."""
    from dlmachine.core.secrets.configuration import redact_value

    shown = shown_value(redact_value(value))
    return refuse(name, f'must be {expected}, not {shown}')
