"""Logins in a run of the machine: when a secret is read, where it is sent, what a 401 leads to."""

from typing import Any

import pytest

from dlmachine.core.access.auth import parse_auth
from dlmachine.core.access.digest import DigestChallenge, answer_digest
from dlmachine.core.access.login import MAX_ANSWERS, login_of
from dlmachine.core.faults import HttpStatus, SecretUnavailable
from dlmachine.core.frozen import replace
from dlmachine.core.http.body import MultipartBody, NoBody
from dlmachine.core.http.request import Request
from dlmachine.core.machine.machine import max_effects
from dlmachine.core.protocol.effects import Discard, Exchange, ReadSecret
from dlmachine.core.protocol.events import (
    Discarded,
    EffectFailed,
    LockReleased,
    PartOpened,
    Responded,
    SecretRead,
    Waited,
)
from dlmachine.core.protocol.redact_event import redact_event
from dlmachine.core.protocol.states import Failed
from tests.builders import NOW, Run, a_descriptor, a_head, a_policy, a_snapshot, answered

DIGEST = 'Digest realm="r", nonce="{}", qop="auth"'
ELSEWHERE = 'https://elsewhere.example/x'
HERE = 'https://example.org/y'


def a_run(auth: Any, *, retries: int = 0, **described: Any) -> Run:
    """A run whose part is open."""
    target = a_descriptor(auth=auth, **described)
    run = Run(target, a_policy(retries=retries), a_snapshot(target))
    return run.feed(PartOpened(at=NOW, size_bytes=0))


def refused(*challenges: str, status: int = 401) -> Responded:
    """A refusal with challenges."""
    head = a_head(status, {'WWW-Authenticate': ', '.join(challenges)} if challenges else {})
    return Responded(at=NOW, head=head, error_text='no')


def moved(location: str) -> Responded:
    """A redirect."""
    return answered(302, {'Location': location})


def read(value: str) -> SecretRead:
    """A secret."""
    return SecretRead(at=NOW, value=value)


def sent(run: Run) -> list[str | None]:
    """The Authorization fields, in order."""
    return [exchange.request.headers.get('Authorization') for exchange in run.exchanges]


def fault_of(run: Run) -> Any:
    """The fault that a run ended with."""
    while not isinstance(run.state, Failed):
        is_part = isinstance(run.step.effect, Discard)
        run.feed(Discarded(at=NOW) if is_part else LockReleased(at=NOW))
    return run.state.fault


def test_basic_is_sent_at_once() -> None:
    """RFC 7617 section 2; one refusal ends the run, because nothing else can be tried."""
    run = a_run(('me', 'pw')).feed(refused('Basic realm="r"'))
    assert sent(run) == ['Basic bWU6cHc=']
    [exchange] = run.exchanges
    assert (exchange.request.hidden, exchange.request.is_signed) == (('pw',), True)
    fault = fault_of(run)
    assert isinstance(fault, HttpStatus)
    assert (fault.sent, fault.asks_for) == ('basic', ("Basic (realm 'r')",))
    assert fault.remedy() == 'Check the user, the password or the token of auth='


def test_a_reference_is_read_before_the_request() -> None:
    """The request is made afterwards, and hides the secret wherever it is echoed."""
    run = a_run({'bearer': 'env:TOKEN'})
    effect = run.step.effect
    assert isinstance(effect, ReadSecret)
    assert (str(effect.secret), effect.is_again) == ('env:TOKEN', False)
    run.feed(read('planted'))
    assert sent(run) == ['Bearer planted']
    [exchange] = run.exchanges
    assert exchange.request.redactor.text('your planted') == 'your ***'
    assert 'planted' not in repr(exchange)


def test_a_secret_that_cannot_be_read_ends_the_run() -> None:
    """No request is sent without it."""
    fault = SecretUnavailable(source='env:TOKEN', problem='the variable is not set')
    run = a_run({'bearer': 'env:TOKEN'}).feed(EffectFailed(at=NOW, fault=fault))
    assert fault_of(run) == fault
    assert run.exchanges == []


def test_a_token_that_no_header_field_can_have_ends_the_run() -> None:
    """It is not sent, and not shown; the password of Basic may have any character."""
    run = a_run({'bearer': 'env:TOKEN'}).feed(read('plan☃ed'))
    fault = fault_of(run)
    assert isinstance(fault, SecretUnavailable)
    assert 'character at position 4' in fault.problem
    assert '☃' not in str(fault)
    assert run.exchanges == []
    assert sent(a_run(('me', 'env:PW')).feed(read('☃'))) == ['Basic bWU64piD']


def test_a_refused_token_is_read_again_once() -> None:
    """It may have expired; the next refusal ends the run."""
    run = a_run({'bearer': 'file:/t'}).feed(read('old'), refused('Bearer'))
    effect = run.step.effect
    assert isinstance(effect, ReadSecret)
    assert effect.is_again
    run.feed(read('new'), refused('Bearer error="invalid_token"'))
    assert sent(run) == ['Bearer old', 'Bearer new']
    assert fault_of(run).status == 401


