"""The events of progress, as JSON has them."""

from datetime import timedelta

import pytest

from dlmachine.core.faults import OfflineMiss
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.progress import (
    BatchStarted,
    DownloadFailed,
    DownloadFinished,
    DownloadStarted,
    DownloadWaiting,
    ProgressEvent,
)

OUTCOME = Outcome(origin=Origin.CACHE, reason='it is there', key='k', path='/c/x')
FAULT = OfflineMiss(url='http://h/x', cache='/c')


@pytest.mark.parametrize(
    ('event', 'expected'),
    [
        (BatchStarted(total=None), {'event': 'BatchStarted', 'total': None}),
        (
            DownloadStarted(index=1, name='x', url='http://h/x'),
            {'event': 'DownloadStarted', 'index': 1, 'name': 'x', 'url': 'http://h/x'},
        ),
        (
            DownloadWaiting(index=0, duration=timedelta(seconds=1.5), reason='backoff'),
            {'event': 'DownloadWaiting', 'index': 0, 'duration': 1.5, 'reason': 'backoff'},
        ),
        (
            DownloadFinished(index=0, outcome=OUTCOME),
            {'event': 'DownloadFinished', 'index': 0, 'outcome': OUTCOME.to_dict()},
        ),
        (
            DownloadFailed(index=0, fault=FAULT),
            {'event': 'DownloadFailed', 'index': 0, 'fault': FAULT.to_dict()},
        ),
    ],
)
def test_an_event_as_json_has_it(event: ProgressEvent, expected: dict[str, object]) -> None:
    """Its name, and each field."""
    assert event.to_dict() == expected
