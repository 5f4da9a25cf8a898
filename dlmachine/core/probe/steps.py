"""The requests of a probe, one after the other: HEAD, or the first byte where HEAD fails.

Pure. Like the machine of a download, `advance` takes the event of the last effect and returns the
next effect or the result. Redirects, cookies and retries follow the same rules as a download's.
All requests together are repeated at most `retries` times.
"""

from datetime import datetime, timedelta
from typing import Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.cookie_field import receive_cookies, secrets_set_by, with_cookies
from dlmachine.core.access.login import counted, login_of, react
from dlmachine.core.cache.freshness import choose_version
from dlmachine.core.decision.backends import choose_backend
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Address
from dlmachine.core.faults import (
    Fault,
    HttpStatus,
    SecretUnavailable,
    refuse,
)
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.body import NoBody
from dlmachine.core.http.request import HTTP_SCHEMES, Request
from dlmachine.core.http.url import parse_url
from dlmachine.core.probe.result import (
    KnownVersion,
    ProbeResult,
    failed,
    is_empty_file,
    judge,
    known_version,
    may_be_of_head,
)
from dlmachine.core.probe.state import Probe
from dlmachine.core.protocol.effects import Exchange, LogIn, ReadCookies, ReadSecret, Wait
from dlmachine.core.protocol.events import (
    CookiesRead,
    EffectFailed,
    Interrupted,
    LoggedIn,
    Responded,
    SecretRead,
    Waited,
)
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.reading import (
    asks_for_key_password,
    network_with,
    next_to_read,
    tls_with,
)
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.rate_limit import RateLimits
from dlmachine.core.transfer.build_request import build_request, cache_control_of
from dlmachine.core.transfer.read_response import REDIRECTS
from dlmachine.core.transfer.redirect import follow_redirect, hop_of
from dlmachine.core.transfer.retry import Chance, backoff, classify, jitter
from dlmachine.core.transfer.status_fault import proxy_fault, status_fault

ProbeEvent: TypeAlias = (
    Responded | Interrupted | SecretRead | CookiesRead | LoggedIn | Waited | EffectFailed
)

_PERMANENT: Final = frozenset({301, 308})
#: Errors that may be about HEAD only: some servers and signed URLs know only GET.
_OF_HEAD: Final = frozenset({400, 403, 404, 405, 501})


@frozen
class ProbeStep:
    """The next effect and the state after it, or the result."""

    state: Probe
    effect: Exchange | ReadCookies | LogIn | ReadSecret | Wait | None = None
    result: ProbeResult | None = None


def begin_probe(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, known: KnownVersion | None = None
) -> Result[ProbeStep, Fault]:
    """The first request of a probe.

    Without a `known` version, the response is compared with the stored copy, if there is one.

    Faults: `InvalidInput` for a request that may change something on the server, and if `offline`
    is set; `BackendMissing`, `SchemeRefused`.
    """
    if descriptor.method != 'GET' or descriptor.body != NoBody():
        return refuse('method', f'is {descriptor.method}: only a GET can be probed')
    if policy.offline:
        return refuse('offline', 'is set: a probe asks the server', 'Unset it')
    backends = snapshot.backends or ()
    found = [choose_backend(url, descriptor, policy, backends) for url in descriptor.addresses]
    usable = tuple(one for one in found if isinstance(one, Address))
    if not usable:
        return Failure(next(one for one in found if not isinstance(one, Address)))
    state = Probe(
        descriptor=descriptor,
        policy=policy,
        began_at=snapshot.now,
        chance=snapshot.chance,
        addresses=usable,
        known=known or _stored_version(policy, snapshot),
        login=login_of(descriptor.auth, descriptor.home, snapshot.chance),
    )
    return Success(_request_address(state, 0, snapshot.now))


def _stored_version(policy: Policy, snapshot: Snapshot) -> KnownVersion:
    entries = () if snapshot.cache is None else snapshot.cache.entries
    file = None if snapshot.file is None else snapshot.file.entry
    copies, now = entries if file is None else (file,), snapshot.now
    entry = choose_version(copies, policy.at(now), now=now)
    record = None if entry is None else entry.record
    return KnownVersion() if record is None else known_version(record)


def advance_probe(step: ProbeStep, event: ProbeEvent) -> ProbeStep:
    """The step that follows when the effect of the last one ended with this event."""
    state, effect = step.state, step.effect
    match event:
        case Responded() if isinstance(effect, Exchange):
            return _on_response(state, effect.request, event)
        case Interrupted(fault=fault, at=at):
            is_of_head = state.method == 'HEAD' and may_be_of_head(fault)
            return _request_byte(state, at) if is_of_head else _on_fault(state, fault, at)
        case EffectFailed(fault=fault):
            return _fail(state, fault)
        case LoggedIn(at=at, kept=kept):
            cookies = state.cookies.renewed(kept)
            return _request(replace(state, cookies=cookies, has_logged_in=True), at)
        case CookiesRead(at=at, own=own, kept=kept):
            url = parse_url(state.descriptor.url).unwrap()
            cookies = kept.with_own(own, url)
            return _request(replace(state, cookies=cookies, cookies_at=at), at)
        case SecretRead():
            return _on_secret(state, event)
        case _:
            return _request(state, event.at)


def _request_address(state: Probe, position: int, at: datetime) -> ProbeStep:
    scheme = state.addresses[position].url.partition(':')[0]
    method = 'HEAD' if scheme in HTTP_SCHEMES else 'GET'
    return _request(replace(state, position=position, method=method), at)


def _request_byte(state: Probe, at: datetime) -> ProbeStep:
    return _request(replace(state, method='GET'), at)