def test_the_same_token_is_not_sent_twice() -> None:
    """The refusal is the fault."""
    run = a_run({'bearer': 'file:/t'}).feed(read('old'), refused('Bearer'), read('old'))
    assert sent(run) == ['Bearer old']
    assert fault_of(run).status == 401


def test_an_unexpected_event_while_reading_is_a_bug() -> None:
    """As in every other state."""
    run = a_run({'bearer': 'env:T'}).feed(Waited(at=NOW))
    assert fault_of(run).code == 'bug'


def test_digest_waits_for_its_challenge() -> None:
    """The first request has no credentials; each use of a nonce has its own number."""
    run = a_run({'digest': ('me', 'pw')}).feed(refused(DIGEST.format('n1')), moved('/y'))
    first, second, third = sent(run)
    assert first is None
    assert second is not None
    assert third is not None
    assert 'nc=00000001' in second
    assert 'nc=00000002' in third
    assert 'uri="/y"' in third
    assert [one.request.hidden for one in run.exchanges[:2]] == [('pw',)] * 2
    run.feed(refused(f'{DIGEST.format("n1")}, stale=true'))
    fault = fault_of(run)
    assert fault.sent == 'digest'


def test_a_new_nonce_that_does_not_replace_a_stale_one_is_not_answered() -> None:
    """The password was wrong, and would be again."""
    run = a_run({'digest': ('me', 'pw')}).feed(refused(DIGEST.format('n1')))
    assert fault_of(run.feed(refused(DIGEST.format('n2')))).status == 401
    assert len(run.exchanges) == 2


def test_a_stale_nonce_is_replaced() -> None:
    """RFC 7616 section 3.3: the password was right; but not for ever."""
    run = a_run({'digest': ('me', 'pw')}).feed(refused(DIGEST.format('n1')))
    for number in range(2, 20):
        if not isinstance(run.step.effect, Exchange):
            break
        run.feed(refused(f'{DIGEST.format(f"n{number}")}, stale=true'))
    assert fault_of(run).status == 401
    assert len(run.exchanges) == 1 + MAX_ANSWERS
    assert len(run.effects) <= max_effects(run.descriptor, run.policy)


@pytest.mark.parametrize(
    'challenges',
    [(), ('Basic realm="r"',), ('Digest realm="r", nonce="1", qop="other"',)],
)
def test_without_a_challenge_of_its_scheme_digest_ends(challenges: tuple[str, ...]) -> None:
    """The password is not sent in another scheme."""
    run = a_run({'digest': ('me', 'pw')}).feed(refused(*challenges))
    assert sent(run) == [None]
    assert fault_of(run).status == 401


def test_the_password_of_digest_is_read_again_with_its_challenge() -> None:
    """A reference may give another password."""
    run = a_run({'digest': ('me', 'env:PW')}).feed(
        read('old'), refused(DIGEST.format('n1')), refused(DIGEST.format('n1')), read('new')
    )
    run.feed(refused(DIGEST.format('n2')))
    assert [field is None for field in sent(run)] == [True, False, True, False]
    assert fault_of(run.feed(refused(DIGEST.format('n2')))).status == 401


@pytest.mark.parametrize(
    ('location', 'goes_along'),
    [(HERE, True), ('https://example.org:444/x', False), (ELSEWHERE, False)],
)
def test_credentials_go_to_their_origin_only(location: str, *, goes_along: bool) -> None:
    """Scheme, host and port (RFC 6454)."""
    run = a_run({'bearer': 'planted'}).feed(moved(location))
    assert sent(run) == ['Bearer planted', 'Bearer planted' if goes_along else None]


def test_credentials_return_to_their_origin() -> None:
    """A consent page elsewhere leads back."""
    run = a_run(('me', 'pw')).feed(moved(ELSEWHERE), moved(HERE))
    assert sent(run) == ['Basic bWU6cHc=', None, 'Basic bWU6cHc=']


def test_a_challenge_of_another_origin_is_not_answered() -> None:
    """A redirect could ask for the password of another server."""
    run = a_run({'digest': ('me', 'pw')}).feed(moved(ELSEWHERE), refused(DIGEST.format('n')))
    assert sent(run) == [None, None]
    assert fault_of(run).status == 401


def test_a_mirror_gets_no_credentials() -> None:
    """It is another origin."""
    run = a_run(('me', 'pw'), mirrors=[ELSEWHERE]).feed(answered(503), answered(503))
    assert sent(run) == ['Basic bWU6cHc=', None]


def test_the_callers_own_field_counts_more() -> None:
    """So do user and password in the URL of a redirect."""
    run = a_run({'bearer': 'planted'}, headers={'Authorization': 'Own x'})
    assert sent(run) == ['Own x']
    led = a_run({'bearer': 'planted'}).feed(moved('https://a:b@example.org/y'))
    assert sent(led) == ['Bearer planted', 'Basic YTpi']


