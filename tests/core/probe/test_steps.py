"""The requests of a probe, and what follows from each response."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.decision.snapshot import FileSeen
from dlmachine.core.faults import (
    AnswerUnusable,
    Cancelled,
    ConnectionFailed,
    Fault,
    HttpStatus,
    InvalidInput,
    RedirectRefused,
    TimedOut,
)
from dlmachine.core.probe.result import KnownVersion, ProbeResult, ProbeStatus
from dlmachine.core.probe.steps import ProbeStep, advance_probe, begin_probe
from dlmachine.core.protocol.effects import Exchange, Wait
from dlmachine.core.protocol.events import EffectFailed, Interrupted, Responded, Waited
from tests.builders import (
    MIRROR,
    NOW,
    URL,
    a_cache,
    a_descriptor,
    a_head,
    a_policy,
    a_record,
    a_snapshot,
    an_entry,
)


class Probing:
    """A probe, and its effects so far."""

    def __init__(
        self,
        url: str = URL,
        policy: Any = None,
        known: KnownVersion | None = None,
        snapshot: Any = None,
        **described: Any,
    ) -> None:
        """Begin it."""
        target = a_descriptor(url, **described)
        begun = begin_probe(target, policy or a_policy(), snapshot or a_snapshot(target), known)
        self.step: ProbeStep = begun.unwrap()
        self.asked: list[str] = []
        self._note()

    def _note(self) -> None:
        if isinstance(self.step.effect, Exchange):
            request = self.step.effect.request
            self.asked.append(f'{request.method} {request.url}')

    def _feed(self, event: Any) -> 'Probing':
        self.step = advance_probe(self.step, event)
        self._note()
        return self

    def answer(self, status: int, fields: Any = None, text: str = '') -> 'Probing':
        """Feed a response."""
        return self._feed(Responded(at=NOW, head=a_head(status, fields), error_text=text))

    def breaks(self, fault: Fault) -> 'Probing':
        """Feed an interruption."""
        return self._feed(Interrupted(at=NOW, fault=fault))

    def wait(self) -> 'Probing':
        """Feed the end of a wait."""
        assert isinstance(self.step.effect, Wait)
        return self._feed(Waited(at=NOW))

    @property
    def request(self) -> Any:
        """The current request."""
        assert isinstance(self.step.effect, Exchange)
        return self.step.effect.request

    @property
    def result(self) -> ProbeResult:
        """The result."""
        assert self.step.effect is None
        assert self.step.result is not None
        return self.step.result


def test_a_head_is_enough() -> None:
    """It has the caller's fields, and no range; the result has what the response says."""
    run = Probing(headers={'X-Lab': '7'}, query={'token': 's3cret'})
    assert (run.request.method, run.request.headers.get('X-Lab')) == ('HEAD', '7')
    assert 'Range' not in run.request.headers
    assert run.step.effect.expect.is_probe  # type: ignore[union-attr]
    fields = {
        'Content-Length': '5',
        'ETag': '"a"',
        'Last-Modified': 'Sun, 06 Nov 1994 08:49:37 GMT',
    }
    result = run.answer(200, fields).result
    assert result == ProbeResult(
        url=f'{URL}?token=***',
        status=ProbeStatus.ALIVE,
        reason='the server answered 200',
        final_url=f'{URL}?token=***',
        status_code=200,
        size_bytes=5,
        etag='"a"',
        last_modified='Sun, 06 Nov 1994 08:49:37 GMT',
    )
    assert result.ok


@pytest.mark.parametrize('status', [400, 403, 404, 405, 501])
def test_the_first_byte_is_requested_where_head_fails(status: int) -> None:
    """Once, from the first URL; its response decides."""
    run = Probing().answer(301, {'Location': '/y'}).answer(status)
    assert run.asked == [f'HEAD {URL}', 'HEAD https://example.org/y', f'GET {URL}']
    assert run.request.headers.get('Range') == 'bytes=0-0'
    result = run.answer(206, {'Content-Range': 'bytes 0-0/77'}).result
    assert (result.status, result.size_bytes, result.moved_to) == (ProbeStatus.ALIVE, 77, None)


