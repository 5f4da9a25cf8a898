"""Build the next exchange: its request, conditions, range and limits.  Pure."""

from datetime import datetime

from dlmachine.core.access.auth import Scheme
from dlmachine.core.access.cookie_field import with_cookies
from dlmachine.core.access.login import counted
from dlmachine.core.cache.freshness import Condition, build_condition
from dlmachine.core.caching.preconditions import has_conditions
from dlmachine.core.decision.existing import replaces
from dlmachine.core.decision.verdict import Verdict
from dlmachine.core.frozen import replace
from dlmachine.core.http.body import NoBody
from dlmachine.core.http.filename import name_in_url
from dlmachine.core.http.request import HTTP_SCHEMES, Request
from dlmachine.core.http.url import is_store, scheme_of
from dlmachine.core.integrity.representation import source_digest
from dlmachine.core.protocol.attempts import NOTHING, Attempts, Partial
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.reading import network_with
from dlmachine.core.protocol.states import Exchanging, Step
from dlmachine.core.spec.destination import InFolder, InMemory
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.rate_limit import MinSpeed, RateLimits
from dlmachine.core.spec.reuse import CheckMethod, Freshness
from dlmachine.core.transfer.file_name import naming_url
from dlmachine.core.transfer.provenance import is_source
from dlmachine.core.transfer.redirect import hop_of
from dlmachine.core.transfer.retry import may_be_repeated
from dlmachine.core.transfer.segment_plan import first_span


def ask(job: Job, attempts: Attempts, request: Request, at: datetime) -> Step:
    """The step that requests the current URL, before any redirect."""
    condition, last = _condition(job, attempts), _last_byte(job, attempts)
    part = NOTHING if attempts.is_unranged else attempts.part
    request = _with_conditions(request, part, condition, last)
    request = _signed(with_cookies(request, attempts.cookies, at), attempts)
    policy, address, new_in = job.policy, attempts.address(job.decision), _new_in(job)
    slowest = policy.speed_limit
    exchange = Exchange(
        request=request,
        backend=address.backend,
        expect=Expectation(
            offset=part.front_bytes,
            validator=part.validator,
            is_conditional=bool(condition.headers),
            etag=condition.etag,
            last_modified=condition.last_modified,
            size_bytes=condition.size_bytes,
            name=name_in_url(request.shown_url),
            requested_name=name_in_url(job.descriptor.redactor.url(address.url)),
            url_digest=address.digest,
            representation=part.representation,
            cached_source=_cached_source(job) if condition.etag or condition.last_modified else '',
            max_bytes=policy.max_bytes,
            checks_content=policy.check_content,
            keeps_codings=not policy.check_content,
            last=last,
            held=() if last is None else part.held,
            whole_bytes=None if last is None else part.whole_bytes,
            new_in=new_in,
            named_by=job.descriptor.redactor.url(naming_url(job.descriptor)) if new_in else '',
            is_callers=has_conditions(job.descriptor.headers),
        ),
        algorithms=_algorithms(job, attempts),
        connect_timeout=policy.connect_timeout,
        stall_timeout=policy.stall_timeout,
        timeout=policy.timeout,
        http2=policy.http2,
        jar=job.descriptor.cookies.jar,
        network=network_with(policy, attempts.proxy_password),
        rate_limits=RateLimits(
            max_per_host=_max_per_host(policy),
            rate=policy.rate,
            bytes_per_second=policy.limit_rate,
        ),
        min_speed=None if slowest is None else MinSpeed(slowest, policy.speed_time),
    )
    return _send(job, attempts, exchange)


def follow(state: Exchanging, request: Request) -> Step:
    """The step that sends the request after a redirect; nothing else of the exchange changes."""
    request = _signed(request, state.attempts)
    expect = replace(state.exchange.expect, name=name_in_url(request.shown_url))
    exchange = replace(state.exchange, request=request, expect=expect)
    return _send(state.job, state.attempts, exchange)


def _send(job: Job, attempts: Attempts, exchange: Exchange) -> Step:
    redirects = (*attempts.redirects, hop_of(exchange.request))
    moved = replace(attempts, redirects=redirects, tries=attempts.tries + 1)
    if moved.login is not None and exchange.request.is_signed:
        moved = replace(moved, login=counted(moved.login))
    return Step(state=Exchanging(job=job, attempts=moved, exchange=exchange), effect=exchange)


