"""Variants of one URL: which stored response is for a request."""

from datetime import UTC, datetime

import pytest

from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.caching.variants import is_selected, selecting_fields
from dlmachine.core.http.headers import Headers

AT = datetime(2024, 5, 1, tzinfo=UTC)


def stored(vary: str, *asked: tuple[str, str]) -> StoredResponse:
    """The response to a request with these fields."""
    headers = Headers((('Vary', vary),))
    selecting = selecting_fields(Headers(asked), headers)
    return StoredResponse(headers=headers, requested_at=AT, received_at=AT, selecting=selecting)


ONE = stored('Foo', ('Foo', '1'))
TWO = stored('foo, Bar', ('Foo', '1'), ('BAR', 'abc'))
NONE = stored('Foo')


@pytest.mark.parametrize(
    ('response', 'asked', 'expected'),
    [
        (ONE, [('foo', '1')], True),
        (ONE, [('Foo', ' 1 ')], True),
        (ONE, [('Foo', '1'), ('Other', '3')], True),
        (ONE, [('Foo', '2')], False),
        (ONE, [('Foo', '')], False),
        (ONE, [], False),
        (NONE, [], True),
        (NONE, [('Foo', '')], False),
        (TWO, [('Foo', '1'), ('Bar', 'abc')], True),
        (TWO, [('Foo', '1')], False),
        (stored('Foo', ('Foo', '1, 2')), [('Foo', '1'), ('Foo', '2')], True),
        (stored('*', ('Foo', '1')), [('Foo', '1')], False),
        (stored('Foo, *'), [], False),
        (stored(', ,'), [('Foo', '1')], True),
    ],
)
def test_a_variant_is_for_a_request(
    response: StoredResponse, asked: list[tuple[str, str]], *, expected: bool
) -> None:
    """With the same values of the fields that Vary names."""
    assert is_selected(response, Headers(tuple(asked))) is expected


def test_a_record_without_the_fields_that_vary_names_is_for_no_request() -> None:
    """As one that another program wrote."""
    response = StoredResponse(headers=Headers((('Vary', 'Foo'),)), requested_at=AT, received_at=AT)
    assert not is_selected(response, Headers())
