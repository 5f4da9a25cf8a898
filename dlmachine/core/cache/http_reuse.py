"""Stored copies by the rules of HTTP: which of them answer a request, and how fresh they are.

Pure. The rules are in `core.caching`; this module applies them to records. A copy whose response is
not on record, as one of another program, may be used, but only after the server confirmed it.
"""

from datetime import datetime
from functools import lru_cache

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.caching.directives import NO_DIRECTIVES, Directives, directives_of
from dlmachine.core.caching.freshness import MAX_SKEW, Assessment, assess_received, limited
from dlmachine.core.caching.preconditions import has_conditions, is_not_modified
from dlmachine.core.caching.reuse import Reuse, ReuseDecision, is_usable_on_error, judge
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.caching.storing import why_not_stored
from dlmachine.core.caching.variants import is_selected, selecting_fields
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import DEFAULT_FIELDS
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


def request_fields(descriptor: Descriptor, policy: Policy) -> Headers:
    """The fields of the request, as records have them: with the defaults, secrets masked.

    >>> sent = request_fields(Descriptor(url='http://h/'), Policy(user_agent='me/1'))
    >>> sent.get('Accept-Encoding'), sent.get('User-Agent')
    ('identity', 'me/1')
    """
    if not descriptor.headers.items:
        return _default_fields(policy.user_agent)
    agent = ('User-Agent', policy.user_agent)
    sent = descriptor.headers.with_defaults(*DEFAULT_FIELDS, agent)
    return Headers(descriptor.redactor.fields(sent.items))


@lru_cache(maxsize=8)
def _default_fields(user_agent: str) -> Headers:
    return Headers((*DEFAULT_FIELDS, ('User-Agent', user_agent)))


def stored_response(entry: CacheEntry) -> StoredResponse:
    """The response that a copy was made from, with the fields that confirmed it last."""
    record = entry.record
    if record is None:
        return StoredResponse(requested_at=entry.stored_at, received_at=entry.stored_at)
    return _response_of(record).response


@frozen
class _Reading:
    """What was read from a record; `begun` is how fresh the response was when it came.

    `said` are the directives of the response, `is_stored` says whether it may be stored for other
    requests, `varies` whether it has a Vary.
    """

    response: StoredResponse
    said: Directives
    is_stored: bool
    varies: bool
    begun: Assessment


# Cached, because a record is that of each use of its copy.
@lru_cache(maxsize=1_024)
def _response_of(record: DownloadRecord) -> _Reading:
    headers = Headers(record.response_headers)
    received_at, requested_at = record.finished_at, record.started_at
    if record.validated_at is not None and record.requested_at is not None:
        received_at, requested_at = record.validated_at, record.requested_at
    sent = Headers(record.request_headers)
    stored = StoredResponse(
        status=record.http_code,
        headers=headers,
        requested_at=requested_at,
        received_at=received_at,
        selecting=selecting_fields(sent, headers),
        is_invalid=record.invalidated_at is not None,
    )
    begun = assess_received(stored)
    return _Reading(
        response=stored,
        said=directives_of(headers),
        is_stored=not record.is_single_use
        and why_not_stored(record.method, sent, stored.status, headers) is None,
        varies=headers.get('Vary') is not None,
        begun=begun if record.moved_until is None else limited(begun, record.moved_until),
    )


def reusable_copies(
    copies: tuple[CacheEntry, ...], descriptor: Descriptor, policy: Policy, now: datetime
) -> tuple[CacheEntry, ...]:
    """The copies that may answer a request: those that may be stored, and of the right variant.

    RFC 9111 sections 3 and 4.1. Only GET is answered from the cache; a HEAD may be about a copy.
    Once a response was received that must not be stored, an older one of the same variant is not
    used again. A response that came later than `now`, before the clock was set back, counts as
    older than all others.
    """
    if descriptor.method not in {'GET', 'HEAD'}:
        return ()
    asked = request_fields(descriptor, policy)
    # Which cookies are sent is not known before the request.
    has_cookies = descriptor.cookies.is_used
    others = [
        entry
        for entry in copies
        if not _may_answer(entry, asked) or (has_cookies and _depends_on_cookies(entry))
    ]
    if not others:
        return copies
    times = [_received(entry, now) for entry in others if _is_replaced(entry, asked)]
    since, left_out = max(times, default=None), set(map(id, others))
    return tuple(
        [
            entry
            for entry in copies
            if id(entry) not in left_out and (since is None or _received(entry, now) > since)
        ]
    )


def _received(entry: CacheEntry, now: datetime) -> tuple[bool, datetime]:
    at = stored_response(entry).received_at
    return (at - now).total_seconds() <= MAX_SKEW, at


def _may_answer(entry: CacheEntry, asked: Headers) -> bool:
    record = entry.record
    if record is None or not record.http_code:
        return True
    read = _response_of(record)
    return read.is_stored and (not read.varies or is_selected(read.response, asked))


def _depends_on_cookies(entry: CacheEntry) -> bool:
    return 'cookie' in dict(stored_response(entry).selecting)


def of_variant(
    copies: tuple[CacheEntry, ...], descriptor: Descriptor, policy: Policy
) -> tuple[CacheEntry, ...]:
    """The copies that a new response to this request replaces (RFC 9111 section 4.1).

    Those of other variants are not among them; without a key for variants, all are.
    """
    if not descriptor.key_by_vary:
        return copies
    asked = request_fields(descriptor, policy)
    return tuple([entry for entry in copies if _is_replaced(entry, asked)])


def _is_replaced(entry: CacheEntry, asked: Headers) -> bool:
    stored = stored_response(entry)
    return stored.selecting == selecting_fields(asked, stored.headers)


def judge_copy(entry: CacheEntry, descriptor: Descriptor, now: datetime) -> ReuseDecision:
    """Whether a copy that may answer a request is used for it as it is (RFC 9111 section 4).

    A copy that came through redirects is used only while each of them is fresh. If that is not on
    record, or the request limits the age, the copy is revalidated.
    """
    record, headers = entry.record, descriptor.headers
    asked = directives_of(headers) if headers.items else NO_DIRECTIVES
    if record is None:
        unknown = assess_received(stored_response(entry)).at(now)
        return judge(unknown, asked, NO_DIRECTIVES, is_invalid=False)
    read = _response_of(record)
    found = judge(read.begun.at(now), asked, read.said, is_invalid=read.response.is_invalid)
    if len(record.urls) < 2 or found.reuse is Reuse.REVALIDATE:
        return found
    is_known = record.moved_until is not None and found.reuse is Reuse.FRESH
    if is_known and asked.max_age is None:
        return found
    why = f'it came through a redirect; {found.why}'
    return replace(found, reuse=Reuse.REVALIDATE, why=why)


def is_unchanged(entry: CacheEntry, descriptor: Descriptor) -> bool:
    """Whether a copy answers the caller's own condition with 304 (RFC 9111 section 4.3.2)."""
    return has_conditions(descriptor.headers) and is_not_modified(
        descriptor.headers, stored_response(entry)
    )


def is_last_resort(
    entry: CacheEntry, descriptor: Descriptor, policy: Policy, now: datetime, *, is_wanted: bool
) -> bool:
    """Whether a copy is used because the server cannot be asked (RFC 9111 section 4.2.4)."""
    asked = request_fields(descriptor, policy)
    return is_usable_on_error(stored_response(entry), asked, now, is_wanted=is_wanted)


def assess_record(record: DownloadRecord, now: datetime) -> Assessment:
    """How fresh a stored copy is by the rules of HTTP (RFC 9111 section 4.2)."""
    return _response_of(record).begun.at(now)