@pytest.mark.parametrize(
    ('auth', 'file'), [(None, ''), ('netrc', ''), (False, None), ({'netrc': '/n'}, '/n')]
)
def test_netrc(auth: Any, file: str | None) -> None:
    """The backend looks into the file that the request names."""
    [exchange] = a_run(auth).exchanges
    assert exchange.request.netrc == file


@pytest.mark.parametrize('auth', ['netrc', False, {'netrc': '/n'}])
def test_a_refusal_without_a_secret_ends_the_run(auth: Any) -> None:
    """There is nothing else to send."""
    run = a_run(auth).feed(refused('Basic realm="r"'))
    assert fault_of(run).sent == ''


def test_secrets_that_a_backend_added_are_masked() -> None:
    """A login of the netrc file: from the response on, wherever a server echoes it."""
    event = answered(302, {'Location': '/y?said=planted'})
    event = replace(event, added=('planted',))
    run = a_run(None)
    effect = run.step.effect
    assert effect is not None
    shown = redact_event(effect, event)
    assert 'planted' not in repr(shown)
    run.feed(event)
    assert 'planted' in run.exchanges[-1].request.hidden
    assert 'planted' not in run.exchanges[-1].request.shown_url


def test_what_was_not_sent_is_not_read_again() -> None:
    """The server asks for another scheme, or refuses a field of the caller."""
    run = a_run({'digest': ('me', 'env:PW')}).feed(read('pw'), refused('Basic realm="r"'))
    assert fault_of(run).status == 401
    own = a_run({'bearer': 'env:T'}, headers={'Authorization': 'Own x'})
    assert fault_of(own.feed(read('t'), refused('Bearer'))).status == 401
    assert sent(own) == ['Own x']


def test_a_request_to_another_origin_does_not_use_the_nonce() -> None:
    """Strict servers refuse a gap in the numbers (RFC 7616 section 3.4)."""
    run = a_run({'digest': ('me', 'pw')}).feed(
        refused(DIGEST.format('n1')), moved(ELSEWHERE), moved(HERE)
    )
    *_, second, away, third = sent(run)
    assert 'nc=00000001' in str(second)
    assert away is None
    assert 'nc=00000002' in str(third)


def test_schemes_without_authorization_are_left_alone() -> None:
    """FTP has no such field."""
    run = a_run(('me', 'pw'), url='ftp://example.org/x', method='GET')
    assert sent(run) == [None]


def test_a_404_is_not_a_question_of_credentials() -> None:
    """Only 401 is."""
    run = a_run({'bearer': 'env:T'}).feed(read('x'), refused('Bearer', status=404))
    fault = fault_of(run)
    assert (fault.status, fault.asks_for, fault.sent) == (404, (), '')


@pytest.mark.parametrize('scheme', ['ftp', 'ftps', 'sftp'])
def test_a_url_takes_the_login_of_other_schemes(scheme: str) -> None:
    """Escaped and masked; only by Basic, and unless the URL has a login of its own."""

    def signed(auth: Any, url: str) -> Request:
        login = login_of(parse_auth(auth).unwrap(), url, 0.5)
        assert login is not None
        return login.sign(Request(method='GET', url=url))

    request = signed(('m/e', 'p/ss'), f'{scheme}://h/x')
    assert request.url == f'{scheme}://m%2Fe:p%2Fss@h/x'
    assert request.shown_url == f'{scheme}://***@h/x'
    assert request.hidden == ('p%2Fss', 'p/ss')
    assert request.is_signed
    own = f'{scheme}://you:own@h/x'
    assert signed(('me', 'pw'), own).url == own
    assert signed({'bearer': 't'}, f'{scheme}://h/x').url == f'{scheme}://h/x'


@pytest.mark.parametrize(
    ('described', 'is_answered'),
    [
        ({}, True),
        ({'post': True, 'query': {'a': '1'}}, True),
        ({'multipart': {'a': b'1'}}, False),
    ],
)
def test_a_digest_of_the_body(described: Any, *, is_answered: bool) -> None:
    """`auth-int`; files of a form are only read when they are sent."""
    run = a_run({'digest': ('me', 'pw')}, **described)
    run.feed(refused('Digest realm="r", nonce="1", qop="auth-int"'))
    assert [one is not None and 'qop=auth-int' in one for one in sent(run)] == (
        [False, True] if is_answered else [False]
    )
    for request in [one.request for one in run.exchanges[1:]]:
        asked = DigestChallenge(
            realm='r', nonce='1', algorithm='md5', qop='auth-int', named_algorithm=False
        )
        answer = str(request.headers.get('Authorization'))
        cnonce = answer.partition('cnonce="')[2].partition('"')[0]
        body = b'' if isinstance(request.body, (NoBody, MultipartBody)) else request.body.encoded()
        url = request.location
        assert answer == answer_digest(asked, 'me', 'pw', request.method, url, cnonce, body)
