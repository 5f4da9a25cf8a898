"""`secret_names`: what a caller declares as secret is secret in everything that is made of it."""

import pickle
from dataclasses import replace
from typing import Any

import pytest

from dlmachine.core.cache.key import cache_key, shown_url
from dlmachine.core.decision.verdict import Address
from dlmachine.core.faults import HttpStatus, TimedOut
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Tls
from dlmachine.core.integrity.checksum import ChecksumList
from dlmachine.core.plan.plan import Plan, plan
from dlmachine.core.plan.render import show_effect
from dlmachine.core.protocol.effects import Exchange, ExchangeSegments, ReadChecksums, Record, Wait
from dlmachine.core.protocol.events import (
    ChecksumsRead,
    Interrupted,
    Responded,
    SegmentsEnded,
    Waited,
)
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.redact_event import redact_event
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.option_table import OPTIONS
from dlmachine.core.transfer.build_request import build_request
from dlmachine.core.transfer.redirect import follow_redirect
from tests.builders import (
    NOW,
    Run,
    a_cache,
    a_descriptor,
    a_head,
    a_policy,
    a_received,
    a_snapshot,
    answered,
)

SECRET = 'pl4nted-by-name'
NAMES = ('code', 'x-access')
URL = f'https://example.org/x;code={SECRET}/t.csv?code={SECRET}&a=1'
MIRROR = f'https://mirror.example/t.csv?code={SECRET}'
TARGET = a_descriptor(
    URL,
    headers={'X-Access': SECRET, 'Accept': 'text/csv'},
    query={'Code': SECRET},
    mirrors=[MIRROR],
    secret_names=['code', 'X-Access'],
)


def test_every_form_of_a_descriptor_masks_declared_secrets() -> None:
    """Its repr and its copy without secrets, its fields, its plan as text, repr and JSON."""
    policy = a_policy(checksum_file=ChecksumList(f'https://h/sums?code={SECRET}'), segments=4)
    made = plan(TARGET, policy, a_snapshot(TARGET)).unwrap()
    assert isinstance(made, Plan)
    shown = [
        TARGET,
        TARGET.headers,
        TARGET.redacted(),
        made,
        made.policy,
        made.to_json(),
        shown_url(TARGET),
    ]
    shown += [*made.effects, *made.decision.addresses]
    for one in shown:
        assert SECRET not in repr(one)
        assert SECRET not in str(one)
    assert 'code=***' in str(made)
    assert Plan.from_json(made.to_json()).unwrap().with_descriptor(TARGET, policy).unwrap() == made
    forms = a_descriptor(query={'code': SECRET}, post=True, secret_names='code')
    assert SECRET not in repr(forms.redacted().body)
    assert forms.redactor.secrets == {SECRET}


def test_secret_names_do_not_change_the_cache_key() -> None:
    """The download is the same."""
    plain = replace(TARGET, secret_names=())
    assert cache_key(plain) == cache_key(TARGET)
    assert plain != TARGET
    assert 'secret_names' not in OPTIONS


def test_a_bad_name_is_a_fault() -> None:
    """The fault names the argument."""
    assert 'secret_names' in str(Descriptor.parse('https://h/', secret_names=5).failure())


def test_a_declared_field_is_a_credential() -> None:
    """It is not sent to another origin: by a redirect, to a mirror, or for a checksum file."""
    sent = build_request(TARGET, TARGET.url, 'me/1').unwrap()
    assert sent.headers.get('X-Access') == SECRET
    here = follow_redirect(sent, a_head(302, {'Location': '/y'}), (sent.url,), 5).unwrap()
    there = follow_redirect(sent, a_head(302, {'Location': 'https://o/'}), (sent.url,), 5).unwrap()
    assert here.headers.get('X-Access') == SECRET
    for elsewhere in (there, build_request(TARGET, MIRROR, 'me/1').unwrap()):
        assert 'X-Access' not in elsewhere.headers
        assert elsewhere.headers.get('Accept') == 'text/csv'
        assert SECRET in elsewhere.secrets()
    assert SECRET not in repr((sent, here, there, sent.redacted()))
    form = a_descriptor(query={'code': SECRET}, post=True, secret_names='code')
    asked = build_request(form, form.url, 'me/1').unwrap()
    refused = follow_redirect(asked, a_head(307, {'Location': 'https://o/'}), (asked.url,), 5)
    assert 'secrets of a form' in str(refused.failure())


def test_a_checksum_file_elsewhere_gets_no_credentials() -> None:
    """Neither header fields nor the client certificate; at the same origin it gets both."""
    tls = Tls(cert='me.pem', key='me.key', cainfo='ca.pem')
    target = replace(TARGET, tls=tls)
    for place, is_same in (('https://example.org/sums', True), ('https://o/sums?code=x', False)):
        [effect, *_] = [
            one
            for one in plan(target, a_policy(checksum_file=ChecksumList(place)), a_snapshot(target))
            .unwrap()
            .effects
            if isinstance(one, ReadChecksums)
        ]
        assert effect.target is not None
        assert effect.target.secret_names == NAMES
        assert (effect.target.tls == tls) is is_same
        assert (effect.target.tls.cert, effect.target.tls.key) == (
            ('me.pem', 'me.key') if is_same else (None, None)
        )
        assert effect.target.tls.cainfo == 'ca.pem'
        assert bool(effect.target.headers) is is_same


