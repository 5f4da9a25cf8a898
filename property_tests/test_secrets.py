"""Secrets in every argument of a caller, which must appear in no output."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from dlmachine.core.cache.updates import NewVersion, flat_attributes
from dlmachine.core.decision.snapshot import BackendSeen, CacheSeen, Snapshot
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.machine.machine import advance, begin
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.events import (
    LockAcquired,
    Observed,
    PartOpened,
    Published,
    Recorded,
    Responded,
)
from dlmachine.core.protocol.states import Failed
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToMemory, Wanted
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Window
from property_tests import strategies as of

SECRET = 'pl4nt+ed/s3cret'
#: All forms in which the secret may be written.
CODED = quote(SECRET, safe='')
TWICE = quote(CODED, safe='')
WRITTEN = (SECRET, CODED, TWICE, 'bWU6cGw0bnQrZWQvczNjcmV0')
#: Fields of a query.
NESTED = {
    'query': f'token={CODED}',
    'declared': f'code={CODED}',
    'semicolon': f'b=1;sig={CODED}',
    'url': f'next=https%3A//h/%3Ftoken%3D{TWICE}',
    'login': f'url=https://me:{CODED}@h/',
    'json': f'q=%7B%22token%22%3A%22{CODED}%22%7D',
    'field': f'h=Authorization%3A%20Bearer%20{TWICE}',
}
PLACES = ('header', 'userinfo', 'path', 'form', 'mirror', *NESTED)


@st.composite
def planted(draw: st.DrawFn) -> Descriptor:
    """Descriptors with the secret in one of the possible fields, or in all of them."""
    places = draw(st.sets(st.sampled_from(PLACES), min_size=1))
    userinfo = f'me:{quote(SECRET, safe="")}@' if 'userinfo' in places else ''
    fields = [field for place, field in NESTED.items() if place in places]
    query = f'?{"&".join(fields)}' if fields else ''
    path = f';jsessionid={quote(SECRET, safe="")}' if 'path' in places else ''
    in_form = 'form' in places
    return Descriptor.parse(
        f'https://{userinfo}example.org/t.csv{path}{query}',
        query={'access_token': SECRET, 'ids': '1'} if in_form or 'query' in places else None,
        post=in_form,
        headers={'X-Api-Key': SECRET, 'Cookie': f'id={SECRET}', 'X-Access': SECRET}
        if 'header' in places
        else None,
        secret_names=['code', 'X-Access'],
        mirrors=[f'https://me:{quote(SECRET, safe="")}@mirror.example/t.csv']
        if 'mirror' in places
        else [],
    ).unwrap()


def _is_clean(*texts: object) -> bool:
    return not any(secret in str(text) for secret in WRITTEN for text in texts)


def _seen(descriptor: Descriptor) -> Snapshot:
    backends = BackendSeen(name='requests', schemes=('http', 'https'))
    return Snapshot(
        now=of.NOW,
        chance=0.5,
        key='0' * 64,
        cache=CacheSeen(folder='/cache', item_id='item'),
        backends=(backends,),
    )


@given(planted(), of.wanted)
def test_plans_show_no_secrets(descriptor: Descriptor, wanted: Wanted) -> None:
    """Neither text nor JSON of a plan has a secret, nor the repr of its input."""
    made = plan(descriptor, Policy(dest=wanted), _seen(descriptor)).unwrap()
    assert _is_clean(
        made, repr(made), made.to_json(), repr(descriptor), repr(descriptor.redacted())
    )
    assert made.redacted().is_redacted


@given(
    planted(),
    st.sampled_from(['X-Echo', 'Location', 'Link', 'Set-Cookie', 'Content-Location']),
    st.sampled_from(WRITTEN),
)
def test_records_show_no_secrets(descriptor: Descriptor, header: str, echoed: str) -> None:
    """With any echo of the server, the update and the record have no secret."""
    snapshot = _seen(descriptor)
    step = begin(descriptor, Policy(), snapshot)
    echo = Headers(
        (
            (
                header,
                f'https://h/?token={echoed}' if header != 'X-Echo' else f'saw {_echo(descriptor)}',
            ),
        )
    )
    received = Received(size_bytes=1, wire_bytes=1, sha256=of.DIGESTS[0])
    for event in (
        LockAcquired(at=of.NOW),
        Observed(at=of.NOW, snapshot=snapshot),
        PartOpened(at=of.NOW, size_bytes=0),
        Responded(at=of.NOW, head=ResponseHead(status=200, headers=echo), received=received),
        Published(at=of.NOW, path='/cache/item-1.csv'),
    ):
        step = advance(step.state, event)
    assert isinstance(step.update, NewVersion)
    record = step.update.record
    assert _is_clean(
        step.update, record, record.to_json(), json.dumps(dict(flat_attributes(record)))
    )
    assert advance(step.state, Recorded(at=of.NOW)).effect is not None


def _echo(descriptor: Descriptor) -> str:
    # The values that a server can echo: the request as sent.
    sent = begin(descriptor, Policy(dest=ToMemory()), replace(_seen(descriptor), cache=None))
    step = advance(sent.state, PartOpened(at=of.NOW, size_bytes=0))
    return ' '.join(getattr(step.effect, 'request').secrets())  # noqa: B009 -- an Exchange


@given(planted(), of.heads(), st.sampled_from(WRITTEN))
def test_faults_show_no_secrets(descriptor: Descriptor, head: ResponseHead, echoed: str) -> None:
    """Faults of a response have no secret, even if its reason phrase echoes one."""
    echo = echoed if echoed in _echo(descriptor) else 'nothing'
    head = replace(head, reason=f'no {echo}')
    policy = Policy(dest=ToMemory(), retries=0)
    step = begin(descriptor, policy, _seen(descriptor))
    step = advance(step.state, PartOpened(at=of.NOW, size_bytes=0))
    for _ in range(30):
        step = advance(step.state, Responded(at=of.NOW, head=head))
        if isinstance(step.state, Failed):
            assert _is_clean(step.state.fault, repr(step.state.fault))
            break


@given(
    planted(),
    st.sampled_from(
        [
            Policy(offline=True),
            Policy(backend='wget'),
            Policy(window=Window(older_than=datetime(2000, 1, 1, tzinfo=UTC))),
        ]
    ),
)
def test_refusals_show_no_secrets(descriptor: Descriptor, policy: Policy) -> None:
    """A refusal shows the URL without secrets."""
    made = plan(descriptor, policy, _seen(descriptor))
    assert not is_successful(made)
    assert _is_clean(made.failure(), repr(made.failure()))
