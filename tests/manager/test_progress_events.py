"""`progress=`: a switch or a function, of a manager or of one call."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import in_turn, resource, respond
from tests.servers.http import Server

BODY = b'source\ttarget\n' * 1000
Events = list[dm.ProgressEvent]


def _kinds(events: Events) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_function_gets_the_events_of_one_download(
    make_manager: MakeManager, server: Server
) -> None:
    """Its beginning, its bytes, and its outcome."""
    events: Events = []
    url = server.on('/t.tsv', resource(BODY))
    outcome = make_manager().fetch(f'{url}?token=12345678', False, progress=events.append)

    started, *advanced, finished = events
    assert started == dm.DownloadStarted(index=0, name='t.tsv', url=f'{url}?token=***')
    assert [one for one in advanced if not isinstance(one, dm.DownloadAdvanced)] == []
    assert advanced[0] == dm.DownloadAdvanced(index=0, done_bytes=0, total_bytes=len(BODY))
    assert advanced[-1] == dm.DownloadAdvanced(index=0, done_bytes=len(BODY), total_bytes=len(BODY))
    assert isinstance(finished, dm.DownloadFinished)
    assert finished.outcome.record == outcome.record


def test_a_wait_is_reported_before_it_begins(make_manager: MakeManager, server: Server) -> None:
    """With its duration and its reason."""
    events: Events = []
    url = server.on('/t', in_turn(respond(503), resource(BODY)))
    make_manager(progress=events.append).download(url, dest=False)

    (wait,) = (event for event in events if isinstance(event, dm.DownloadWaiting))
    assert wait.duration.total_seconds() > 0
    assert 'backoff' in wait.reason
    assert _kinds(events).index('DownloadWaiting') < _kinds(events).index('DownloadAdvanced')


def test_a_failure_is_reported(make_manager: MakeManager, server: Server) -> None:
    """With its fault."""
    events: Events = []
    with pytest.raises(dm.NotFoundError) as caught:
        make_manager().download(server.url('/none'), dest=False, progress=events.append)

    assert events[1:] == [dm.DownloadFailed(index=0, fault=caught.value.fault)]


def test_a_hit_is_reported_without_bytes(manager: DownloadManager, server: Server) -> None:
    """`outcome.origin` says that nothing was transferred."""
    url = server.on('/t', resource(BODY))
    manager.download(url)
    events: Events = []
    manager.download(url, progress=events.append)

    assert _kinds(events) == ['DownloadStarted', 'DownloadFinished']
    assert isinstance(events[1], dm.DownloadFinished)
    assert events[1].outcome.origin is dm.Origin.CACHE


def test_a_batch_reports_each_download_by_its_index(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """By one thread at a time; a download that is refused has no beginning."""
    events: Events = []
    calling = threading.Lock()

    def take(event: dm.ProgressEvent) -> None:
        assert calling.acquire(blocking=False)
        events.append(event)
        calling.release()

    urls = [server.on(f'/{number}', resource(BODY)) for number in range(20)]
    urls += [server.url('/none'), 'no url']
    results = make_manager().download_all(urls, tmp_path / 'd', progress=take, retries=0)

    assert events[0] == dm.BatchStarted(total=22)
    assert len(results.ok) == 20
    by_index: dict[int, Events] = {}
    for event in events[1:]:
        assert not isinstance(event, dm.BatchStarted)
        by_index.setdefault(event.index, []).append(event)
    for index in range(20):
        kinds = _kinds(by_index[index])
        assert (kinds[0], kinds[-1]) == ('DownloadStarted', 'DownloadFinished')
        assert set(kinds[1:-1]) == {'DownloadAdvanced'}
    assert _kinds(by_index[20]) == ['DownloadStarted', 'DownloadFailed']
    assert _kinds(by_index[21]) == ['DownloadFailed']


def test_an_iterator_has_no_total(make_manager: MakeManager, server: Server) -> None:
    """The number of its inputs is not known."""
    events: Events = []
    url = server.on('/t', resource(BODY))
    list(make_manager().download_many(iter([url]), False, progress=events.append))

    assert events[0] == dm.BatchStarted(total=None)


def test_segments_are_reported_together(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """The last report has all bytes of the file."""
    events: Events = []
    body = b'0123456789abcdef' * (1 << 19)
    url = server.on('/t', resource(body, etag='"v1"'))
    make_manager().download(url, tmp_path / 't', segments=4, progress=events.append)

    advanced = [event for event in events if isinstance(event, dm.DownloadAdvanced)]
    assert (advanced[-1].done_bytes, advanced[-1].total_bytes) == (len(body), len(body))
    assert any(asked.get('Range') for asked in server.asked)


def test_a_function_that_fails_does_not_fail_the_download(
    make_manager: MakeManager, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Its exception is logged, once."""

    def fail(event: dm.ProgressEvent) -> None:
        msg = 'mine'
        raise ZeroDivisionError(msg)

    url = server.on('/t', resource(BODY))
    assert make_manager().download(url, dest=False, progress=fail).getvalue() == BODY
    assert caplog.text.count('ZeroDivisionError: mine') == 1


