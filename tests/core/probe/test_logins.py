"""A probe logs in as a download does."""

from typing import Any

import pytest

from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import SecretUnavailable
from dlmachine.core.probe.result import ProbeStatus
from dlmachine.core.probe.steps import ProbeStep, advance_probe, begin_probe
from dlmachine.core.protocol.effects import Exchange, ReadSecret
from dlmachine.core.protocol.events import EffectFailed, Responded, SecretRead
from tests.builders import NOW, URL, a_descriptor, a_head, a_policy, a_snapshot

DIGEST = {'WWW-Authenticate': 'Digest realm="r", nonce="7", qop="auth"'}


def _begin(auth: Any, url: str = URL) -> ProbeStep:
    target = a_descriptor(url, auth=auth)
    return begin_probe(target, a_policy(retries=0), a_snapshot(target)).unwrap()


def _answer(step: ProbeStep, status: int, fields: Any = None, **more: Any) -> ProbeStep:
    return advance_probe(step, Responded(at=NOW, head=a_head(status, fields), **more))


def _secret(step: ProbeStep, value: str) -> ProbeStep:
    assert isinstance(step.effect, ReadSecret)
    assert step.effect.secret == Secret(variable='A_TOKEN')
    return advance_probe(step, SecretRead(at=NOW, value=value))


def _sent(step: ProbeStep) -> str | None:
    assert isinstance(step.effect, Exchange)
    return step.effect.request.headers.get('Authorization')


def test_a_text_is_sent() -> None:
    """With the first request, and not to another origin."""
    step = _begin(('me', 'password'))
    assert _sent(step) == 'Basic bWU6cGFzc3dvcmQ='
    assert _sent(_answer(step, 302, {'Location': 'https://elsewhere.org/x'})) is None


def test_a_challenge_is_answered_once() -> None:
    """A wrong password ends the probe."""
    step = _begin({'digest': ('me', 'password')})
    assert _sent(step) is None
    step = _answer(step, 401, DIGEST)
    assert (_sent(step) or '').startswith('Digest username="me"')
    result = _answer(step, 401, DIGEST).result
    assert result is not None
    assert result.status is ProbeStatus.FORBIDDEN


@pytest.mark.parametrize(('second', 'is_repeated'), [('one', False), ('two', True)])
def test_a_reference_is_read_again(second: str, is_repeated: bool) -> None:
    """The request is repeated if the token is another one."""
    step = _secret(_begin({'bearer': 'env:A_TOKEN'}), 'one')
    assert _sent(step) == 'Bearer one'
    step = _secret(_answer(step, 401), second)
    if is_repeated:
        assert _sent(step) == 'Bearer two'
        assert _answer(step, 200).result is not None
    else:
        assert step.result is not None
        assert step.result.status_code == 401


def test_a_secret_that_cannot_be_read() -> None:
    """The result says so."""
    fault = SecretUnavailable(source='env:A_TOKEN', problem='the variable is not set')
    step = advance_probe(_begin({'bearer': 'env:A_TOKEN'}), EffectFailed(at=NOW, fault=fault))
    assert step.result is not None
    assert step.result.fault == fault


def test_a_token_that_cannot_be_sent() -> None:
    """The result says so."""
    step = _secret(_begin({'bearer': 'env:A_TOKEN'}), '☃')
    assert step.result is not None
    assert isinstance(step.result.fault, SecretUnavailable)


def test_secrets_of_the_backend_are_masked() -> None:
    """Those of a netrc file, which a server may send back."""
    result = _answer(_begin(None), 200, {'ETag': '"planted"'}, added=('planted',)).result
    assert result is not None
    assert result.etag == '"***"'
