"""Cookies in a run of the machine: redirects, retries, mirrors."""

from typing import Any

import pytest

from dlmachine.core.faults import ConnectionFailed
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.protocol.events import Discarded, PartOpened, Responded, Waited
from dlmachine.core.protocol.redact_event import redact_event
from dlmachine.core.transfer.redirect import follow_redirect, hop_of
from tests.builders import (
    NOW,
    URL,
    Run,
    a_descriptor,
    a_head,
    a_policy,
    a_snapshot,
    answered,
    interrupted,
)

LOST = ConnectionFailed(url=URL, phase='receive')
WAITED = Waited(at=NOW)


def a_run(**described: Any) -> Run:
    """A run whose part is open."""
    target = a_descriptor(**described)
    return Run(target, a_policy(retries=3), a_snapshot(target)).feed(
        PartOpened(at=NOW, size_bytes=0)
    )


def cookies(run: Run) -> list[str | None]:
    """The sent cookies, in order."""
    return [exchange.request.headers.get('Cookie') for exchange in run.exchanges]


def led(location: str, *values: str) -> Any:
    """A redirect response that sets cookies."""
    head = a_head(302, {'Location': location})
    fields = (*head.headers, *(('Set-Cookie', value) for value in values))
    event = answered(302, {})
    return type(event)(at=NOW, head=type(head)(status=302, headers=Headers(fields)))


def test_a_redirect_carries_cookies_of_the_one_before() -> None:
    """To its own host only, also on the way back; the record has only URLs."""
    elsewhere = 'https://elsewhere.example/login'
    run = a_run().feed(
        led(elsewhere, 'a=1'), led(URL, 'b=2'), led('/in', 'c=3; Path=/'), answered()
    )
    assert [exchange.request.url for exchange in run.exchanges] == [
        URL, elsewhere, URL, 'https://example.org/in',
    ]  # fmt: skip
    assert cookies(run) == [None, None, 'a=1', 'a=1; c=3']


@pytest.mark.parametrize(
    ('hops', 'is_circle'),
    [
        ([('/b', ()), (URL, ())], True),
        ([('/b', ('a=1',)), (URL, ())], False),
        ([('/b', ('a=1',)), (URL, ()), ('/b', ('a=1',))], True),
        ([('/b', ('a=1',)), (URL, ()), ('/b', ('a=2',))], False),
        ([(URL, ())], True),
        ([(URL, ('a=1',))], False),
        ([(URL, ('a=1; Path=/b',))], True),
        ([(URL, ('a=1',)), (URL, ('a=1',))], True),
        ([(URL, ('a=1',)), (URL, ('a=; Max-Age=0',))], True),
    ],
)
def test_a_redirect_loop_is_refused(
    hops: list[tuple[str, tuple[str, ...]]], is_circle: bool
) -> None:
    """The same request with the same cookies."""
    run = a_run().feed(*(led(location, *values) for location, values in hops))
    count = 1 + len(hops) - is_circle
    assert len(run.exchanges) == count
    assert ('Discard' in type(run.effects[-1]).__name__) == is_circle


def test_the_callers_cookies_do_not_make_a_different_request() -> None:
    """They are not sent to another origin, and a return without them is still a loop."""
    run = a_run(headers={'Cookie': 'mine=1'}).feed(led('https://elsewhere.example/'), led(URL))
    assert cookies(run) == ['mine=1', None]


def test_another_method_makes_another_request() -> None:
    """A form may redirect to its own URL, which is then requested by GET."""
    asked = Request(method='POST', url=URL)
    assert hop_of(asked) != hop_of(Request(method='GET', url=URL)) == URL
    head = a_head(303, {'Location': URL})
    assert follow_redirect(asked, head, (hop_of(asked),), 5).unwrap().url == URL
    moved = follow_redirect(asked, a_head(307, {'Location': URL}), (hop_of(asked),), 5)
    assert 'it is a loop' in str(moved.failure())


def test_a_hop_shows_no_cookie() -> None:
    """It contains a digest of the cookies."""
    asked = Request(
        method='PUT', url=URL, headers=Headers((('Cookie', 's=1'),)), added_cookies='s=1'
    )
    assert hop_of(asked).startswith(f'{URL}#PUT,')
    assert 's=1' not in hop_of(asked)


def test_retries_and_mirrors_carry_cookies() -> None:
    """Cookies are also sent if the attempt that received them failed."""
    mirror = 'https://example.org/mirror'
    run = a_run(mirrors=[mirror, 'https://other.example/'])
    run.feed(answered(503, {'Set-Cookie': 'a=1'}), answered(503, {'Set-Cookie': 'b=2'}))
    run.feed(answered(503, {'Set-Cookie': 'c=3'}), WAITED)
    broken = interrupted(LOST, head=a_head(200, {'Set-Cookie': 'd=4'}), part_bytes=0)
    run.feed(broken, interrupted(LOST, head=None))
    assert cookies(run) == [None, 'a=1', None, 'a=1; b=2', 'a=1; b=2; d=4', 'c=3']


def test_received_cookies_are_secrets_of_the_run() -> None:
    """A cookie is masked wherever it is echoed, even if it was not kept."""
    run = a_run().feed(led('/in?x=planted-in-a-cookie', 'a=planted-in-a-cookie'))
    assert 'planted-in-a-cookie' not in repr(run.effects)

    head = a_head(404, {'Set-Cookie': 'b=planted-later; Domain=com'}, reason='no planted-later')
    run.feed(Responded(at=NOW, head=head), Discarded(at=NOW))
    assert 'no ***' in str(run.fault)


def test_the_story_masks_what_a_response_sets() -> None:
    """In the response itself too, although its request did not have the cookie."""
    head = a_head(302, {'Set-Cookie': 'b=planted-later', 'X-Echo': 'planted-later'})
    effect = a_run().exchanges[0]
    assert 'planted-later' not in repr(redact_event(effect, Responded(at=NOW, head=head)))
