"""Whether a response is about the version that was expected.  Pure."""

from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.validators import is_strong, parse_etag, parse_http_date
from dlmachine.core.protocol.effects import Expectation


def is_same_copy(expect: Expectation, head: ResponseHead, length: int | None) -> bool:
    """Whether a 200 turns out to be the stored copy, so that its body need not be read.

    A server that ignores conditions still says which version it sends: the same strong
    ETag and length; without ETags the same Last-Modified and length. Where the caller
    compares by size, the length alone decides.
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
    """Whether a 304 names another version than the one that it was asked about.

    RFC 9111 section 4.3.4: then it says nothing of the stored copy. ETags are compared weakly,
    as the condition was (RFC 9110 section 13.1.2); dates count only where there is no ETag. A
    server that was set back to an older version would confirm a newer copy by its date.

    >>> from dlmachine.core.http.headers import Headers
    >>> told = ResponseHead(status=304, headers=Headers((('ETag', 'W/"b"'),)))
    >>> (
    ...     names_other_version(Expectation(etag='"a"'), told),
    ...     names_other_version(Expectation(etag='"b"'), told),
    ... )
    (True, False)
    """
    etag, told = expect.etag, parse_etag(head.headers.get('ETag'))
    if etag is not None:
        return told is not None and told.removeprefix('W/') != etag.removeprefix('W/')
    before = parse_http_date(expect.last_modified)
    now = parse_http_date(head.headers.get('Last-Modified'))
    return before is not None and now is not None and before != now
