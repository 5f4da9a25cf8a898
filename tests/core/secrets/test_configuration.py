"""Secrets in values of a configuration, and in free text: in every form, by built-in and declared names."""

from typing import Any

import pytest

from dlmachine.core.secrets.configuration import redact_value
from dlmachine.core.secrets.text_secrets import walk_text


@pytest.mark.parametrize(('value', 'shown'), [
    ({'code': 'x', 'a': {'code': 'y'}}, {'code': '***', 'a': {'code': '***'}}),
    ([{'name': 'code', 'value': 'x'}], [{'name': 'code', 'value': '***'}]),
    (('code', 'x', 'y'), ['code', '***']),
    (['a', 'code=1'], ['a', 'code=***']),
    (frozenset({'code=1'}), ['code=***']),
    ({'code=1': 2}, {'code=***': 2}),
    ({'cert': 'code=1:pw'}, {'cert': 'code=***:***'}),
    ({'cert': ['code=1', 'k.pem', 'pw']}, {'cert': ['code=***', 'k.pem', '***']}),
    ({'cert': ['c.pem', 'code=1', 'pw']}, {'cert': ['c.pem', 'code=***', '***']}),
])  # fmt: skip
def test_declared_names_in_every_form(value: Any, shown: Any) -> None:
    """In members, lists, sets, names of members, and certificates."""
    assert redact_value(value, ('code',)) == shown
    assert '***' not in str(redact_value(value)) or 'cert' in value


@pytest.mark.parametrize(('cert', 'shown'), [
    ('ab:pw', 'ab:***'),
    ('ab:p:w', 'ab:***'),
    ('C:/a.pem:pw', 'C:/a.pem:***'),
    ('C:/a.pem', 'C:/a.pem'),
    (['c.pem', 'k.pem', 'pw'], ['c.pem', 'k.pem', '***']),
    (['c.pem', 'k.pem'], ['c.pem', 'k.pem']),
])  # fmt: skip
def test_the_password_of_a_certificate(cert: Any, shown: Any) -> None:
    """It follows the first colon, but for that of a disk; or it is the third of a list."""
    assert redact_value({'Cert': cert}) == {'Cert': shown}


def test_names_that_are_no_text() -> None:
    """Numbers stay; others are shown as text."""
    assert redact_value({1: 2, ('a', 'b'): 3}) == {1: 2, "['a', 'b']": 3}


def test_lines_of_a_text() -> None:
    """Each has its own fields."""
    text = 'a b\nX-Api-Key: 1\r\nc d\n'
    assert redact_value(text) == 'a b\nX-Api-Key: ***\r\nc d\n'
    longest = 'a ' * 4_096
    assert redact_value(longest) == longest
    assert redact_value(longest + 'a') == f'{longest}…'


@pytest.mark.parametrize(('text', 'shown'), [
    (' {"token": "x"}', '***'),
    ('see https://h/ password="a b", x=1', 'see https://h/ password=***, x=1'),
    ('https://h/ https://h/?sig=1&x=2 c', 'https://h/ https://h/?sig=***&x=2 c'),
    ('a token=1; b sig=2; c', 'a token=***; b sig=***; c'),
    ('a Bearer abc123 and Basic abc456 b', 'a Bearer *** and Basic *** b'),
])  # fmt: skip
def test_several_secrets_in_a_text(text: str, shown: str) -> None:
    """What is around them stays."""
    assert walk_text(text).shown == shown


@pytest.mark.parametrize(('text', 'shown'), [
    ('{"code": "x"}', '***'),
    ('a; c%6Fde=1', '***'),
    ('a code=1; b', 'a code=***; b'),
    ('see /x?u=%2Fy%253Fcode%253D1', 'see /x?u=/y%253Fcode%253D***'),
])  # fmt: skip
def test_declared_names_in_a_text(text: str, shown: str) -> None:
    """In JSON, percent-encoded, and as they are."""
    assert walk_text(text, ('code',)).shown == shown


def test_a_secret_is_collected_as_it_is() -> None:
    """Without its quotation marks, and the second word of credentials alone."""
    assert walk_text('token="XabX"').secrets == {'XabX'}
    assert walk_text('X-Api-Key: Some XabX').secrets == {'Some XabX', 'XabX'}
