"""Names that do not count in the cache key."""

from typing import Any

import pytest

from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.key_names import is_named, parse_key_names, without_parameters
from tests.builders import a_descriptor


@pytest.mark.parametrize(
    ('given', 'names'),
    [
        (None, ()), ((), ()), ('', ()), (['token'], ('token',)), ('b, a', ('a', 'b')),
        ('X-Amz-*', ('X-Amz-*',)), (['a', ' a '], ('a',)),
    ],
)  # fmt: skip
def test_names_are_a_list_or_one_text(given: object, names: tuple[str, ...]) -> None:
    """As those of `secret_names` are; the order does not matter."""
    assert parse_key_names(given, 'x').unwrap() == names


@pytest.mark.parametrize('name', ['key_without', 'key_ignores_query'])
@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (5, 'must be a list of names, not int'), ([5], 'must contain names as text, not int'),
        (['a\n'], 'contains LF at position 1'), ({'a': 1}, 'must be a list of names, not dict'),
        ('**', "must not contain '**', because different downloads would then share one copy. List the names"),
    ],
)  # fmt: skip
def test_wrong_names_are_refused(name: str, given: Any, problem: str) -> None:
    """The fault names the option."""
    fault = Descriptor.parse('http://h/', **{name: given}).failure()
    assert getattr(fault, 'where', '') == name
    assert problem in str(fault)


def test_names_of_headers_have_no_case() -> None:
    """Those of query parameters do."""
    made = a_descriptor(key_without=['Cookie', 'X-*'], key_ignores_query=['Token'])
    assert (made.key_without, made.key_ignores_query) == (('cookie', 'x-*'), ('Token',))
    assert "key_without=('cookie', 'x-*'), key_ignores_query=('Token',)" in repr(made)
    assert made.redacted() == made
    assert made != a_descriptor()


@pytest.mark.parametrize(
    ('name', 'pattern', 'is_true'),
    [
        ('token', 'token', True), ('Token', 'token', False), ('token2', 'token', False),
        ('X-Amz-Date', 'X-Amz-*', True), ('X-Amz-', 'X-Amz-*', True), ('aXb', 'a*b', True), ('aXbc', 'a*b', False),
        ('a.b', 'a.b', True), ('axb', 'a.b', False), ('[x]', '[x]', True), ('x', '[x]', False), ('a?', 'a?', True), ('a\nb', 'a*', True),
    ],
)  # fmt: skip
def test_only_a_star_stands_for_other_text(name: str, pattern: str, is_true: bool) -> None:
    """The other characters stand for themselves."""
    assert is_named(name, (pattern,)) is is_true
    assert is_named(name, ('other', pattern)) is is_true
    assert not is_named(name, ())


@pytest.mark.parametrize(
    ('url', 'rest'),
    [
        ('http://h/x', 'http://h/x'), ('http://h/x?', 'http://h/x?'), ('http://h/x?a=1', 'http://h/x?a=1'),
        ('http://h/x?token=1', 'http://h/x'), ('http://h/x?token', 'http://h/x'), ('http://h/x?token=1&a=b%20c', 'http://h/x?a=b%20c'),
        ('http://h/x?a=1&token=1&b=2&token=3', 'http://h/x?a=1&b=2'), ('http://h/x?t%6Fken=1&a', 'http://h/x?a'),
        ('http://h/x?X%2DAmz%2DDate=1', 'http://h/x'), ('http://h/x?a=token', 'http://h/x?a=token'),
        ('http://h/x?a=1?token=2', 'http://h/x?a=1?token=2'), ('http://h/x?&token=1', 'http://h/x?'),
        ('http://h/x?a+b=1', 'http://h/x'),
    ],
)  # fmt: skip
def test_parameters_are_taken_out_of_a_url(url: str, rest: str) -> None:
    """By their decoded names; the rest stays byte for byte."""
    assert without_parameters(url, ('X-Amz-*', 'a b', 'token')) == rest
    assert without_parameters(url, ()) == url


@pytest.mark.parametrize(
    ('name', 'pattern', 'is_one'),
    [
        ('token', 'token', True), ('Token', 'token', False), ('X-Amz-Date', 'X-*-Date', True),
        ('X-Date', 'X-*-Date', False), ('abcabc', '*bc*', True), ('abc', '*d*', False),
        ('aXbXc', 'a*b*c', True), ('acb', 'a*b*c', False), ('ab', 'ab*ab', False),
        ('a\nb', 'a*b', True), ('sig', '*sig', True), ('sig2', '*sig', False), ('aa', 'a*a*a', False),
    ],
)  # fmt: skip
def test_stars_stand_for_any_text(name: str, pattern: str, is_one: bool) -> None:
    """Also for none; the text around them counts once."""
    assert is_named(name, (pattern,)) is is_one


def test_many_stars_take_no_time() -> None:
    """A pattern from another person's manifest cannot block a download."""
    assert not is_named('a' * 20_000, ('a*' * 5_000 + 'b',))
