"""Decide from the head of a response what to do with its body.

Pure. A backend calls `decide_body` before it reads a body, and passes the decision on in its event,
so that backends make no decisions. RFC 9110 sections 14 (ranges) and 15 (status codes), RFC 9112
section 6 (length).
"""

import re
from typing import Final

from dlmachine.core.faults import AnswerUnusable, BodyTooLarge
from dlmachine.core.frozen import replace
from dlmachine.core.http.content_codings import (
    can_undo,
    describes_file,
    read_codings,
    show_codings,
)
from dlmachine.core.http.filename import name_content
from dlmachine.core.http.framing import content_length
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.validators import is_same_version, validator_of
from dlmachine.core.integrity.digest_fields import served_digest
from dlmachine.core.integrity.file_signature import is_gzip_name
from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.protocol.body_decision import (
    BodyDecision,
    RejectResponse,
    SkipBody,
    SkipReason,
    StoreBody,
)
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.regex import regex
from dlmachine.core.spec.local_path import path_in
from dlmachine.core.transfer.file_name import name_file
from dlmachine.core.transfer.same_version import is_same_copy, names_other_version

_CONTENT_RANGE: Final = regex(r'bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)', re.IGNORECASE)


def decide_body(exchange: Exchange, head: ResponseHead) -> BodyDecision:
    """Decide whether to store or skip the body of a response, or to reject the response.

    >>> from datetime import timedelta
    >>> from dlmachine.core.http.request import Request
    >>> second = timedelta(seconds=1)
    >>> asked = Exchange(
    ...     request=Request(method='GET', url='http://h/'),
    ...     backend='requests',
    ...     connect_timeout=second,
    ...     stall_timeout=second,
    ... )
    >>> decide_body(asked, ResponseHead(status=404))
    SkipBody(why=<SkipReason.ERROR: 'an error'>)
    """
    status = head.status
    if exchange.expect.is_probe and 200 <= status < 300:
        return SkipBody(SkipReason.PROBE)
    if exchange.request.method == 'HEAD' and 200 <= status < 300:
        return SkipBody(SkipReason.NO_CONTENT)
    if status == 206:
        is_callers = exchange.expect.is_callers and 'Range' in exchange.request.headers
        return _take_range(exchange, head) if is_callers else _decide_partial(exchange, head)
    if status == 202:
        return SkipBody(SkipReason.ERROR)  # RFC 9110 section 15.3.3: accepted, but not ready.
    if 200 <= status < 300:
        return _decide_whole(exchange, head)
    if status == 304:
        return _decide_unmodified(exchange, head)
    if status in REDIRECTS:
        return SkipBody(SkipReason.REDIRECT)
    if 300 <= status < 600:
        return SkipBody(SkipReason.ERROR)
    return _unusable(exchange, f'answered with the unknown status {status}')


#: Statuses of redirects (RFC 9110 section 15.4).
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def _decide_unmodified(exchange: Exchange, head: ResponseHead) -> BodyDecision:
    if exchange.expect.is_callers:
        return SkipBody(SkipReason.NO_CONTENT)
    if not exchange.expect.is_conditional:
        return _unusable(exchange, 'answered 304, although no condition was sent')
    if not is_same_source(exchange):
        return _unusable(exchange, 'answered 304 from another source than the stored copy')
    if names_other_version(exchange.expect, head):
        return _unusable(exchange, 'answered 304 for another version than the one requested')
    return SkipBody(SkipReason.NOT_MODIFIED)


def _decide_whole(exchange: Exchange, head: ResponseHead) -> BodyDecision:
    expect, length = exchange.expect, content_length(head)
    if expect.is_segment:
        return _unusable(exchange, f'answered {head.status}, although a range was requested')
    if head.status == 204 and expect.offset:
        return _unusable(
            exchange, 'answered 204 (no content) to a request for the rest of the file'
        )
    if head.headers.get('Transfer-Encoding'):
        length = None  # RFC 9112 section 6.3: it outranks Content-Length.
    decoder, problem = _find_decoder(expect, head)
    if problem is not None:
        return _unusable(exchange, problem)
    if is_same_source(exchange) and is_same_copy(expect, head, None if decoder else length):
        return SkipBody(SkipReason.SAME_COPY)
    if expect.max_bytes is not None and length is not None and length > expect.max_bytes:
        return _too_large(exchange, length)
    # Offsets in a decoded part are not those of the coded bytes on the server.
    validator = None if decoder else _validator(exchange, head)
    taking = StoreBody(
        wire_bytes=length,
        limit_bytes=expect.max_bytes,
        decoder=decoder,
        validator=validator,
        representation=Representation(
            size_bytes=None if decoder else length, source=source_digest(exchange.request.url)
        ),
    )
    return _examined(exchange, head, taking)


def _take_range(exchange: Exchange, head: ResponseHead) -> BodyDecision:
    # The caller asked for it, and gets it as it is.
    limit, length = exchange.expect.max_bytes, content_length(head)
    if limit is not None and length is not None and length > limit:
        return _too_large(exchange, length)
    return StoreBody(wire_bytes=length, limit_bytes=limit)


