"""The steps of a run as they are stored and shown: without secrets, and otherwise the same."""

import pickle
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.access.caller_cookies import Cookies, parse_cookies
from dlmachine.core.access.cookies import NO_COOKIES, CookieStore
from dlmachine.core.access.login_recipe import Login, parse_login
from dlmachine.core.access.secret import Secret
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request, Tls
from dlmachine.core.http.url import parse_url
from dlmachine.core.network.network import Network
from dlmachine.core.network.proxy import parse_proxy
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import (
    Effect,
    ExchangeSegments,
    FillCache,
    LogIn,
    ReadCookies,
    ReadSecret,
    ReadSource,
)
from dlmachine.core.protocol.events import (
    CookiesRead,
    Event,
    Interrupted,
    LoggedIn,
    Responded,
    SecretRead,
    SegmentsEnded,
)
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.redact_event import redact_effect, redact_event, redact_step
from tests.builders import NOW, a_descriptor, a_head, a_policy, a_received, an_exchange, interrupted

MASKED = Secret(text='***')
PATIENCE = timedelta(seconds=60)
PROXY = parse_proxy('http://me:planted@p', 'proxy').unwrap()
NETWORK = Network(proxy=PROXY, allow_file=True)
SHOWN_NETWORK = Network(proxy=PROXY.redacted(), allow_file=True)
COOKIES = parse_cookies({'sid': 'planted'}).unwrap()
SHOWN_COOKIES = Cookies(own=(('sid', MASKED),))
RECIPE = parse_login(Login('https://h/login', {'password': 'planted'}), 'auth').unwrap()
SHOWN_RECIPE = Login('https://h/login', (('password', MASKED),))
ASKED = Request(method='GET', url='https://h/?code=1', hidden=('planted',), secret_names=('code',))
EXCHANGE = an_exchange(ASKED, network=NETWORK)
SHOWN_EXCHANGE = an_exchange(ASKED.redacted(), network=SHOWN_NETWORK)
PIECES: dict[str, Any] = {
    'spans': ((0, 1),), 'held': (), 'whole_bytes': 2, 'validator': '"1"', 'connections': 1,
}  # fmt: skip
STORE = CookieStore().received(parse_url('https://h/').unwrap(), ['sid=planted'], NOW)


@pytest.mark.parametrize(
    ('effect', 'shown'),
    [
        (EXCHANGE, SHOWN_EXCHANGE),
        (
            ExchangeSegments(exchange=EXCHANGE, **PIECES),
            ExchangeSegments(exchange=SHOWN_EXCHANGE, **PIECES),
        ),
        (
            FillCache(key='k', policy=a_policy(retries=7, network=NETWORK)),
            FillCache(key='k', policy=a_policy(retries=7, network=SHOWN_NETWORK)),
        ),
        (
            ReadSource(target=a_descriptor('https://h/?sid=planted'), max_bytes=1),
            ReadSource(target=a_descriptor('https://h/?sid=planted').redacted(), max_bytes=1),
        ),
        (
            ReadSecret(secret=Secret(text='planted'), patience=PATIENCE),
            ReadSecret(secret=MASKED, patience=PATIENCE),
        ),
        (
            LogIn(
                login=RECIPE, cookies=COOKIES, tls=Tls(cert='c', passphrase='planted'), since=NOW, patience=PATIENCE
            ),
            LogIn(login=SHOWN_RECIPE, cookies=SHOWN_COOKIES, tls=Tls(cert='c'), since=NOW, patience=PATIENCE),
        ),
        (
            ReadCookies(cookies=COOKIES, patience=PATIENCE),
            ReadCookies(cookies=SHOWN_COOKIES, patience=PATIENCE),
        ),
    ],
    ids=lambda effect: type(effect).__name__,
)  # fmt: skip
def test_effects(effect: Effect, shown: Effect) -> None:
    """Only the secrets differ."""
    assert redact_effect(effect) == shown
    assert 'planted' not in repr(shown)


HEAD = a_head(
    302, {'Set-Cookie': 'code=short', 'X': 'planted and short', 'Code': 'new', 'A': 'b'}, reason='no planted'
)  # fmt: skip
SHOWN_HEAD = a_head(
    302, {'Set-Cookie': '***', 'X': '*** and ***', 'Code': '***', 'A': 'b'}, reason='no ***'
)
WHOLE = Responded(
    at=NOW, head=HEAD, received=a_received(b'planted'), added=('other',), decision=StoreBody()
)
SHOWN_WHOLE = Responded(
    at=NOW, head=SHOWN_HEAD, received=replace(a_received(b'planted'), start=b'')
)
BROKEN = replace(interrupted(head=HEAD, part_bytes=1), decision=StoreBody())
SHOWN_BROKEN = interrupted(head=SHOWN_HEAD, part_bytes=1)


