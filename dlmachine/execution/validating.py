"""Validating: what a function of the caller's says of a body that is not published yet."""

from typing import Final

from dlmachine.core.protocol.ports import Part
from dlmachine.core.spec.policy import Validator

#: What it has to say is cut off here.
_MAX_WORDS: Final = 300


def find_objection(part: Part, validate: Validator) -> str | None:
    """What it has against the body in a part, or None.  Raises: PartError."""
    with part.view() as file:
        try:
            return None if validate(file) else 'is refused by validate'
        except Exception as error:  # noqa: BLE001 -- whatever it raises, it does not say yes
            return f'is refused by validate: {type(error).__name__}: {error}'[:_MAX_WORDS]
