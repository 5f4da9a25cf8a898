"""Secrets: texts, and references that are read when they are sent."""

import functools
from typing import Any

import pytest

from dlmachine.core.access.secret import Secret, parse_secret


def a_token() -> str:
    """A function that returns a token."""
    return 'planted'


@pytest.mark.parametrize(
    ('given', 'expected', 'shown', 'is_reference'),
    [
        ('planted', Secret(text='planted'), '***', False),
        ('env:TOKEN', Secret(variable='TOKEN'), 'env:TOKEN', True),
        ('file:~/.token', Secret(path='~/.token'), 'file:~/.token', True),
        (a_token, Secret(call=a_token), f'function {__name__}.a_token', True),
        ('environment', Secret(text='environment'), '***', False),
    ],
)
def test_parsing(given: Any, expected: Secret, shown: str, is_reference: bool) -> None:
    """A reference can be shown, a text cannot."""
    parsed = parse_secret('bearer', given).unwrap()
    assert parsed == expected
    assert str(parsed) == shown
    assert parsed.is_reference is is_reference
    assert 'planted' not in repr(parsed)


def test_a_function_without_a_name_is_shown_by_its_class() -> None:
    """A partial function has neither a module nor a name of its own."""
    shown = str(Secret(call=functools.partial(a_token)))
    assert shown.startswith('function ')
    assert shown.endswith('partial')
    assert str(Secret(call='x'.__str__)) == 'function str.__str__'


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (5, 'bearer must be a text or a function, not int'),
        (None, 'bearer must be a text or a function, not NoneType'),
        ('', 'bearer is empty'),
        ('env:', 'bearer names no environment variable after env:'),
        ('env: TOKEN', "bearer names no environment variable after env:, but ' TOKEN'"),
        ('file:', 'bearer names no file after file:'),
        ('file:a\0b', "bearer names no file after file:, but 'a\\x00b'"),
        ('planted\r\nX: 1', 'bearer contains CR at position 7'),
    ],
)
def test_what_is_refused(given: Any, problem: str) -> None:
    """The fault never contains a text."""
    assert parse_secret('bearer', given).failure().what() == problem


@pytest.mark.parametrize(
    ('secret', 'expected'),
    [
        (Secret(variable='TOKEN'), Secret(variable='TOKEN')),
        (Secret(path='/x'), Secret(path='/x')),
        (Secret(text='planted'), Secret(text='***')),
        (Secret(call=a_token), Secret(text='***')),
    ],
)
def test_masking(secret: Secret, expected: Secret) -> None:
    """JSON cannot contain a function."""
    assert secret.redacted() == expected