def test_a_call_overrules_its_manager(make_manager: MakeManager, server: Server) -> None:
    """In both directions; plans and audits have the option, too."""
    mine: Events = []
    other: Events = []
    manager = make_manager(progress=mine.append)
    url = server.on('/t', resource(BODY))
    manager.download(url, dest=False, progress=other.append)
    manager.download(url, dest=False, progress=False)
    list(manager.download_many([url], False, progress=False))
    assert mine == []
    assert _kinds(other)[-1] == 'DownloadFinished'
    manager.download(url, dest=False)
    assert _kinds(mine)[-1] == 'DownloadFinished'
    size = len(mine)
    manager.with_options(progress=False).download(url, dest=False)
    assert manager.plan(url, progress=False).verdict is dm.Verdict.FETCH
    list(manager.audit([url], progress=False))
    assert len(mine) == size


@pytest.mark.parametrize('value', ['perhaps', 5, object()])
def test_another_value_is_refused(make_manager: MakeManager, server: Server, value: Any) -> None:
    """By the manager and by each call, before a request is sent."""
    manager, url = make_manager(), server.url('/t')
    calls: list[Any] = [
        lambda: dm.DownloadManager(progress=value),
        lambda: manager.download(url, progress=value),
        lambda: manager.download_many([url], progress=value),
        lambda: manager.download_all([url], progress=value),
    ]
    for call in calls:
        with pytest.raises(dm.RequestError, match='progress must be true, false or a function'):
            call()
    assert server.asked == []


def test_a_listener_gets_what_is_shown(make_manager: MakeManager, server: Server) -> None:
    """Beside a function, a display or nothing; of a manager, or of one call in its place."""
    url = server.on('/t', resource(BODY))
    shown: Events = []
    heard: Events = []
    manager = make_manager(progress=shown.append, on_event=heard.append)
    manager.download(url, False)
    assert heard == shown != []
    called: Events = []
    manager.download(url, False, on_event=called.append)
    assert _kinds(called) == _kinds(heard)
    for progress in (True, False):
        called.clear()
        manager.download(url, False, on_event=called.append, progress=progress)
        assert _kinds(called) == _kinds(heard)
    called.clear()
    before = len(heard)
    manager.download(url, False, on_event=None)
    assert len(heard) == before
    manager.with_options(on_event=called.append).download_all([url], False)
    assert _kinds(called)[0] == 'BatchStarted'


def test_a_listener_that_fails_is_left_alone(
    make_manager: MakeManager, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The download goes on, and so does the display."""
    shown: Events = []
    url = server.on('/t', resource(BODY))
    manager = make_manager(progress=shown.append, on_event=lambda _: 1 / 0)
    assert manager.download(url, False).read() == BODY
    assert caplog.text.count('the function passed as on_event= failed') == 1
    assert _kinds(shown)[-1] == 'DownloadFinished'


@pytest.mark.parametrize('value', ['x', 7, True])
def test_a_listener_is_a_function(make_manager: MakeManager, value: Any) -> None:
    """Of the manager and of a call."""
    problem = rf'on_event must be a function, not {value!r}'
    with pytest.raises(dm.RequestError, match=problem):
        make_manager(on_event=value)
    with pytest.raises(dm.RequestError, match=problem):
        make_manager().download('http://h/x', on_event=value)


def test_each_event_can_be_written_as_json(make_manager: MakeManager, server: Server) -> None:
    """With its name, and its fields as JSON has them."""
    lines: list[dict[str, Any]] = []
    url = server.on('/t', in_turn(respond(503), resource(BODY)))
    manager = make_manager(on_event=lambda event: lines.append(event.to_dict()))
    manager.download_all([url, server.url('/none')], False, workers=1)
    assert json.loads(json.dumps(lines)) == lines
    assert {line['event'] for line in lines} == {
        'BatchStarted',
        'DownloadStarted',
        'DownloadWaiting',
        'DownloadAdvanced',
        'DownloadFinished',
        'DownloadFailed',
    }
    assert lines[0] == {'event': 'BatchStarted', 'total': 2}
    (wait,) = (line for line in lines if line['event'] == 'DownloadWaiting')
    assert 0 < wait['duration'] < 1
