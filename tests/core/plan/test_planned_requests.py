"""Plans with one request: a copy behind a redirect, a part, a login."""

from typing import Any

import pytest

from dlmachine.core.access.secret import Secret
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.plan.plan import Plan, plan
from dlmachine.core.protocol.effects import Exchange, ReadSecret
from dlmachine.core.protocol.events import SecretRead
from dlmachine.core.protocol.redact_event import redact_event, redact_step
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from tests.builders import (
    NOW,
    a_cache,
    a_descriptor,
    a_part,
    a_path,
    a_policy,
    a_record,
    a_snapshot,
    an_entry,
)

DATE = 'Wed, 01 May 2024 00:00:00 GMT'


def made(policy: Policy, snapshot: Snapshot, **described: Any) -> Plan:
    """A plan of the download in these tests."""
    return plan(a_descriptor(**described), policy, snapshot).unwrap()


def requests_in(made: Plan) -> int:
    """The number of requests that a plan shows."""
    return sum(isinstance(effect, Exchange) for effect in made.effects)


@pytest.mark.parametrize('known', [{'etag': '"v1"'}, {'etag': None, 'last_modified': DATE}])
def test_a_copy_that_came_through_a_redirect_is_confirmed_by_one_request(
    known: dict[str, Any],
) -> None:
    """Redirects are not planned: the server leads to the source of the copy again."""
    record = a_record(urls=('https://example.org/t.csv', 'https://elsewhere/t.csv'), **known)
    seen = a_snapshot(cache=a_cache(an_entry(record=record)))
    assert requests_in(made(a_policy(check_freshness=True), seen)) == 1


@pytest.mark.parametrize(
    'known',
    [
        Representation(size_bytes=9),
        Representation(source=source_digest('https://elsewhere/t.csv')),
        Representation(promised=('Repr-Digest', 'sha256', 'ab' * 32)),
    ],
)
def test_a_part_is_resumed_by_one_request(known: Representation) -> None:
    """The rest is of the same file, whatever the first response said of it."""
    seen = a_snapshot(cache=a_cache(), part=a_part(representation=known))
    assert requests_in(made(a_policy(), seen)) == 1


@pytest.mark.parametrize(
    ('auth', 'line', 'reads'),
    [
        ({'bearer': 'env:TOKEN'}, 'bearer env:TOKEN, sent only to https://example.org', True),
        (('me', 'planted'), "basic for user 'me', password ***, sent only to https://example.org", False),
        ({'bearer': lambda: 'planted'}, 'bearer function', True),
        ({'netrc': '/n'}, 'netrc /n', False),
        (False, 'none', False),
    ],
)  # fmt: skip
def test_a_plan_tells_the_login(auth: Any, line: str, *, reads: bool) -> None:
    """Who, by which reference, and for which origin; its JSON can be read back."""
    plan_of = made(a_policy(), a_snapshot(cache=a_cache()), auth=auth)
    assert f'  auth         {line}' in str(plan_of)
    assert requests_in(plan_of) == 1
    assert any(isinstance(effect, ReadSecret) for effect in plan_of.effects) is reads
    assert ('read the secret' in str(plan_of)) is reads
    assert 'planted' not in f'{plan_of} {plan_of!r} {plan_of.to_json()}'
    back = Plan.from_json(plan_of.to_json()).unwrap()
    assert back == plan_of.redacted()


@pytest.mark.parametrize('scheme', ['basic', 'digest'])
def test_a_login_by_digest_uses_one_connection(scheme: str) -> None:
    """Each request needs an answer of its own."""
    seen = a_snapshot(destination=a_path())
    policy = a_policy(dest=ToPath('/data/t.csv'), segments=4)
    plan_of = made(policy, seen, auth={scheme: ('me', 'pw')})
    [exchange] = [effect for effect in plan_of.effects if isinstance(effect, Exchange)]
    assert (exchange.expect.last is None) is (scheme == 'digest')


def test_a_secret_is_masked_in_the_story() -> None:
    """So is the text or the function that it came from."""
    effect = ReadSecret(secret=Secret(text='planted'), patience=a_policy().stall_timeout)
    event = SecretRead(at=NOW, value='planted')
    assert redact_event(effect, event) == SecretRead(at=NOW, value='***')
    assert 'planted' not in repr(redact_step(effect, event))