def _request(state: Probe, at: datetime) -> ProbeStep:
    state = replace(state, redirects=(), is_permanent=True, moved_to=None)
    reading = next_to_read(state.descriptor, state.policy, state, at)
    if reading is not None:
        return ProbeStep(state=state, effect=reading)
    address = state.addresses[state.position]
    agent, cache_control = state.policy.user_agent, cache_control_of(state.policy)
    built = build_request(state.descriptor, address.url, agent, cache_control)
    if not is_successful(built):
        return _fail(state, built.failure())
    request = replace(built.unwrap(), method=state.method)
    if state.descriptor.key_password is not None and request.tls.has_client:
        request = replace(request, tls=tls_with(state.descriptor, state))
    if state.method == 'GET':
        request = request.with_header('Range', 'bytes=0-0')
    return _send(state, with_cookies(request, state.cookies, at))


def _on_secret(state: Probe, event: SecretRead) -> ProbeStep:
    login, value, at = state.login, event.value, event.at
    if login is None or not login.needs_secret:
        if asks_for_key_password(state.descriptor, state):
            return _request(replace(state, key_password=value), at)
        return _request(replace(state, proxy_password=value), at)
    if state.refusal is not None and value == login.refused:
        return ProbeStep(state=state, result=state.refusal)
    known = login.with_secret(value)
    if isinstance(known, SecretUnavailable):
        return _fail(state, known)
    return _request(replace(state, login=known), at)


def _send(state: Probe, request: Request) -> ProbeStep:
    policy = state.policy
    if state.login is not None:
        request = state.login.sign(request)
        state = replace(state, login=counted(state.login))
    effect = Exchange(
        request=request,
        backend=state.addresses[state.position].backend,
        expect=Expectation(is_probe=True),
        connect_timeout=policy.connect_timeout,
        stall_timeout=policy.stall_timeout,
        timeout=policy.timeout,
        http2=policy.http2,
        jar=state.descriptor.cookies.jar,
        network=network_with(policy, state.proxy_password),
        rate_limits=RateLimits(max_per_host=policy.max_per_host, rate=policy.rate),
    )
    redirects = (*state.redirects, hop_of(request))
    return ProbeStep(state=replace(state, redirects=redirects), effect=effect)


def _on_response(state: Probe, request: Request, event: Responded) -> ProbeStep:
    head, at = event.head, event.at
    if event.added:
        request = replace(request, hidden=(*request.hidden, *event.added))
    if 'Set-Cookie' in head.headers:
        secrets = secrets_set_by(head, request.secret_names)
        state = replace(state, cookies=receive_cookies(state.cookies, request, head, at))
        request = replace(request, hidden=(*request.hidden, *secrets))
    if head.status in REDIRECTS:
        return _on_redirect(state, request, event)
    if (200 <= head.status < 300 and head.status != 202) or is_empty_file(head):
        result = judge(state.shown_url, request, head, state.moved_to, state.known)
        return ProbeStep(state=state, result=_with_earlier(state, result))
    if state.method == 'HEAD' and head.status in _OF_HEAD:
        return _request_byte(state, at)
    refused = proxy_fault(request, event)
    fault = refused or status_fault(request, head, event.error_text, at, event.proxy)
    login = None if state.login is None else react(state.login, request, head)
    if login is None:
        return _on_fault(state, fault, at, request)
    if login.needs_secret:
        refusal = state.earlier or failed(state.shown_url, request.shown_url, fault)
        return _request(replace(state, login=login, refusal=refusal), at)
    return _send(replace(state, login=login, redirects=state.redirects[:-1]), request)


def _on_redirect(state: Probe, request: Request, event: Responded) -> ProbeStep:
    most = state.policy.max_redirects
    moved = follow_redirect(request, event.head, state.redirects, most, state.cookies, event.at)
    if not is_successful(moved):
        return _on_fault(state, moved.failure(), event.at, request)
    following = moved.unwrap()
    is_permanent = state.is_permanent and event.head.status in _PERMANENT
    moved_to = following.shown_url if is_permanent else state.moved_to
    return _send(replace(state, is_permanent=is_permanent, moved_to=moved_to), following)


def _on_fault(
    state: Probe, fault: Fault, at: datetime, request: Request | None = None
) -> ProbeStep:
    chance = classify(fault, 'GET', state.policy)
    final_url = '' if request is None else request.shown_url
    if chance is Chance.AGAIN and state.round < state.policy.retries:
        wait = _wait(state, fault)
        limit = state.policy.timeout
        if limit is None or at + wait - state.began_at < limit:
            effect = Wait(duration=wait, reason='before the next probe')
            return ProbeStep(state=replace(state, round=state.round + 1), effect=effect)
    result = state.earlier or failed(state.shown_url, final_url, fault)
    if chance is Chance.NONE or state.position + 1 == len(state.addresses):
        return ProbeStep(state=state, result=result)
    return _request_address(replace(state, earlier=result), state.position + 1, at)


def _wait(state: Probe, fault: Fault) -> timedelta:
    number = state.round + 1
    wait = backoff(state.policy, number, jitter(state.chance, number))
    asked = fault.retry_after if isinstance(fault, HttpStatus) else None
    return wait if asked is None else max(wait, asked)


def _fail(state: Probe, fault: Fault) -> ProbeStep:
    return ProbeStep(state=state, result=failed(state.shown_url, '', fault))


def _with_earlier(state: Probe, result: ProbeResult) -> ProbeResult:
    if state.earlier is None:
        return result
    return replace(
        result, reason=f'{result.reason}; but {state.earlier.url}: {state.earlier.reason}'
    )
