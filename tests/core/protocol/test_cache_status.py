"""What an outcome says of the cache, in the words of RFC 9211."""

import pytest

from dlmachine.core.decision.verdict import Reason
from dlmachine.core.protocol.outcome import Origin, Outcome
from tests.builders import a_record


@pytest.mark.parametrize(
    ('reason', 'forward'),
    [
        (Reason.FORCED, 'request'),
        (Reason.MEMORY, 'bypass'),
        (Reason.NOT_REUSABLE, 'vary-miss'),
        (Reason.PART_LEFT, 'partial'),
        (Reason.STALE, 'stale'),
        (Reason.CHECK_ASKED, 'request'),
        (Reason.CHECK_AT_PATH, 'request'),
    ],
)
def test_why_a_request_went_to_the_server(reason: Reason, forward: str) -> None:
    """By the reason of the decision; whether the response was stored is told, too."""
    outcome = Outcome(origin=Origin.NETWORK, reason=reason.value, key='k', record=a_record())
    assert f'fwd={forward};' in f'{outcome.cache_status};'
    assert not outcome.cache_status.is_stored


def test_nothing_was_stored() -> None:
    """That is so for every other reason."""
    outcome = Outcome(origin=Origin.NETWORK, reason='', key='k', version=1, record=a_record())
    assert 'fwd=uri-miss;' in f'{outcome.cache_status};'
    assert outcome.cache_status.is_stored
