"""New fields for a stored response, from a 304 or a HEAD."""

from datetime import UTC, datetime, timedelta

import pytest

from dlmachine.core.caching.freshness import assess
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.caching.updating import is_about, update_fields
from dlmachine.core.http.headers import Headers

AT = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    'name', ['Content-Encoding', 'Content-Length', 'Content-MD5', 'Content-Range', 'ETag']
)
def test_fields_of_the_bytes_stay(name: str) -> None:
    """Because a 304 has no bytes."""
    assert update_fields(Headers(((name, 'a'),)), Headers(((name, 'b'),))).get(name) == 'a'


@pytest.mark.parametrize('name', ['Content-Type', 'Cache-Control', 'Expires', 'X-Test'])
def test_other_fields_are_replaced(name: str) -> None:
    """All lines of them, by all lines of the new ones."""
    old = Headers(((name, 'a'), ('Keep', '1'), (name, 'b')))
    new = Headers(((name.lower(), 'c'), (name, 'd')))

    found = update_fields(old, new)

    assert found.get_all(name) == ('c', 'd')
    assert found.get('Keep') == '1'


def test_declared_secrets_stay_declared() -> None:
    """The fields that were stored say which names are secret."""
    found = update_fields(Headers((('A', '1'),), ('x-mine',)), Headers((('X-Mine', 's'),)))
    assert (found.items, found.secret_names) == ((('A', '1'), ('X-Mine', 's')), ('x-mine',))


def test_after_a_304_the_age_is_counted_anew() -> None:
    """Also if the 304 has neither Date nor Age."""
    fields = (('Age', '900'), ('Date', 'Tue, 30 Apr 2024 23:00:00 GMT'), ('Vary', 'A'))
    old = StoredResponse(headers=Headers(fields), requested_at=AT, received_at=AT, is_invalid=True)
    later = AT + timedelta(days=1)

    updated = update_fields(old.headers, Headers((('Vary', 'a'),)))
    new = StoredResponse(headers=updated, requested_at=later, received_at=later)

    assert assess(old, AT).age == 3600
    assert assess(new, later).age == 0


@pytest.mark.parametrize(
    ('response', 'expected'),
    [
        ([], True),
        ([('ETag', '"a"'), ('Content-Length', '3')], True),
        ([('ETag', '"b"')], False),
        ([('Content-Length', '4')], False),
        ([('Last-Modified', 'Tue, 30 Apr 2024 23:00:00 GMT')], False),
    ],
)
def test_a_head_is_about_the_stored_response(
    response: list[tuple[str, str]], *, expected: bool
) -> None:
    """If no validator and no length differs."""
    stored = Headers((('ETag', '"a"'), ('Content-Length', '3')))
    assert is_about(Headers(tuple(response)), stored) is expected