def test_response_fields_are_masked_by_declared_names() -> None:
    """In the record: under their names, under other names, and as a field name."""
    run = Run(TARGET, a_policy(), a_snapshot(TARGET, cache=a_cache())).go_well(until=Exchange)
    [exchange] = run.exchanges
    told = {'X-Access': 'new-secret', 'X-Echo': SECRET, SECRET: '1', 'Location': f'/?code={SECRET}'}
    run.feed(answered(200, {**told, 'Content-Type': 'text/csv'})).go_well(until=Record)
    [update] = run.updates
    assert SECRET not in repr(update)
    assert 'new-secret' not in repr(update)
    assert 't.csv' in repr(update)
    event = redact_event(exchange, Responded(at=NOW, head=a_head(200, told, reason=f'no {SECRET}')))
    assert SECRET not in repr(event)
    assert 'new-secret' not in repr(event)


def test_the_url_of_a_checksum_file_is_masked_by_declared_names() -> None:
    """In the effect that reads it, and in the error if it has no line for the file."""
    policy = a_policy(checksum_file=ChecksumList(f'https://h/sums?code={SECRET}'))
    run = Run(TARGET, policy, a_snapshot(TARGET))
    assert isinstance(run.step.effect, ReadChecksums)
    assert SECRET not in show_effect(run.step.effect)
    fault = run.feed(ChecksumsRead(at=NOW, text='')).fault
    assert 'https://h/sums?code=' in str(fault)
    assert SECRET not in str(fault)


def test_a_declared_cookie_of_a_response_is_masked_in_it() -> None:
    """However short it is, and although the cookie comes with the response that echoes it."""
    target = a_descriptor(secret_names='code')
    run = Run(target, a_policy(retries=0), a_snapshot(target)).go_well(until=Exchange)
    refused = answered(404, {'Set-Cookie': 'code=short'})
    run.feed(replace(refused, error_text='not for short')).go_well(until=type(None))
    assert isinstance(run.fault, HttpStatus)
    assert run.fault.body == 'not for ***'


def test_the_story_contains_no_echoed_secret() -> None:
    """In responses, interruptions and segments; events without secrets are unchanged."""
    run = Run(TARGET, a_policy(), a_snapshot(TARGET)).go_well(until=Exchange)
    [exchange] = run.exchanges
    fault = TimedOut(url='https://h/', phase='total', limit=exchange.stall_timeout)
    head = a_head(200, {'X-Echo': SECRET})
    whole = answered(200, {'X-Echo': SECRET}, a_received(SECRET.encode()))
    broken = Interrupted(at=NOW, fault=fault, head=head, part_bytes=1)
    many = ExchangeSegments(
        exchange=exchange, spans=((0, 1),), held=(), whole_bytes=2, validator='"1"', connections=1
    )
    ends = SegmentsEnded(at=NOW, ends=(whole, broken, None))
    assert SECRET in repr(whole)
    for effect, event in ((exchange, whole), (exchange, broken), (many, ends)):
        assert SECRET not in repr(redact_event(effect, event))
    no_head = replace(broken, head=None)
    assert redact_event(exchange, no_head) is no_head
    waited = Waited(at=NOW)
    assert redact_event(Wait(duration=exchange.stall_timeout, reason=''), waited) is waited
    plain = Run(a_descriptor(), a_policy(), a_snapshot()).go_well(until=Exchange).exchanges[0]
    assert redact_event(plain, whole) is whole


@pytest.mark.parametrize('url', [f'https://h/?code={SECRET}', f'https://h/;code={SECRET}'])
def test_urls_are_shown_with_their_names(url: str) -> None:
    """URLs of downloads and of checksum files."""
    assert SECRET not in repr(Address(url=url, backend='curl', secret_names=('code',)))
    assert SECRET not in repr(ChecksumList(url, ('code',)))
    assert SECRET in repr(ChecksumList(url))


def test_headers_keep_declared_names() -> None:
    """Through every change."""
    made = Headers((('X-Access', SECRET),), NAMES)
    for one in (made.with_field('A', 'b'), made.without('B'), made.redacted(), made):
        assert one.secret_names == NAMES
        assert SECRET not in repr(one)
    assert made.with_secret_names(NAMES) is made
    assert made.with_secret_names(()).secret_names == ()


def test_a_pickled_outcome_stores_no_secret() -> None:
    """Its story is masked by value and by name; steps without a request are kept."""
    run = Run(TARGET, a_policy(), a_snapshot(TARGET)).go_well(until=Exchange)
    [exchange] = run.exchanges
    fault = TimedOut(url='https://h/', phase='total', limit=exchange.stall_timeout)
    whole = answered(200, {'X-Echo': SECRET, 'X-Access': 'given-now'})
    broken = Interrupted(at=NOW, fault=fault, head=None, part_bytes=0)
    many = ExchangeSegments(
        exchange=exchange, spans=((0, 1),), held=(), whole_bytes=2, validator='"1"', connections=1
    )
    waited = (Wait(duration=exchange.stall_timeout, reason=''), Waited(at=NOW))
    story: tuple[Any, ...] = (
        (ReadChecksums(target=TARGET, max_bytes=1), ChecksumsRead(at=NOW, text='')),
        (exchange, whole),
        (exchange, broken),
        (many, SegmentsEnded(at=NOW, ends=(whole, None))),
        waited,
    )
    outcome = Outcome(origin=Origin.NETWORK, reason='', key='', path='p', story=story)
    assert SECRET in repr(outcome.story)

    stored = pickle.dumps(outcome)
    assert SECRET.encode() not in stored
    assert b'given-now' not in stored
    read = pickle.loads(stored)
    assert (read.path, read.story[2][1], read.story[4]) == ('p', broken, waited)
