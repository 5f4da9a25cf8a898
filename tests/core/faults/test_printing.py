"""Values and texts in messages."""

import pytest

from dlmachine.core.faults.printing import printable, shown_value


@pytest.mark.parametrize(
    ('character', 'shown'),
    [
        ('\0', '\\x00'), ('\n', '\\x0a'), ('\x7f', '\\x7f'), ('\x9f', '\\x9f'), ('\u061c', '\\u061c'),
        ('\u2028', '\\u2028'), ('\udce9', '\\udce9'), ('é', 'é'), ('\u0100', '\u0100'), ('\u2027', '\u2027'),
    ],
)  # fmt: skip
def test_what_cannot_be_printed(character: str, shown: str) -> None:
    """It is shown by its number, in two digits or four."""
    assert printable(f'a{character}b') == f'a{shown}b'


def test_a_value_that_has_no_repr() -> None:
    """Its type is shown."""
    assert shown_value(10**5_000) == 'the int'
