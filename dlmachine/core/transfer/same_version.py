"""Whether a response is about the version that was expected.  Pure."""

from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.validators import is_strong, parse_etag, parse_http_date
from dlmachine.core.protocol.expectation import Expectation


def is_same_copy(expect: Expectation, head: ResponseHead, length: int | None) -> bool:
    """Whether a 200 is of the same version as the stored copy, so that its body is not needed.

    A server that ignores conditions still identifies the version: by an equal strong ETag and
    length, or without ETags by an equal Last-Modified and length. If the policy compares by size,
    the length alone decides.
    """
    if expect.size_bytes is None or length != expect.size_bytes:
        return False
    etag = parse_etag(head.headers.get('ETag'))
    if expect.etag is not None:
        return is_strong(etag) and etag == expect.etag
    if expect.last_modified is not None:
        return etag is None and head.headers.get('Last-Modified') == expect.last_modified
    return True


def names_other_version(expect: Expectation, head: ResponseHead) -> bool:
    """Whether a 304 is for another version than the one in the request's condition.

    Such a 304 does not confirm the stored copy (RFC 9111 section 4.3.4). ETags are compared
    weakly, as the server compares them (RFC 9110 section 13.1.2). Dates count only without ETags:
    a server that was reset to an older version would confirm a newer copy by its date.

    >>> from dlmachine.core.http.headers import Headers
    >>> head = ResponseHead(status=304, headers=Headers((('ETag', 'W/"b"'),)))
    >>> (
    ...     names_other_version(Expectation(etag='"a"'), head),
    ...     names_other_version(Expectation(etag='"b"'), head),
    ... )
    (True, False)
    """
    etag, told = expect.etag, parse_etag(head.headers.get('ETag'))
    if etag is not None:
        return told is not None and told.removeprefix('W/') != etag.removeprefix('W/')
    before = parse_http_date(expect.last_modified)
    now = parse_http_date(head.headers.get('Last-Modified'))
    return before is not None and now is not None and before != now