@pytest.mark.parametrize(
    ('status', 'found'),
    [
        (401, ProbeStatus.FORBIDDEN), (403, ProbeStatus.FORBIDDEN), (404, ProbeStatus.GONE), (410, ProbeStatus.GONE),
        (400, ProbeStatus.UNREACHABLE), (405, ProbeStatus.UNREACHABLE), (451, ProbeStatus.UNREACHABLE), (416, ProbeStatus.UNREACHABLE),
        (304, ProbeStatus.UNREACHABLE), (500, ProbeStatus.UNREACHABLE), (202, ProbeStatus.UNREACHABLE), (999, ProbeStatus.UNREACHABLE),
    ],
)  # fmt: skip
def test_errors_have_their_meaning(status: int, found: ProbeStatus) -> None:
    """If GET fails as HEAD did."""
    run = Probing(policy=a_policy(retries=0)).answer(status)
    if run.step.result is None:
        run.answer(status, text='why')
    result = run.result
    assert (result.status, result.status_code, result.final_url) == (found, status, URL)
    assert f'the server answered {status}' in result.reason
    assert isinstance(result.fault, HttpStatus)
    assert not result.ok


def test_an_empty_file_is_alive() -> None:
    """Its first byte cannot be sent."""
    run = Probing().answer(405).answer(416, {'Content-Range': 'bytes */0'})
    assert (run.result.status, run.result.size_bytes) == (ProbeStatus.ALIVE, 0)


def test_permanent_redirects_at_the_beginning_move_it() -> None:
    """A temporary one behind them does not: its target is not a new address."""
    run = (
        Probing().answer(301, {'Location': '/a'}).answer(308, {'Location': 'https://b.org/t?sig=x'})
    )
    run.answer(302, {'Location': 'https://cdn.org/'}).answer(301, {'Location': '/end'})
    result = run.answer(200).result
    assert result.status is ProbeStatus.MOVED
    assert result.moved_to == 'https://b.org/t?sig=***'
    assert result.final_url == 'https://cdn.org/end'
    assert result.reason == 'the URL has moved permanently to https://b.org/t?sig=***'
    assert Probing().answer(302, {'Location': '/a'}).answer(200).result.status is ProbeStatus.ALIVE


def test_redirects_follow_the_rules_of_downloads() -> None:
    """A loop, a change to http and too many are refused; credentials stay with their origin."""
    assert Probing().answer(302, {'Location': URL}).result.reason.endswith('it is a loop')
    downgraded = Probing().answer(301, {'Location': 'http://example.org/'}).result
    assert isinstance(downgraded.fault, RedirectRefused)
    assert (downgraded.status, downgraded.moved_to) == (ProbeStatus.UNREACHABLE, None)
    run = Probing(headers={'Authorization': 's3cret'}).answer(302, {'Location': 'https://b.org/'})
    assert 'Authorization' not in run.request.headers
    strict = Probing(policy=a_policy(max_redirects=0)).answer(302, {'Location': '/a'})
    assert strict.result.status is ProbeStatus.UNREACHABLE


def test_see_other_stays_a_head() -> None:
    """RFC 9110 section 15.4.4: 303 leads to a GET or a HEAD."""
    run = Probing().answer(303, {'Location': '/a'})
    assert run.request.method == 'HEAD'
    run = Probing().answer(405).answer(303, {'Location': '/a'})
    assert (run.request.method, run.request.headers.get('Range')) == ('GET', 'bytes=0-0')


def test_cookies_are_sent_back_and_masked() -> None:
    """A consent page may set one."""
    run = Probing().answer(302, {'Location': '/a', 'Set-Cookie': 'sid=s3cret'})
    assert run.request.headers.get('Cookie') == 'sid=s3cret'
    result = run.answer(200, {'ETag': '"s3cret"'}).result
    assert result.etag == '"***"'


def test_a_passing_fault_is_retried_within_one_budget() -> None:
    """HEAD and GET together are repeated `retries` times, with the waits of a download."""
    run = Probing(policy=a_policy(retries=2, retry_wait=timedelta(seconds=8))).answer(
        503, {'Retry-After': '7'}
    )
    assert run.step.effect == Wait(duration=timedelta(seconds=7), reason='before the next probe')
    run.wait().answer(405).answer(503)
    assert isinstance(run.step.effect, Wait)
    assert run.step.effect.duration > timedelta(0)
    run.wait().answer(503)
    assert run.result.status is ProbeStatus.UNREACHABLE
    assert run.asked == [f'HEAD {URL}', f'HEAD {URL}', f'GET {URL}', f'GET {URL}']


def test_the_time_limit_ends_the_waits() -> None:
    """A wait that would exceed it is not begun."""
    run = Probing(policy=a_policy(timeout=timedelta(seconds=5))).answer(503, {'Retry-After': '7'})
    assert run.result.status is ProbeStatus.UNREACHABLE
    assert isinstance(
        Probing(policy=a_policy(timeout=timedelta(seconds=8)))
        .answer(503, {'Retry-After': '7'})
        .step.effect,
        Wait,
    )


