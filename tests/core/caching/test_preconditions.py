"""A caller's own conditions, and which of them a stored response answers."""

from datetime import UTC, datetime

import pytest

from dlmachine.core.caching.preconditions import has_conditions, is_not_modified, may_be_answered
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.http.headers import Headers

AT = datetime(2024, 5, 1, tzinfo=UTC)
TODAY, YESTERDAY = 'Wed, 01 May 2024 00:00:00 GMT', 'Tue, 30 Apr 2024 00:00:00 GMT'
ETAG = (('ETag', '"a"'), ('Last-Modified', TODAY))


@pytest.mark.parametrize(
    ('asked', 'said', 'expected'),
    [
        ([('If-None-Match', '"a"')], ETAG, True),
        ([('If-None-Match', 'W/"a"')], ETAG, True),
        ([('If-None-Match', '"b", W/"a"')], ETAG, True),
        ([('If-None-Match', '"b"'), ('If-None-Match', '"a"')], ETAG, True),
        ([('If-None-Match', ' * ')], ETAG, True),
        ([('If-None-Match', '"b"')], ETAG, False),
        ([('If-None-Match', 'a')], ETAG, False),
        ([('If-None-Match', '"a"')], (('ETag', 'a'),), False),
        ([('If-None-Match', '"a"')], (), False),
        ([('If-None-Match', '"b"'), ('If-Modified-Since', TODAY)], ETAG, False),
        ([('If-Modified-Since', TODAY)], ETAG, True),
        ([('If-Modified-Since', YESTERDAY)], ETAG, False),
        ([('If-Modified-Since', 'never')], ETAG, False),
        ([('If-Modified-Since', TODAY)], (('Date', YESTERDAY),), True),
        ([('If-Modified-Since', TODAY)], (('Last-Modified', '0'),), False),
        (
            [('If-Modified-Since', 'Wednesday, 01-May-24 00:00:00 GMT')],
            (('Date', 'Tuesday, 30-Apr-24 00:00:00 GMT'),),
            True,
        ),
        ([], ETAG, False),
    ],
)
def test_a_stored_response_answers_304(
    asked: list[tuple[str, str]], said: tuple[tuple[str, str], ...], expected: bool
) -> None:
    """If the caller has the same version (RFC 9110 sections 13.1.2 and 13.1.3)."""
    stored = StoredResponse(headers=Headers(said), requested_at=AT, received_at=AT)
    assert is_not_modified(Headers(tuple(asked)), stored) is expected


@pytest.mark.parametrize('status', [300, 404])
def test_an_error_answers_no_condition(status: int) -> None:
    """Only a success does (RFC 9110 section 13.2.1)."""
    stored = StoredResponse(status=status, headers=Headers(ETAG), requested_at=AT, received_at=AT)
    assert not is_not_modified(Headers((('If-None-Match', '*'),)), stored)


@pytest.mark.parametrize(
    ('method', 'name', 'expected'),
    [
        ('GET', 'Accept', True), ('GET', 'If-None-Match', True), ('GET', 'if-modified-since', True),
        ('GET', 'Range', False), ('GET', 'If-Range', False), ('GET', 'IF-MATCH', False),
        ('GET', 'If-Unmodified-Since', False), ('DELETE', 'Accept', False), ('HEAD', 'Accept', False),
    ],
)  # fmt: skip
def test_what_a_copy_may_answer(method: str, name: str, expected: bool) -> None:
    """A range, and the condition of a change, are passed on."""
    asked = Headers(((name, 'x'),))
    assert may_be_answered(method, asked) is expected
    assert may_be_answered(method, Headers()) is (method == 'GET')
    assert has_conditions(asked) is (name != 'Accept')
