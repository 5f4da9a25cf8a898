"""Which stored responses an unsafe request makes invalid."""

import pytest

from dlmachine.core.caching.invalidation import invalidated_urls
from dlmachine.core.http.headers import Headers

URL = 'https://h/a/x'


@pytest.mark.parametrize(
    ('method', 'status', 'fields', 'expected'),
    [
        ('GET', 200, [], ()),
        ('HEAD', 200, [], ()),
        ('POST', 200, [], (URL,)),
        ('PUT', 204, [], (URL,)),
        ('DELETE', 303, [], (URL,)),
        ('M-SEARCH', 200, [], (URL,)),
        ('POST', 399, [], (URL,)),
        ('POST', 400, [], ()),
        ('DELETE', 404, [], ()),
        ('POST', 500, [], ()),
        ('POST', 201, [('Location', 'y')], (URL, 'https://h/a/y')),
        ('POST', 201, [('Content-Location', '/y')], (URL, 'https://h/y')),
        ('POST', 201, [('Location', 'https://other/y')], (URL,)),
        ('POST', 201, [('Location', 'http://h/y')], (URL,)),
        ('POST', 201, [('Location', '//[')], (URL,)),
        ('POST', 201, [('Location', URL)], (URL,)),
    ],
)
def test_urls_are_invalid_after_a_response(
    method: str, status: int, fields: list[tuple[str, str]], expected: tuple[str, ...]
) -> None:
    """The requested one, and those of the same origin that the response names."""
    assert invalidated_urls(method, URL, status, Headers(tuple(fields))) == expected


def test_what_is_not_a_url_makes_nothing_invalid() -> None:
    """Nor is it an error."""
    assert invalidated_urls('POST', 'no url', 200, Headers()) == ()
