"""Cookies of a caller and of jars in a run and in a probe: when they are read, and where they go."""

from typing import Any

import pytest

from dlmachine.core.access.caller_cookies import Cookies
from dlmachine.core.access.cookies import Cookie, CookieStore
from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import JarUnusable
from dlmachine.core.machine.machine import max_effects
from dlmachine.core.plan.render import show_effect
from dlmachine.core.probe.steps import advance_probe, begin_probe
from dlmachine.core.protocol.effects import Exchange, ReadCookies, ReadSecret
from dlmachine.core.protocol.events import (
    CookiesRead,
    EffectFailed,
    PartOpened,
    Responded,
    SecretRead,
    Waited,
)
from dlmachine.core.protocol.redact_event import redact_effect, redact_event
from tests.builders import (
    NOW,
    URL,
    Run,
    a_descriptor,
    a_head,
    a_policy,
    a_snapshot,
    answered,
)

KEPT = CookieStore(
    (
        Cookie(name='kept', value='jar-value', domain='example.org', path='/', number=1, is_kept=True),
        Cookie(name='far', value='far-value', domain='far.org', path='/', number=2, is_kept=True),
    )
)  # fmt: skip
READ = CookiesRead(at=NOW, own=(('own', 'own-value'),), kept=KEPT)


def a_run(cookies: Any, *, retries: int = 0, **described: Any) -> Run:
    """A run whose part is open."""
    target = a_descriptor(cookies=cookies, **described)
    run = Run(target, a_policy(retries=retries), a_snapshot(target))
    return run.feed(PartOpened(at=NOW, size_bytes=0))


def sent(run: Run) -> list[str | None]:
    """The Cookie fields, in order."""
    return [exchange.request.headers.get('Cookie') for exchange in run.exchanges]


def test_cookies_are_read_once_and_sent_where_they_belong() -> None:
    """A redirect, a retry and a mirror get no other ones."""
    run = a_run({'own': 'env:OWN'}, retries=1, mirrors=['https://mirror.example/x'])
    effect = run.step.effect
    assert isinstance(effect, ReadCookies)
    assert show_effect(effect) == 'read the cookies own (env:OWN)'
    run.feed(READ)
    run.feed(answered(302, {'Location': 'https://far.org/x'}))
    run.feed(answered(503), answered(503), Waited(at=NOW))
    assert sent(run) == [
        'kept=jar-value; own=own-value',
        'far=far-value',
        None,
        'kept=jar-value; own=own-value',
    ]
    assert sum(isinstance(effect, ReadCookies) for effect in run.effects) == 1
    assert max_effects(a_descriptor(), a_policy()) > 20


def test_only_what_a_server_knows_is_masked() -> None:
    """The other cookies of a jar may be thousands."""
    run = a_run(True).feed(READ)
    request = run.exchanges[-1].request
    assert request.redactor.text('own=own-value, kept=jar-value') == '***, ***'
    assert not [secret for secret in request.secrets() if 'far-value' in secret]
    assert run.exchanges[-1].jar == ''
    assert a_run({'own': 'x'}).feed(READ).exchanges[-1].jar is None


def test_a_jar_and_a_secret() -> None:
    """Both are read, and the refusal of a token stays in mind."""
    run = a_run(True, auth={'bearer': 'env:T'}).feed(READ)
    assert isinstance(run.step.effect, ReadSecret)
    run.feed(SecretRead(at=NOW, value='t'))
    assert isinstance(run.step.effect, Exchange)


def test_a_jar_that_cannot_be_read() -> None:
    """Ends the run before a request."""
    fault = JarUnusable(path='jar', problem='it belongs to another user')
    run = a_run('jar').feed(EffectFailed(at=NOW, fault=fault))
    assert run.exchanges == []
    target = a_descriptor(cookies='jar')
    step = begin_probe(target, a_policy(), a_snapshot(target)).unwrap()
    result = advance_probe(step, EffectFailed(at=NOW, fault=fault)).result
    assert result is not None
    assert result.fault == fault


def test_a_probe_reads_them_too() -> None:
    """Once, also for the second method."""
    target = a_descriptor(URL, cookies={'own': 'x'})
    step = begin_probe(target, a_policy(retries=0), a_snapshot(target)).unwrap()
    assert isinstance(step.effect, ReadCookies)
    step = advance_probe(step, READ)
    for method in ('HEAD', 'GET'):
        assert isinstance(step.effect, Exchange)
        assert step.effect.request.method == method
        assert step.effect.request.headers.get('Cookie') == 'kept=jar-value; own=own-value'
        step = advance_probe(step, Responded(at=NOW, head=a_head(405)))


def test_the_story_has_no_cookies() -> None:
    """Names stay."""
    wanted = Cookies(own=(('a', Secret(text='planted')), ('b', Secret(variable='B'))), jar='jar')
    effect = ReadCookies(cookies=wanted, patience=a_policy().stall_timeout)
    shown = redact_effect(effect)
    assert 'planted' not in repr(shown) + show_effect(effect)
    event = redact_event(effect, READ)
    assert isinstance(event, CookiesRead)
    assert event.own == (('own', '***'),)
    assert event.kept.cookies == ()
    assert 'own-value' not in repr(READ)


@pytest.mark.parametrize('auth', [None, {'bearer': 'env:TOKEN'}])
def test_the_password_of_a_key(auth: Any) -> None:
    """It is read before the first request, and sent with no other certificate."""
    options: Any = {'cert': '/c', 'key': '/k', 'key_password': 'env:KEY', 'auth': auth}
    target = a_descriptor(mirrors=['https://mirror.example/x'], **options)
    run = Run(target, a_policy(retries=0), a_snapshot(target)).feed(
        PartOpened(at=NOW, size_bytes=0)
    )
    step = begin_probe(target, a_policy(retries=0), a_snapshot(target)).unwrap()
    if auth is not None:
        run.feed(SecretRead(at=NOW, value='token'))
        step = advance_probe(step, SecretRead(at=NOW, value='token'))
    for effect in (run.step.effect, step.effect):
        assert isinstance(effect, ReadSecret)
        assert effect.secret == Secret(variable='KEY')
    step = advance_probe(step, SecretRead(at=NOW, value='planted'))
    run.feed(SecretRead(at=NOW, value='planted'), answered(404), answered(404))
    assert [exchange.request.tls.passphrase for exchange in run.exchanges] == ['planted', '']
    assert isinstance(step.effect, Exchange)
    assert step.effect.request.tls.passphrase == 'planted'
    assert 'planted' not in repr(redact_effect(step.effect)) + repr(step.effect)


def test_a_password_as_a_text() -> None:
    """Nothing is read, and nothing shows it; without a certificate it means nothing."""
    target = a_descriptor(cert='/c', key_password='planted')
    run = Run(target, a_policy(), a_snapshot(target)).feed(PartOpened(at=NOW, size_bytes=0))
    assert run.exchanges[-1].request.tls.passphrase == 'planted'
    assert 'planted' not in repr(target) + repr(target.redacted())
    assert 'planted' in target.redactor.secrets
    bare = a_descriptor(key_password='env:KEY')
    run = Run(bare, a_policy(), a_snapshot(bare)).feed(PartOpened(at=NOW, size_bytes=0))
    assert run.exchanges[-1].request.tls.passphrase == ''
