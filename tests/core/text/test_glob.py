"""Texts with stars."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmachine.core.text.glob import is_like

TEXTS = st.text('ab/', max_size=12)
PATTERNS = st.lists(st.sampled_from(['a', 'b', '/', '*', '**', '***']), max_size=8).map(''.join)


@pytest.mark.parametrize(
    ('text', 'pattern', 'is_match'),
    [
        ('', '', True),
        ('', '*', True),
        ('', '**', True),
        ('', 'a', False),
        ('a', '', False),
        ('abc', 'abc', True),
        ('abc', 'ab', False),
        ('abc', 'a*c', True),
        ('abc', 'abc*', True),
        ('a/c', 'a*c', False),
        ('a/c', 'a**c', True),
        ('a/b/c', 'a/*/c', True),
        ('a//c', 'a/*/c', True),
        ('a/c', 'a/*/c', False),
        ('a/b/c', 'a/***c', True),
        ('x.tar.gz', '*.gz', True),
        ('A', 'a', False),
    ],
)
def test_stars(text: str, pattern: str, is_match: bool) -> None:
    """One star stays within a segment, two do not."""
    assert is_like(text, pattern, '/') is is_match


@given(TEXTS, PATTERNS)
def test_as_a_regular_expression(text: str, pattern: str) -> None:
    """For short patterns, an expression says the same."""
    pieces = re.split(r'(\*+)', pattern)
    stars = {'*': '[^/]*', '': ''}
    written = ''.join(
        stars.get(piece, '.*') if piece.startswith('*') else re.escape(piece) for piece in pieces
    )
    assert is_like(text, pattern, '/') is bool(re.fullmatch(written, text, re.DOTALL))


def test_without_a_separator_both_stars_are_alike() -> None:
    """They stand for any text."""
    assert is_like('a/b', 'a*b')
    assert is_like('a/b', 'a**b')
