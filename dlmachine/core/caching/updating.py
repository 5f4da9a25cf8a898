"""New fields for a stored response, from a 304 or the response to HEAD (RFC 9111 section 3.2).

Pure.
"""

from typing import Final

from dlmachine.core.caching.storing import storable_fields
from dlmachine.core.http.headers import Headers

#: Fields that the stored bytes depend on, which only new bytes change (RFC 9111 section 3.2).
_OF_THE_BYTES: Final = (
    'Content-Encoding', 'Content-Length', 'Content-MD5', 'Content-Range', 'ETag',
)  # fmt: skip
#: Fields that must agree for a response to HEAD to be about the stored one (section 4.3.5).
_AGREEING: Final = ('ETag', 'Last-Modified', 'Content-Length')


def update_fields(stored: Headers, response: Headers) -> Headers:
    """The stored fields, each replaced by that of a newer response if it has one.

    >>> old = Headers((('ETag', '"a"'), ('Age', '9'), ('X', '1')))
    >>> update_fields(old, Headers((('X', '2'), ('Content-Length', '0')))).items
    (('ETag', '"a"'), ('X', '2'))
    """
    new = storable_fields(response).without(*_OF_THE_BYTES)
    # Age and date are those of the newer response; without a Date, that is when it came (RFC 9110
    # section 6.6.1).
    kept = stored.without('Age', 'Date', *(name for name, _ in new))
    return Headers((*kept.items, *new.items), stored.secret_names)


def is_about(response: Headers, stored: Headers) -> bool:
    """Whether the 200 to a HEAD is about the stored response (RFC 9111 section 4.3.5).

    If not, the stored response is stale.

    >>> is_about(Headers((('ETag', '"b"'),)), Headers((('ETag', '"a"'),)))
    False
    """
    return all(response.get(name) in {None, stored.get(name)} for name in _AGREEING)
