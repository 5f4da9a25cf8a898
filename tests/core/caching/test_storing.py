"""Which responses are stored, and which fields of them."""

import pytest

from dlmachine.core.caching.storing import storable_fields, why_not_stored
from dlmachine.core.http.headers import Headers


def said(cache_control: str, **others: str) -> Headers:
    """Fields with this Cache-Control; none if it is empty."""
    first = (('Cache-Control', cache_control),) if cache_control else ()
    return Headers((*first, *others.items()))


#: Method, Cache-Control of the request, status, fields of the response, and why it is not stored.
CASES = [
    ('GET', '', 200, said(''), None),
    ('GET', '', 200, said('private'), None),
    ('GET', '', 200, said('no-store'), 'the response says no-store'),
    ('GET', '', 200, said('no-store, max-age=9'), 'the response says no-store'),
    ('GET', '', 200, said('no-store, must-understand'), None),
    ('GET', '', 599, said('must-understand, max-age=9'), 'the response says must-understand, and the status is 599'),
    ('GET', 'no-store', 200, said('max-age=9'), 'the request says no-store'),
    ('HEAD', '', 200, said('max-age=9'), 'the method is HEAD'),
    ('POST', '', 200, said('max-age=9'), 'the method is POST'),
    ('GET', '', 206, said('max-age=9'), 'the status is 206'),
    ('GET', '', 304, said('max-age=9'), 'the status is 304'),
    ('GET', '', 103, said('max-age=9'), 'the status is 103'),
    ('GET', '', 999, said('max-age=9'), 'the status is 999'),
    ('GET', '', 404, said(''), None),
    ('GET', '', 403, said(''), 'the status is 403, without a lifetime'),
    ('GET', '', 403, said('max-age=9'), None),
    ('GET', '', 403, said('public'), None),
    ('GET', '', 403, said('private'), None),
    ('GET', '', 403, said('', Expires='0'), None),
]  # fmt: skip


@pytest.mark.parametrize(('method', 'asked', 'status', 'response', 'why'), CASES)
def test_a_response_is_stored_unless(
    method: str, asked: str, status: int, response: Headers, why: str | None
) -> None:
    """The reason is given, or None."""
    assert why_not_stored(method, said(asked), status, response) == why


def test_fields_of_the_connection_and_named_by_no_cache_are_left_out() -> None:
    """Also those that Connection names."""
    response = Headers((
        ('Cache-Control', 'max-age=9, no-cache="Set-Cookie"'),
        ('Connection', 'close,X-Hop, X-Next\t,\x0bX-Other'),
        ('X-Hop', '1'),
        ('X-Next', '1'),
        ('Keep-Alive', 'timeout=5'),
        ('Transfer-Encoding', 'chunked'),
        ('Set-Cookie', 'a=b'),
        ('X-Other', '2'),
    ))  # fmt: skip

    assert [name for name, _ in storable_fields(response)] == ['Cache-Control', 'X-Other']
