"""Validators: header fields that identify one version of a representation.

Pure. RFC 9110 section 8.8 (ETag, Last-Modified), section 13 (conditions).
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from dlmachine.core.http.response import ResponseHead
from dlmachine.core.regex import regex

_STRONG: Final = regex(r'"[\x21\x23-\x7e\x80-\xff]*"')
#: Dates have no control characters; Python's parser would ignore the text after one.
_DATE: Final = regex(r'[ -~]{1,64}')
_ANY: Final = regex(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')

#: RFC 9110 section 8.8.2.2: a Last-Modified this much older than Date is strong.
_STRONG_AGE: Final = timedelta(seconds=60)


def parse_http_date(text: str | None) -> datetime | None:
    r"""Parse an HTTP date (RFC 9110 section 5.6.7); None if the text is not one.

    >>> parse_http_date('Sun, 06 Nov 1994 08:49:37 GMT').isoformat()
    '1994-11-06T08:49:37+00:00'
    >>> parse_http_date('Sun, 06 Nov 1994 08:49:37 GMT\r\nInjected: 1')
    """
    from email.utils import parsedate_to_datetime

    # The text may be sent in a request, so it must be a legal field value.
    if not text or not _DATE.fullmatch(text):
        return None
    try:
        instant = parsedate_to_datetime(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def parse_etag(text: str | None) -> str | None:
    """The entity tag in a text, unchanged; None if the text is not an entity tag."""
    stripped = (text or '').strip(' \t')
    return stripped if _ANY.fullmatch(stripped) else None


def is_strong(etag: str | None) -> bool:
    """Whether equal tags mean equal bytes (RFC 9110 section 8.8.1)."""
    return etag is not None and _STRONG.fullmatch(etag) is not None


def parse_validator(text: str | None) -> str | None:
    r"""A strong validator for a request; None if the text is not one.

    A validator from a note or a registry is untrusted, because others can write there.

    >>> parse_validator('"a"'), parse_validator('Sun, 06 Nov 1994 08:49:37 GMT\r\nEvil: 1')
    ('"a"', None)
    """
    return text if is_strong(text) or parse_http_date(text) is not None else None


def validator_of(head: ResponseHead) -> str | None:
    """The strong validator of a response, as sent in If-Range (RFC 9110 section 13.1.5).

    >>> from dlmachine.core.http.headers import Headers
    >>> validator_of(ResponseHead(status=200, headers=Headers((('ETag', '"a"'),))))
    '"a"'
    """
    etag = parse_etag(head.headers.get('ETag'))
    if etag is not None:
        return etag if is_strong(etag) else None
    modified_text = head.headers.get('Last-Modified')
    modified = parse_http_date(modified_text)
    date = parse_http_date(head.headers.get('Date'))
    if modified is None or date is None or date - modified < _STRONG_AGE:
        return None
    return modified_text


def is_same_version(validator: str | None, head: ResponseHead) -> bool:
    """Whether a 206 is of the version with this strong validator.

    RFC 9110 section 15.3.7: a 206 has the ETag that a 200 would have, but may lack Last-Modified.
    """
    if is_strong(validator):
        return parse_etag(head.headers.get('ETag')) == validator
    return head.headers.get('Last-Modified') in {None, validator}
