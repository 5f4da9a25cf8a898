"""A regular expression is compiled when it is first used, and then behaves like the compiled one."""

import re

import pytest

from dlmachine.core.regex import regex


def test_is_compiled_when_it_is_first_used() -> None:
    """Even one with an error, which `re` reports then."""
    made = regex('(')

    with pytest.raises(re.error):
        made.match('')


def test_has_what_a_compiled_expression_has() -> None:
    """Its methods, attributes and flags; a method is looked up once."""
    made, compiled = regex(b'(?P<x>a)', re.IGNORECASE), re.compile(b'(?P<x>a)', re.IGNORECASE)

    assert made.findall(b'aAb') == made.findall(b'aAb') == [b'a', b'A']
    assert made.findall is made.findall
    assert (made.pattern, made.flags, made.groups, made.groupindex) == (
        compiled.pattern, compiled.flags, compiled.groups, compiled.groupindex,
    )  # fmt: skip
