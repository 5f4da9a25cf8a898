"""What the requests of a probe contain, and when."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.access.cookies import NO_COOKIES, Cookie, CookieStore
from dlmachine.core.access.login_recipe import Login
from dlmachine.core.faults import Cancelled, ConnectionFailed, HttpStatus, RedirectRefused, TimedOut
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.network.network import Network
from dlmachine.core.probe.result import ProbeResult, ProbeStatus
from dlmachine.core.probe.steps import ProbeStep, advance_probe, begin_probe
from dlmachine.core.protocol.effects import Exchange, LogIn, ReadSecret, Wait
from dlmachine.core.protocol.events import (
    CookiesRead,
    EffectFailed,
    Interrupted,
    LoggedIn,
    PartOpened,
    Responded,
    SecretRead,
    Waited,
)
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.spec.options import parse_policy
from dlmachine.core.spec.rate_limit import Rate, RateLimits
from tests.builders import (
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_head,
    a_policy,
    a_record,
    a_snapshot,
    an_entry,
    answered,
)

DIGEST = {'WWW-Authenticate': 'Digest realm="r", nonce="7", qop="auth"'}
PROXY = {'proxy': 'http://p', 'proxy_auth': ('me', 'env:PASSWORD')}
ENDS = NOW + timedelta(seconds=60)
SESSION = CookieStore(
    (
        Cookie(
            name='sid', value='1', domain='example.org', path='/', number=1, is_kept=True, expires=ENDS
        ),
    )
)  # fmt: skip
READ = CookiesRead(at=NOW, kept=SESSION)
BROKEN = ConnectionFailed(url=URL, phase='receive')


def begun(policy: Any = None, url: str = URL, chance: float = 0.5, **described: Any) -> ProbeStep:
    """The first step."""
    target = a_descriptor(url, **described)
    seen = a_snapshot(target, chance=chance)
    return begin_probe(target, policy or a_policy(retries=1), seen).unwrap()


def after(step: ProbeStep, *events: Any) -> ProbeStep:
    """The step after these events."""
    for event in events:
        step = advance_probe(step, event)
    return step


def said(status: int, fields: Any = None, at: datetime = NOW) -> Responded:
    """A response."""
    return Responded(at=at, head=a_head(status, fields))


def request_of(step: ProbeStep) -> Request:
    """The request that a step sends."""
    assert isinstance(step.effect, Exchange)
    return step.effect.request


def result_of(step: ProbeStep) -> ProbeResult:
    """The result of the last step, which keeps the state."""
    assert step.state.descriptor.url == URL
    assert step.result is not None
    return step.result


def test_a_request_has_what_the_options_say() -> None:
    """All of them."""
    rate = Rate(3)
    policy = a_policy(
        connect_timeout=timedelta(seconds=3),
        stall_timeout=timedelta(seconds=4),
        timeout=timedelta(seconds=5),
        http2=True,
        max_per_host=7,
        rate=rate,
        backend='curl',
        user_agent='me/1',
        network=Network(forbid_private=True),
    )
    step = after(begun(policy, cookies=True), CookiesRead(at=NOW, kept=NO_COOKIES))
    assert step.effect == Exchange(
        request=Request(
            method='HEAD',
            url=URL,
            headers=Headers(
                (('Accept', '*/*'), ('Accept-Encoding', 'identity'), ('User-Agent', 'me/1'))
            ),
        ),
        backend='curl',
        expect=Expectation(is_probe=True),
        connect_timeout=timedelta(seconds=3),
        stall_timeout=timedelta(seconds=4),
        timeout=timedelta(seconds=5),
        http2=True,
        jar='',
        network=Network(forbid_private=True),
        rate_limits=RateLimits(max_per_host=7, rate=rate),
    )


@pytest.mark.parametrize(
    ('described', 'earlier', 'last'),
    [
        ({}, (), lambda at: CookiesRead(at=at, kept=SESSION)),
        ({}, (READ,), lambda at: Interrupted(at=at, fault=BROKEN)),
        ({}, (READ,), lambda at: said(405, at=at)),
        ({}, (READ,), lambda at: said(302, {'Location': '/y'}, at=at)),
        ({}, (READ, said(503)), lambda at: Waited(at=at)),
        ({'mirrors': ['https://example.org/mirror']}, (READ,), lambda at: said(410, at=at)),
        ({'cert': '/c', 'key': '/k', 'key_password': 'env:KEY'}, (READ,), lambda at: SecretRead(at=at, value='k')),
        ({'auth': {'bearer': 'env:T'}}, (READ,), lambda at: SecretRead(at=at, value='t')),
        ({'auth': Login('https://example.org/login', {'a': 'b'})}, (CookiesRead(at=NOW, kept=NO_COOKIES),), lambda at: LoggedIn(at=at, kept=SESSION)),
    ],
)  # fmt: skip
@pytest.mark.parametrize(('seconds', 'cookie'), [(59, 'sid=1'), (60, None)])
def test_a_cookie_is_sent_until_it_expires(
    described: Any, earlier: Any, last: Any, seconds: int, cookie: str | None
) -> None:
    """Whatever comes before the request."""
    at = NOW + timedelta(seconds=seconds)
    step = after(begun(**{'cookies': True, **described}), *earlier, last(at))
    assert request_of(step).headers.get('Cookie') == cookie


@pytest.mark.parametrize(('seconds', 'cookie'), [(59, 'sid=1'), (60, None)])
def test_a_cookie_is_sent_until_it_expires_by_a_proxy(seconds: int, cookie: str | None) -> None:
    """Also after the password of the proxy was read."""
    policy = parse_policy(PROXY).unwrap()
    at = NOW + timedelta(seconds=seconds)
    step = after(begun(policy, cookies=True), READ, SecretRead(at=at, value='p'))
    assert request_of(step).headers.get('Cookie') == cookie


@pytest.mark.parametrize(('seconds', 'kind'), [(59, Exchange), (60, LogIn)])
def test_a_session_of_the_jar_is_used_until_it_expires(seconds: int, kind: type) -> None:
    """Then the probe logs in."""
    step = begun(auth=Login('https://example.org/login', {'a': 'b'}))
    read = CookiesRead(at=NOW + timedelta(seconds=seconds), kept=SESSION)
    assert isinstance(after(step, read).effect, kind)


def test_a_probe_logs_in_once() -> None:
    """Whether or not a session cookie is in the jar then."""
    step = begun(auth=Login('https://example.org/login', {'a': 'b'}))
    step = after(step, CookiesRead(at=NOW, kept=NO_COOKIES), LoggedIn(at=NOW, kept=NO_COOKIES))
    assert request_of(step).headers.get('Cookie') is None


def test_cookies_of_a_response_have_a_lifetime_and_are_masked() -> None:
    """Declared names too, and those that are not sent back."""
    step = begun(secret_names=['lang'])
    first = said(302, {'Location': '/y', 'Set-Cookie': 'lang=planted-a; Max-Age=60'})
    late = said(302, {'Location': '/z'}, at=ENDS)
    assert request_of(after(step, first)).headers.get('Cookie') == 'lang=planted-a'
    assert request_of(after(step, first, late)).headers.get('Cookie') is None
    echoed = said(200, {'Set-Cookie': 'lang=planted-b', 'ETag': '"planted-b"'})
    assert result_of(after(step, echoed)).etag == '"***"'


def test_a_port_does_not_hide_the_scheme() -> None:
    """HEAD is for http and https."""
    assert request_of(begun(url='https://example.org:8443/x')).method == 'HEAD'


def test_redirects_of_head_do_not_count_for_get() -> None:
    """Neither for their number, nor for a loop, nor for whether they are permanent."""
    step = after(begun(a_policy(max_redirects=1)), said(302, {'Location': '/y'}), said(405))
    step = after(step, said(301, {'Location': '/y'}))
    assert (request_of(step).method, request_of(step).url) == ('GET', 'https://example.org/y')
    result = result_of(after(step, said(206)))
    assert (result.status, result.moved_to) == (ProbeStatus.MOVED, 'https://example.org/y')


def test_an_answer_to_a_challenge_is_not_a_redirect() -> None:
    """It neither counts as one, nor makes the URLs before it new."""
    step = begun(a_policy(max_redirects=2), auth={'digest': ('me', 'pw')})
    step = after(step, said(302, {'Location': '/y'}), said(401, DIGEST))
    assert 'nc=00000001' in (request_of(step).headers.get('Authorization') or '')
    further = after(step, said(302, {'Location': '/z'}))
    assert request_of(further).url == 'https://example.org/z'
    assert 'nc=00000002' in (request_of(further).headers.get('Authorization') or '')
    for location in (URL, '/y'):
        result = result_of(after(step, said(302, {'Location': location})))
        assert isinstance(result.fault, RedirectRefused)
        assert result.final_url == 'https://example.org/y'
    step = begun(auth={'digest': ('me', 'pw')})
    step = after(step, said(302, {'Location': '/y'}), said(302, {'Location': '/z'}))
    result = result_of(after(step, said(401, DIGEST), said(302, {'Location': '/y'})))
    assert isinstance(result.fault, RedirectRefused)


def test_a_client_nonce_depends_on_chance() -> None:
    """Two probes do not send the same one (RFC 7616 section 3.4)."""
    sent = {
        request_of(after(begun(chance=chance, auth={'digest': ('me', 'pw')}), said(401, DIGEST)))
        .headers.get('Authorization')
        for chance in (0.25, 0.5, 0.75)
    }  # fmt: skip
    assert len(sent) == 3


def test_a_client_certificate_is_not_for_a_mirror() -> None:
    """Nor is its password."""
    options: Any = {'cert': '/c', 'key': '/k', 'key_password': 'env:KEY'}
    step = begun(mirrors=['https://mirror.example/x'], **options)
    step = after(step, SecretRead(at=NOW, value='planted'))
    own = request_of(step).tls
    assert (own.cert, own.key, own.passphrase) == ('/c', '/k', 'planted')
    other = request_of(after(step, said(410))).tls
    assert (other.cert, other.key, other.passphrase) == (None, None, '')


def test_a_secret_that_stays_refused() -> None:
    """The result is that of the refusal, with the URL that refused."""
    step = after(begun(auth={'bearer': 'env:T'}), SecretRead(at=NOW, value='planted'))
    step = after(step, said(302, {'Location': '/y'}), said(401))
    assert isinstance(step.effect, ReadSecret)
    assert step.effect.is_again
    result = result_of(after(step, SecretRead(at=NOW, value='planted')))
    assert (result.url, result.final_url) == (URL, 'https://example.org/y')
    assert (result.status, result.status_code) == (ProbeStatus.FORBIDDEN, 401)


def test_a_status_between_success_and_redirect_is_a_failure() -> None:
    """300 does not say where to go."""
    result = result_of(after(begun(a_policy(retries=0)), said(300)))
    assert (result.status, result.status_code) == (ProbeStatus.UNREACHABLE, 300)


def test_a_date_in_retry_after_counts_from_the_response() -> None:
    """As a number of seconds does."""
    fields = {'Retry-After': 'Wed, 01 May 2024 12:00:09 GMT'}
    step = after(begun(), said(503, fields, at=NOW + timedelta(seconds=2)))
    assert step.effect == Wait(duration=timedelta(seconds=7), reason='before the next probe')


@pytest.mark.parametrize(('limit', 'waits'), [(8, False), (9, True)])
@pytest.mark.parametrize(
    'event',
    [
        said(503, {'Retry-After': '6'}, at=NOW + timedelta(seconds=2)),
        Interrupted(
            at=NOW + timedelta(seconds=2),
            fault=HttpStatus(url=URL, status=503, retry_after=timedelta(seconds=6)),
        ),
    ],
)
def test_a_wait_ends_before_the_time_limit(event: Any, limit: int, *, waits: bool) -> None:
    """The limit counts from the beginning of the probe."""
    step = begun(a_policy(timeout=timedelta(seconds=limit)))
    assert isinstance(after(step, event).effect, Wait) is waits


@pytest.mark.parametrize('chance', [0.25, 0.5])
def test_waits_are_those_of_a_download(chance: float) -> None:
    """Random parts of spans that double."""
    policy = a_policy(retries=2, retry_wait=timedelta(seconds=8))
    run = Run(None, policy, a_snapshot(chance=chance)).feed(PartOpened(at=NOW, size_bytes=0))
    step = begun(policy, chance=chance)
    for _ in range(2):
        run.feed(answered(503))
        step = after(step, said(503))
        assert isinstance(step.effect, Wait)
        assert isinstance(run.step.effect, Wait)
        assert step.effect.duration == run.step.effect.duration > timedelta(0)
        run.feed(Waited(at=NOW))
        step = after(step, Waited(at=NOW))


def test_an_effect_that_fails_ends_the_probe() -> None:
    """Without a URL that answered."""
    result = result_of(after(begun(), EffectFailed(at=NOW, fault=Cancelled())))
    assert result == ProbeResult(
        url=URL,
        status=ProbeStatus.UNREACHABLE,
        reason=Cancelled().what(),
        fault=Cancelled(),
    )


def test_a_fault_that_is_final_keeps_the_state() -> None:
    """As every result does."""
    late = TimedOut(url=URL, phase='total', limit=timedelta(seconds=1))
    assert result_of(after(begun(), Interrupted(at=NOW, fault=late))).fault == late


def test_a_copy_from_the_future_is_older_than_others() -> None:
    """The clock was set back since it was stored."""
    later = NOW + timedelta(days=1)
    one = an_entry(record=a_record(etag='"v1"'))
    two = an_entry(2, stored_at=later, record=a_record(etag='"v2"'))
    target = a_descriptor()
    seen = a_snapshot(cache=a_cache(one, two))
    step = begin_probe(target, a_policy(), seen).unwrap()
    assert result_of(after(step, said(200, {'ETag': '"v1"'}))).status is ProbeStatus.ALIVE
