"""Header fields and their texts."""

from typing import Any

import pytest

from dlmachine.core.http.headers import Headers, _Folded, parse_headers
from dlmachine.core.text.control_chars import find_control_char, find_unwritable

TWO = (('Accept', 'text/csv'), ('X-Id', '7'))


@pytest.mark.parametrize(
    'given',
    [
        dict(TWO),
        TWO,
        [list(pair) for pair in TWO],
        ['Accept: text/csv', 'X-Id:7 '],
        Headers(TWO),
        ['Accept:text/csv', ('X-Id', 7)],
    ],
    ids=['a mapping', 'pairs', 'lists', 'lines', 'headers', 'a mixture'],
)
def test_every_form_is_read(given: Any) -> None:
    """All forms of header fields give the same value."""
    assert parse_headers(given).unwrap() == Headers(TWO)


@pytest.mark.parametrize(
    ('given', 'where', 'problem'),
    [
        ('nonsense', 'headers[0]', 'has no colon'),
        ([7], 'headers[0]', 'must be a header field, not int'),
        (5, 'headers[0]', 'must be a header field, not int'),
        ([('a', 'b', 'c')], 'headers[0]', 'must be a header field, not tuple'),
        ([('a', None)], 'headers[0]', 'must be a header field, not tuple'),
        ([('X', '1'), b'Y: 2'], 'headers[1]', 'must be a header field, not bytes'),
        ({'': 'x'}, "headers['']", 'is not a valid name of a header field'),
        ({'A b': 'x'}, "headers['A b']", 'is not a valid name of a header field'),
        ({'A\n': 'x'}, "headers name 'A\\n'", 'contains LF at position 1'),
        ({'A': 'x\r\ny'}, "headers['A']", 'contains CR at position 1'),
        ({'A': 'x\0'}, "headers['A']", 'contains NUL at position 1'),
        ({'A': '\ud800'}, "headers['A']", 'contains a lone surrogate at position 0'),
        ({'A': 'x数'}, "headers['A']", 'has a character at position 1 that ISO 8859-1 does not have'),
    ],
)  # fmt: skip
def test_bad_headers_are_named(given: Any, where: str, problem: str) -> None:
    """The fault names the field and the problem."""
    fault = parse_headers(given).failure()
    assert (getattr(fault, 'where'), getattr(fault, 'problem')) == (where, problem)  # noqa: B009 -- of InvalidInput


@pytest.mark.parametrize(('given', 'value'), [(' \tX \t', 'X'), (' \xa0x\xa0 ', '\xa0x\xa0')])
def test_white_space_around_a_value_is_none_of_it(given: str, value: str) -> None:
    """RFC 9110 section 5.5: spaces and tabs are removed, a no-break space is not."""
    assert parse_headers({'A': given}).unwrap().get('A') == value


def test_a_headers_value() -> None:
    """Names are case-insensitive; order and repetition are kept; a change makes a copy."""
    one = Headers((('A', '1'), ('b', '2'), ('a', '3')))
    assert (len(one), list(one)[1], one.get('A'), one.get_all('a')) == (
        3,
        ('b', '2'),
        '1, 3',
        ('1', '3'),
    )
    assert ('B' in one, 'c' in one) == (True, False)
    assert [one.has_any(frozenset(names)) for names in ((), ('c',), ('b', 'c'))] == [
        False,
        False,
        True,
    ]
    assert one.with_field('a', '4').items == (('b', '2'), ('a', '4'))
    assert one.with_defaults(('B', '5')) == one
    assert one.with_defaults(('c', '5'), ('B', '6'), ('C', '7')).get('C') == '5, 7'
    assert Headers().with_defaults(('c', '5'), ('C', '7')).items == (('c', '5'), ('C', '7'))
    assert one.without('A', 'B') == Headers()
    assert parse_headers(None).unwrap() == Headers()
    assert repr(Headers((('Cookie', 's3cret'),))) == "Headers((('Cookie', '***'),))"
    assert 's3cret' not in repr(Headers((('Location', 'https://h/x?token=s3cret'),)))


def test_texts() -> None:
    """Text without line breaks and surrogates has no fault."""
    assert find_control_char('x', 'plain') is None
    assert find_unwritable('x', 'plain') is None
    assert find_unwritable('x', '\udc80') is not None


def test_a_whole_number_that_cannot_be_written_is_refused() -> None:
    """Python does not format integers of more than 4,300 digits."""
    given: Any = [('X-Id', 10**5_000)]
    assert str(parse_headers(given).failure()).startswith('headers[0]')


def test_names_are_found_in_any_case_however_many_are_asked_for() -> None:
    """Only the first few hundred names are remembered in lower case."""
    headers = Headers((('X-1', '1'), ('X-599', '599')))
    found = [number for number in range(600) if f'x-{number}' in headers]
    assert found == [1, 599]
    assert (headers.get('X-599'), headers.get_all('x-599')) == ('599', ('599',))


def test_names_in_lower_case_are_remembered() -> None:
    """They are the same the second time."""
    names = _Folded()
    assert [names['ETag'], names['ETag']] == ['etag', 'etag']