def _decide_partial(exchange: Exchange, head: ResponseHead) -> BodyDecision:
    expect = exchange.expect
    if not expect.offset and expect.last is None:
        return _unusable(exchange, 'answered with a part (206) to a request for the complete file')
    found = _CONTENT_RANGE.fullmatch((head.headers.get('Content-Range') or '').strip(' \t'))
    if found is None or _find_decoder(expect, head) != (None, None):
        return _unusable(
            exchange, 'answered with a part (206) whose position in the file is unknown'
        )
    first, last, whole = int(found[1]), int(found[2]), found[3]
    size = None if whole == '*' else int(whole)
    if not _is_requested_range(expect, first, last, size):
        requested = f'{expect.offset}-{"" if expect.last is None else expect.last}'
        problem = f'answered with bytes {found[0][6:]}, although {requested} was requested'
        return _unusable(exchange, problem)
    if content_length(head) not in {None, last - first + 1}:
        return _unusable(
            exchange, 'answered with Content-Length and Content-Range that contradict each other'
        )
    is_first = expect.last is not None and expect.validator is None
    if not is_first and not is_same_version(expect.validator, head):
        return _unusable(exchange, 'answered with a part (206) of another version')
    whole = last + 1 if size is None else size
    source = source_digest(exchange.request.url)
    if expect.representation.source not in {'', source} or expect.representation.size_bytes not in {
        None,
        whole,
    }:
        return _unusable(exchange, 'answered with a part (206) of another file or size')
    if expect.max_bytes is not None and whole > expect.max_bytes:
        return _too_large(exchange, whole)
    taking = StoreBody(
        offset=first,
        wire_bytes=last - first + 1,
        limit_bytes=expect.max_bytes,
        validator=_validator(exchange, head) if is_first else expect.validator,
        representation=replace(expect.representation, size_bytes=whole, source=source),
    )
    if expect.last is not None and last - first + 1 < whole:
        if taking.validator is None:
            return _unusable(exchange, 'answered with a part (206) without a strong validator')
        taking = replace(taking, whole_bytes=whole, held=expect.held)
    return _examined(exchange, head, taking)


def _is_requested_range(expect: Expectation, first: int, last: int, size: int | None) -> bool:
    if first != expect.offset or last < first:
        return False
    if expect.last is None:
        return size in {None, last + 1}
    # In a segmented download, the size of the file must be known and stay the same.
    if size is None or expect.whole_bytes not in {None, size}:
        return False
    return last == min(expect.last, size - 1)


def _examined(exchange: Exchange, head: ResponseHead, taking: StoreBody) -> StoreBody:
    # If a digest is expected, it also verifies the gzip stream.
    expect, representation = exchange.expect, taking.representation
    promise = served_digest(head, is_part=head.status == 206, is_decoded=taking.decoder is not None)
    if promise is not None and representation.promised is None:
        representation = replace(representation, promised=promise)
    promises = tuple([one for one in (representation.promised, promise) if one is not None])
    wanted = (*exchange.algorithms, *[algorithm for _, algorithm, _ in promises])
    checks_gzip = expect.checks_content and not wanted
    return replace(
        taking,
        url_digest=expect.url_digest,
        representation=representation,
        promises=tuple(dict.fromkeys(promises)),
        algorithms=tuple(dict.fromkeys([name for name in wanted if name != 'sha256'])),
        checks_gzip=checks_gzip
        and (
            is_gzip_name(expect.requested_name)
            or is_gzip_name(name_content(head.headers, exchange.request.url))
        ),
        new_path=_new_path(exchange, head) if expect.new_in else '',
    )


def _new_path(exchange: Exchange, head: ResponseHead) -> str:
    name = name_file(head.headers, exchange.expect.named_by, exchange.request.redactor)
    return path_in(exchange.expect.new_in, name)


def is_same_source(exchange: Exchange) -> bool:
    """Whether the request goes to the source of the stored copy, if that is known."""
    source = exchange.expect.cached_source
    return not source or source == source_digest(exchange.request.shown_url)


def _validator(exchange: Exchange, head: ResponseHead) -> str | None:
    # The validator is written to the part's note, so one that contains a secret is not used.
    if exchange.request.method != 'GET' or exchange.expect.is_callers:
        return None  # RFC 9110 section 14.2: only GET has ranges.
    found = validator_of(head)
    is_clean = found is None or exchange.request.redactor.text(found) == found
    return found if is_clean else None


def _find_decoder(expect: Expectation, head: ResponseHead) -> tuple[str | None, str | None]:
    """The coding to decode, or the problem with the codings; both None: keep the bytes."""
    codings = read_codings(head.headers)
    if not codings:
        return None, None
    if any(describes_file(codings, one) for one in (expect.name, expect.requested_name)):
        return None, None
    if can_undo(codings):
        return codings[0], None
    if expect.keeps_codings:
        return None, None
    problem = (
        f'sent the content coding {show_codings(codings)!r}, which was not requested '
        'and cannot be decoded; check_content=False stores the coded bytes'
    )
    return None, problem


def _unusable(exchange: Exchange, problem: str) -> RejectResponse:
    request = exchange.request
    scrubbed = request.redactor.text(f'the server {problem}')
    return RejectResponse(AnswerUnusable(url=request.shown_url, problem=scrubbed))


def _too_large(exchange: Exchange, size: int) -> RejectResponse:
    limit = exchange.expect.max_bytes or 0
    url = exchange.request.shown_url
    return RejectResponse(BodyTooLarge(url=url, limit_bytes=limit, size_bytes=size))
