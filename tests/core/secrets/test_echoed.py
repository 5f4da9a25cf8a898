"""Secrets that a server echoes in unexpected fields."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from dlmachine.core.faults import AnswerUnusable, HttpStatus, RedirectRefused
from dlmachine.core.http.body import (
    ContentPart,
    FilePart,
    FormBody,
    JsonBody,
    MultipartBody,
    NoBody,
    RawBody,
    body_pairs,
)
from dlmachine.core.plan.render import show_effect
from dlmachine.core.protocol.body_decision import RejectResponse
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Discarded, PartOpened, Published
from dlmachine.core.secrets.redact import scrub, secrets_in_pairs
from dlmachine.core.transfer.build_request import build_request
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.core.transfer.redirect import follow_redirect
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

TOKEN = 'tok/3n of-mine'
TARGET = a_descriptor(headers={'Authorization': f'Bearer {TOKEN}'})
ELSEWHERE = 'https://elsewhere.example/t.csv'


@pytest.mark.parametrize(
    'text',
    [
        'tok/3n of-mine', 'tok%2F3n%20of-mine', 'tok%2f3n+of-mine', 'tok/3n%20of-mine', 'TOK/3N OF-MINE',
        '%74ok/3n of-mine',
    ],
)  # fmt: skip
def test_secrets_are_seen_through_escapes(text: str) -> None:
    """Percent-encoding of all or some characters, in any case."""
    assert scrub(f'<{text}>', {TOKEN}) == '<***>'


def test_secrets_beyond_ascii_are_seen_as_headers_are_read() -> None:
    """UTF-8 that was decoded as ISO 8859-1, and escaped."""
    secret = 'pässwörd'
    for text in (secret, secret.encode().decode('latin-1'), 'p%C3%A4ssw%c3%b6rd'):
        assert scrub(text, {secret}) == '***'
    assert scrub('password', {secret}) == 'password'


def test_nothing_is_searched_for_where_nothing_is_secret() -> None:
    """Short secrets are not searched for, and empty text contains none."""
    assert (scrub('abc', ()), scrub('abc', {'abc'}), scrub('', {'abcd'})) == ('abc', 'abc', '')


@pytest.mark.parametrize(
    ('cookie', 'found'),
    [
        ('sid=abc; theme=dark', {'abc'}),
        ('a="twelve-chars"; b', {'twelve-chars'}),
        ('a=eleven-char', set()),
        ('token=', set()),
    ],
)
def test_a_cookie_has_values_of_its_own(cookie: str, found: set[str]) -> None:
    """Values of secret names and long values are secret; short ones may be common words."""
    whole = {cookie, cookie.split(None, 1)[-1]}
    assert secrets_in_pairs([('Cookie', cookie)]) - whole == found


@pytest.mark.parametrize(
    ('coded', 'password'),
    [
        (b64encode(b'me:pass:word').decode(), {'pass:word'}),
        (b64encode(b'me').decode(), set()),
        ('no base64', set()),
    ],
)
def test_basic_credentials_have_a_password(coded: str, password: set[str]) -> None:
    """The password is decoded from Base64 (RFC 7617)."""
    value = f'basic {coded}'
    assert secrets_in_pairs([('Authorization', value)]) - {value, coded} == password


def test_bodies_name_what_is_in_them() -> None:
    """Forms, JSON at any depth and texts of multipart bodies; not files or raw bytes."""
    made = a_descriptor(multipart={'token': TOKEN, 'plain': 'text'})
    assert list(body_pairs(made.body)) == [('token', TOKEN), ('plain', 'text')]
    file = ContentPart(name='token', content=b'bytes', filename='x.bin')
    on_disk = FilePart(name='token', path='/x.bin', filename='x.bin')
    assert list(body_pairs(MultipartBody((file, on_disk)))) == []
    deep = JsonBody('{"a": {"key": [1, "b", null, true]}, "c": 2.5}')
    named = [('key', '1'), ('key', 'b'), ('a', '1'), ('a', 'b'), ('c', '2.5')]
    assert list(body_pairs(deep)) == named
    assert list(body_pairs(FormBody((('a', 'b'),)))) == [('a', 'b')]
    assert list(body_pairs(RawBody(b'x'))) == list(body_pairs(NoBody())) == []
    assert made.redactor.secrets == {TOKEN, TOKEN.split(None, 1)[-1]}


@pytest.mark.parametrize(
    ('content', 'is_told'),
    [
        ({'json': {'user': {'password': 'x'}}}, False),
        ({'multipart': {'password': 'x'}}, False),
        ({'json': {'a': 'x'}}, True),
        ({'multipart': {'a': 'x'}}, True),
        ({'data': b'x'}, True),
    ],
)
def test_secrets_of_a_body_stay_with_their_origin(content: dict[str, Any], is_told: bool) -> None:
    """A redirect that keeps the body is followed only if no field of it is secret by name."""
    request = build_request(a_descriptor(**content), URL, 'me').unwrap()
    head = a_head(307, {'Location': ELSEWHERE})
    moved = follow_redirect(request, head, (URL,), 5)
    assert (moved.value_or(None) is not None) == is_told


def run() -> Run:
    """A run to memory with a token."""
    return Run(TARGET, a_policy(retries=0), a_snapshot(TARGET)).feed(
        PartOpened(at=NOW, size_bytes=0)
    )


def test_redirects_show_no_echoed_secret() -> None:
    """Other origins are covered too, although the token itself is not sent there."""
    for place in (URL, ELSEWHERE):
        going = run().feed(answered(302, {'Location': f'{place}?next=tok%2f3n%20of-mine'}))
        asked = going.exchanges[-1]
        assert 'tok' in asked.request.url
        assert asked.request.shown_url == f'{place}?next=***'
        assert 'tok%' not in show_effect(asked) + repr(asked) + repr(asked.request.redacted().url)
        going.feed(answered(200), Published(at=NOW, path=None))
        assert going.outcome.record is not None
        assert going.outcome.record.urls == (URL, f'{place}?next=***')


def test_a_secret_under_another_name_is_one_too() -> None:
    """The name of the header field does not matter."""
    target = a_descriptor(headers={'Authorization': f'Bearer {TOKEN}', 'X-Lab': f'me {TOKEN}'})
    going = Run(target, a_policy(), a_snapshot(target)).feed(PartOpened(at=NOW, size_bytes=0))
    going.feed(answered(200), Published(at=NOW, path=None))
    record = going.outcome.record
    assert record is not None
    assert dict(record.request_headers)['X-Lab'] == 'me ***'
    assert TOKEN not in record.to_json()


def test_faults_show_no_echo() -> None:
    """The faults mask both the URL and the server's text."""
    going = run().feed(answered(302, {'Location': f'{URL}?next=tok%2F3n+of-mine'}))
    going.feed(answered(404), Discarded(at=NOW))
    assert going.fault == HttpStatus(url=f'{URL}?next=***', status=404, reason='', tries=2)
    refused = run().feed(
        answered(302, {'Location': 'ftp://h/tok%2F3n%20of-mine'}), Discarded(at=NOW)
    )
    assert isinstance(refused.fault, RedirectRefused)
    assert refused.fault.location == 'ftp://h/***'
    asked = run().step.effect
    assert isinstance(asked, Exchange)
    odd = decide_body(asked, a_head(200, {'Content-Encoding': TOKEN}))
    assert isinstance(odd, RejectResponse)
    assert isinstance(odd.fault, AnswerUnusable)
    assert TOKEN not in odd.fault.problem
    assert '***' in odd.fault.problem


def test_what_is_hidden_makes_no_other_request() -> None:
    """Hidden secrets are not compared."""
    plain = build_request(a_descriptor(), URL, 'me').unwrap()
    secret = build_request(TARGET, URL, 'me').unwrap()
    assert plain.hidden == ()
    assert set(secret.hidden) == TARGET.redactor.secrets
    assert replace(secret, hidden=()) == secret
    assert secret.redacted().hidden == ()


def test_long_values_of_cookies_are_secret() -> None:
    """Values of twelve characters or more; shorter ones may be common words."""
    assert 'abcdefghijkl' in secrets_in_pairs([('Cookie', 'a=abcdefghijkl; b=c')])
    assert 'abcdefghijk' not in secrets_in_pairs([('Cookie', 'a=abcdefghijk; b=c')])


def test_credentials_are_read_however_many_spaces_there_are() -> None:
    """Servers accept several spaces too (RFC 9110 section 11.4 has one or more)."""
    coded = b64encode(b'me:open sesame').decode('ascii')
    assert 'open sesame' in secrets_in_pairs([('Authorization', f'Basic  {coded}')])