@pytest.mark.parametrize(
    'fault',
    [
        ConnectionFailed(url=URL, phase='receive'), ConnectionFailed(url=URL, phase='send'),
        AnswerUnusable(url=URL, problem='x'),
    ],
)  # fmt: skip
def test_a_server_that_breaks_on_head_is_asked_by_get(fault: Fault) -> None:
    """The connection had been made."""
    run = Probing().breaks(fault)
    assert run.asked[-1] == f'GET {URL}'
    assert run.answer(200, {'Content-Length': '3'}).result.size_bytes == 3


def test_a_host_that_cannot_be_reached_is_unreachable() -> None:
    """After the retries; the fault says why."""
    fault = ConnectionFailed(url=URL, phase='connect')
    run = Probing(policy=a_policy(retries=1)).breaks(fault).wait().breaks(fault)
    assert (run.result.status, run.result.fault, run.result.final_url) == (
        ProbeStatus.UNREACHABLE, fault, '',
    )  # fmt: skip
    late = TimedOut(url=URL, phase='total', limit=timedelta(seconds=1))
    assert Probing(mirrors=[MIRROR]).breaks(late).result.fault == late


def test_mirrors_are_asked_in_turn() -> None:
    """One that has the file makes it alive; the reason says what the others lack."""
    run = Probing(mirrors=[MIRROR]).answer(410)
    assert run.asked[-1] == f'HEAD {MIRROR}'
    result = run.answer(200).result
    assert (result.status, result.url) == (ProbeStatus.ALIVE, MIRROR)
    assert result.reason == f'the server answered 200; but {URL}: the server answered 410'
    lost = Probing(mirrors=[MIRROR]).answer(410).answer(403).answer(403).result
    assert (lost.status, lost.url) == (ProbeStatus.GONE, URL)


def test_another_scheme_has_no_head() -> None:
    """Its transfer ends when the file turns out to be there."""
    run = Probing('ftp://example.org/t.csv')
    assert run.asked == ['GET ftp://example.org/t.csv']
    assert run.answer(200).result.status is ProbeStatus.ALIVE


def test_the_stored_copy_is_what_it_is_compared_with() -> None:
    """Unless another version is passed."""
    cache = a_cache(an_entry(record=a_record(etag='"v1"')))
    fields = {'ETag': '"v2"'}
    run = Probing(snapshot=a_snapshot(cache=cache)).answer(200, fields)
    assert run.result.status is ProbeStatus.CHANGED
    locked = KnownVersion(etag='"v2"')
    run = Probing(snapshot=a_snapshot(cache=cache), known=locked).answer(200, fields)
    assert run.result.status is ProbeStatus.ALIVE


def test_a_recorded_file_is_what_it_is_compared_with() -> None:
    """If the destination is a path; a file that is not recorded says nothing."""
    stored = a_cache(an_entry(record=a_record(etag='"v1"')))
    recorded = FileSeen(folder='/d', name='t', entry=an_entry(record=a_record(etag='"v2"')))
    for file, found in (
        (recorded, ProbeStatus.ALIVE),
        (FileSeen(folder='/d', name='t'), ProbeStatus.CHANGED),
    ):
        run = Probing(snapshot=a_snapshot(cache=stored, file=file)).answer(200, {'ETag': '"v2"'})
        assert run.result.status is found


@pytest.mark.parametrize(
    ('policy', 'described', 'problem'),
    [
        ({}, {'query': {'a': 1}, 'post': True}, 'method is POST: only a GET can be probed'),
        ({}, {'method': 'PUT'}, 'method is PUT: only a GET can be probed'),
        ({'offline': True}, {}, 'offline is set: a probe asks the server. Unset it'),
        ({'backend': 'other'}, {}, "backend 'other' cannot be used"),
    ],
)
def test_what_cannot_be_probed_is_refused(
    policy: dict[str, Any], described: dict[str, Any], problem: str
) -> None:
    """Nothing is sent only to look if it may change something."""
    target = a_descriptor(**described)
    begun = begin_probe(target, a_policy(**policy), a_snapshot(target))
    assert problem in str(begun.failure())


def test_a_request_that_cannot_be_built_is_a_fault() -> None:
    """Its URL is too long with its query; an effect that fails is a fault too."""
    result = Probing(query={'q': 'x' * 100_000}).result
    assert isinstance(result.fault, InvalidInput)
    run = Probing()
    run.step = advance_probe(run.step, EffectFailed(at=NOW, fault=Cancelled()))
    assert run.result.fault == Cancelled()
