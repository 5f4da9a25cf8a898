"""Call the caller's `validate` function on a body before it is published."""

from typing import Final

from dlmachine.core.protocol.ports import Part
from dlmachine.core.spec.policy import Validator

#: The longest message of a failed validation.
_MAX_WORDS: Final = 300


def find_objection(part: Part, validate: Validator) -> str | None:
    """Return the problem that `validate` found with the body, or None.  Raises: PartError."""
    with part.view() as file:
        try:
            return None if validate(file) else 'is refused by validate'
        except Exception as error:  # noqa: BLE001 -- any exception means that it is refused
            return f'is refused by validate: {type(error).__name__}: {error}'[:_MAX_WORDS]