def _signed(request: Request, attempts: Attempts) -> Request:
    return request if attempts.login is None else attempts.login.sign(request)


def _algorithms(job: Job, attempts: Attempts) -> tuple[str, ...]:
    # The digest that the first response promised is verified in the complete file.
    checksum, promised = job.policy.checksum, attempts.part.representation.promised
    ours = () if checksum is None else (checksum.algorithm,)
    theirs = () if promised is None or promised[1] in ours else (promised[1],)
    return (*ours, *theirs)


def _new_in(job: Job) -> str:
    # The response names the file: only then is it known whether the name is taken.
    destination = job.decision.destination
    if not isinstance(destination, InFolder) or replaces(job.policy, ''):
        return ''
    return destination.folder


def _cached_source(job: Job) -> str:
    record = None if job.decision.entry is None else job.decision.entry.record
    return '' if record is None or not record.urls else source_digest(record.urls[-1])


def _max_per_host(policy: Policy) -> int | None:
    # The limit is raised to an explicit number of segments.
    most = policy.max_per_host
    return None if most is None else max(most, policy.segments)


def _with_conditions(
    request: Request, part: Partial, condition: Condition, last: int | None
) -> Request:
    headers = request.headers
    for name, value in condition.headers:
        headers = headers.with_field(name, value)
    has_part = part.front_bytes and part.validator is not None
    if has_part or last is not None:
        # RFC 9110 section 14.2: the rest, or the first range of several.
        value = f'bytes={part.front_bytes}-{"" if last is None else last}'
        headers = headers.with_field('Range', value)
    if has_part and part.validator is not None:
        # Section 13.1.5: the server sends the complete file if it has changed.
        headers = headers.with_field('If-Range', part.validator)
    return request if headers is request.headers else replace(request, headers=headers)


def may_split(job: Job, position: int) -> bool:
    """Whether the file may be requested from a URL in segments.

    Only by GET over HTTP or from a store, uncoded and to disk; a revalidation is not segmented.
    """
    descriptor, decision = job.descriptor, job.decision
    if job.policy.segments == 1 or decision.verdict is Verdict.REVALIDATE:
        return False
    if (
        descriptor.method != 'GET'
        or descriptor.body != NoBody()
        or has_conditions(descriptor.headers)
    ):
        return False
    if descriptor.auth.scheme is Scheme.DIGEST:
        return False  # Each request has credentials of its own.
    if isinstance(decision.destination, InMemory):
        return False
    coding = descriptor.headers.get('Accept-Encoding') or 'identity'
    url = decision.addresses[position].url
    return coding.strip().lower() == 'identity' and (
        scheme_of(url) in HTTP_SCHEMES or is_store(url)
    )


def _last_byte(job: Job, attempts: Attempts) -> int | None:
    is_single = attempts.is_unranged or attempts.position in attempts.unsegmented
    if is_single or not may_split(job, attempts.position):
        return None
    return first_span(attempts.part.front_bytes, attempts.part.held)[1]


def _condition(job: Job, attempts: Attempts) -> Condition:
    decision = job.decision
    # If there is a part of another version, the range request also revalidates the copy.
    is_wanted = decision.verdict is Verdict.REVALIDATE and not attempts.part.front_bytes
    if not is_wanted or attempts.is_unconditional or decision.entry is None:
        return Condition()
    record, method = decision.entry.record, job.policy.check_method
    is_http = job.policy.freshness is Freshness.HTTP
    if is_http and method is CheckMethod.SIZE:
        method = CheckMethod.AUTO  # Only a validator confirms (RFC 9111 section 4.3.4).
    if record is None or method is CheckMethod.SIZE:
        return build_condition(decision.entry, method)
    # A validator is valid only at its source; elsewhere the complete files are compared.
    url = attempts.address(decision).url
    is_ours = is_source(record, job.descriptor, url)
    if not may_be_repeated(job.descriptor.method, job.policy):
        # If another source confirmed the copy, the request could not be repeated without the
        # condition.
        requested = source_digest(job.descriptor.redactor.url(url))
        is_ours = is_ours and _cached_source(job) in {'', requested}
    found = build_condition(decision.entry, method) if is_ours else Condition()
    # A 200 is a new response, unless its strong ETag says that the bytes are the same.
    return replace(found, size_bytes=None) if is_http and found.etag is None else found
