"""A proxy in a run of the machine and in a probe: its password, its plan and its answers."""

from typing import Any

import pytest

from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import HttpStatus, ProxyLoginRefused, SecretUnavailable
from dlmachine.core.plan.plan import Plan, plan
from dlmachine.core.probe.steps import advance_probe, begin_probe
from dlmachine.core.protocol.effects import Discard, Exchange, FillCache, ReadSecret
from dlmachine.core.protocol.events import (
    Discarded,
    EffectFailed,
    LockReleased,
    PartOpened,
    Responded,
    SecretRead,
)
from dlmachine.core.protocol.redact_event import redact_effect
from dlmachine.core.protocol.states import Failed
from dlmachine.core.spec.options import parse_policy
from dlmachine.core.spec.policy import Policy
from tests.builders import NOW, URL, Run, a_descriptor, a_head, a_snapshot, answered

LOGIN = ('me', 'env:PASSWORD')
SHOWN = 'http://***@p:1080'


def a_policy(**options: Any) -> Policy:
    """The policy of a caller's options."""
    return parse_policy({'retry_wait': 0, **options}).unwrap()


def fault_of(run: Run) -> Any:
    """The fault that a run ended with."""
    while not isinstance(run.state, Failed):
        is_part = isinstance(run.step.effect, Discard)
        run.feed(Discarded(at=NOW) if is_part else LockReleased(at=NOW))
    return run.state.fault


def a_run(auth: Any = LOGIN, **options: Any) -> Run:
    """A run whose part is open."""
    target = a_descriptor(auth=options.pop('login', None))
    policy = a_policy(retries=3, proxy='http://p', proxy_auth=auth, **options)
    return Run(target, policy, a_snapshot(target)).feed(PartOpened(at=NOW, size_bytes=0))


def login_of(exchange: Exchange) -> Any:
    """The login that a backend sends."""
    auth = exchange.network.proxy_auth
    return None if auth is None or auth.secret is None else (auth.user, auth.secret.text)


def test_the_password_is_read_before_the_first_request() -> None:
    """Once in a run, also if a redirect is followed."""
    run = a_run()
    assert isinstance(run.step.effect, ReadSecret)
    assert run.step.effect.secret == Secret(variable='PASSWORD')
    run.feed(SecretRead(at=NOW, value='planted'), answered(302, {'Location': '/y'}))
    assert [login_of(exchange) for exchange in run.exchanges] == [('me', 'planted')] * 2
    assert 'planted' not in repr(run.exchanges)
    assert 'planted' not in repr([redact_effect(exchange) for exchange in run.exchanges])


def test_a_text_is_not_read() -> None:
    """It is there already."""
    assert [login_of(exchange) for exchange in a_run(('me', 'planted')).exchanges] == [
        ('me', 'planted')
    ]


def test_a_login_of_the_server_is_read_as_well() -> None:
    """That first."""
    run = a_run(login={'bearer': 'env:TOKEN'})
    run.feed(SecretRead(at=NOW, value='token'), SecretRead(at=NOW, value='planted'))
    [exchange] = run.exchanges
    assert exchange.request.headers.get('Authorization') == 'Bearer token'
    assert login_of(exchange) == ('me', 'planted')


def test_a_password_that_cannot_be_read_ends_the_run() -> None:
    """No request is sent."""
    fault = SecretUnavailable(source='env:PASSWORD', problem='the variable is not set')
    run = a_run().feed(EffectFailed(at=NOW, fault=fault))
    assert (fault_of(run), run.exchanges) == (fault, [])


@pytest.mark.parametrize('any_status', [False, True])
def test_a_407_of_the_proxy_ends_the_run(any_status: bool) -> None:
    """The same password again might lock the account."""
    run = a_run(('me', 'planted'), any_status=any_status)
    run.feed(Responded(at=NOW, head=a_head(407), proxy=SHOWN))
    fault = fault_of(run)
    assert fault == ProxyLoginRefused(url=URL, proxy=SHOWN, tries=1)
    assert len(run.exchanges) == 1


def test_an_error_that_may_be_the_proxys_names_it() -> None:
    """A firewall answers for servers that it blocks."""
    fault = fault_of(a_run(('me', 'planted')).feed(answered(403, proxy=SHOWN)))
    assert isinstance(fault, HttpStatus)
    assert fault.proxy == SHOWN


def test_a_407_of_a_server_is_an_error_status() -> None:
    """A proxy behind it may send one."""
    run = a_run(('me', 'planted')).feed(Responded(at=NOW, head=a_head(407)))
    assert fault_of(run).code == 'http_status'


def test_a_probe_goes_by_the_proxy() -> None:
    """It reads the password once, and ends with a 407."""
    target = a_descriptor()
    policy = a_policy(retries=3, proxy='http://p', proxy_auth=LOGIN)
    step = begin_probe(target, policy, a_snapshot(target)).unwrap()
    assert isinstance(step.effect, ReadSecret)
    step = advance_probe(step, SecretRead(at=NOW, value='planted'))
    assert isinstance(step.effect, Exchange)
    assert login_of(step.effect) == ('me', 'planted')
    done = advance_probe(step, Responded(at=NOW, head=a_head(407), proxy=SHOWN)).result
    assert done is not None
    assert SHOWN in done.reason


def test_a_plan_shows_the_way() -> None:
    """Masked; its JSON can be read back, and executed with the policy."""
    target = a_descriptor()
    policy = a_policy(proxy='http://me:planted@p', proxy_auth=('me', 'planted'), no_proxy='x.org')
    made = plan(target, policy, a_snapshot(target)).unwrap()
    assert '  proxy        http://***@p:1080\n' in str(made)
    assert "  proxy auth   basic for user 'me', password ***\n" in str(made)
    assert '  no proxy     x.org\n' in str(made)
    assert 'planted' not in f'{made} {made!r} {made.to_json()}'
    back = Plan.from_json(made.to_json()).unwrap()
    assert back == made.redacted()
    assert back.with_descriptor(target, policy).unwrap() == made


def test_the_policy_of_a_nested_run_is_masked() -> None:
    """That of a download into the cache."""
    policy = a_policy(proxy='http://me:planted@p')
    assert 'planted' not in repr(redact_effect(FillCache(key='k', policy=policy)))