@pytest.mark.parametrize(
    ('effect', 'event', 'shown'),
    [
        (EXCHANGE, WHOLE, SHOWN_WHOLE),
        (EXCHANGE, BROKEN, SHOWN_BROKEN),
        (
            ExchangeSegments(exchange=EXCHANGE, **PIECES),
            SegmentsEnded(at=NOW, ends=(WHOLE, None, BROKEN)),
            SegmentsEnded(at=NOW, ends=(SHOWN_WHOLE, None, SHOWN_BROKEN)),
        ),
        (
            ReadSecret(secret=MASKED, patience=PATIENCE),
            SecretRead(at=NOW, value='planted'),
            SecretRead(at=NOW, value='***'),
        ),
        (
            ReadCookies(cookies=COOKIES, patience=PATIENCE),
            CookiesRead(at=NOW, own=(('sid', 'planted'),), kept=STORE),
            CookiesRead(at=NOW, own=(('sid', '***'),), kept=NO_COOKIES),
        ),
        (
            LogIn(login=RECIPE, cookies=COOKIES, tls=Tls(), since=NOW, patience=PATIENCE),
            LoggedIn(at=NOW, kept=STORE),
            LoggedIn(at=NOW, kept=NO_COOKIES),
        ),
    ],
    ids=lambda event: type(event).__name__,
)
def test_events(effect: Effect, event: Event, shown: Event) -> None:
    """By the secrets of the request, by declared names, and by what the response sets."""
    found = redact_event(effect, event)
    assert found == shown
    ends = found.ends if isinstance(found, SegmentsEnded) else (found,)
    for one in ends:
        if isinstance(one, Interrupted):
            assert one.decision is None
        if isinstance(one, Responded):
            assert (one.decision, one.added) == (None, ())
            assert one.head.headers.secret_names == ('code',)


def test_what_is_added_is_masked() -> None:
    """It is what a backend sent besides the request: of a netrc file."""
    head = a_head(200, {'X': 'other'})
    event = Responded(at=NOW, head=head, added=('other',))
    found = redact_event(an_exchange(), event)
    assert found == Responded(at=NOW, head=a_head(200, {'X': '***'}))
    assert isinstance(found, Responded)
    assert found.added == ()


def test_what_is_stored_is_masked_by_name_as_well() -> None:
    """Bodies and cookies of a response are masked where it is shown."""
    head = a_head(200, {'Set-Cookie': 'code=short', 'X': 'short', 'Y': 'planted'})
    shown = a_head(200, {'Set-Cookie': '***', 'X': 'short', 'Y': '***'})
    event = Responded(at=NOW, head=head)
    assert redact_step(EXCHANGE, event) == (SHOWN_EXCHANGE, Responded(at=NOW, head=shown))
    plain = an_exchange(Request(method='GET', url='https://h/'))
    known = Responded(at=NOW, head=a_head(200, {'Cookie': 'a'}))
    assert redact_event(plain, known) is known
    masked = Responded(at=NOW, head=a_head(200, {'Cookie': '***'}))
    assert redact_step(plain, known) == (plain, masked)


class _Marked(Outcome):
    """With an attribute of its own."""


def test_a_pickled_outcome_keeps_attributes_of_a_subclass() -> None:
    """They are in its `__dict__`."""
    marked = _Marked(origin=Origin.CACHE, reason='', key='k')
    object.__setattr__(marked, 'mark', 1)
    copy = pickle.loads(pickle.dumps(marked))
    assert (copy, copy.mark) == (marked, 1)
    plain = Outcome(origin=Origin.CACHE, reason='', key='k')
    assert pickle.loads(pickle.dumps(plain)) == plain


def test_headers_are_of_their_own_names() -> None:
    """Those of the request, so that they are masked wherever they are shown."""
    found = redact_event(EXCHANGE, Responded(at=NOW, head=a_head(200, {'A': 'b'})))
    assert isinstance(found, Responded)
    assert found.head.headers == Headers((('A', 'b'),))
    assert found.head.headers.secret_names == ('code',)
