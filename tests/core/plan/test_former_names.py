"""Plans that an earlier version stored."""

import json
from pathlib import Path

import pytest

from dlmachine.core.decision.verdict import Reason
from dlmachine.core.plan import former_names
from dlmachine.core.plan.codec import loads
from dlmachine.core.plan.plan import Plan
from dlmachine.core.protocol.effects import CheckCopy, Exchange, ReadChecksums
from tests.builders import URL, a_descriptor, a_part

STORED = Path(__file__).parent / 'stored'


@pytest.mark.parametrize('name', ['resumption', 'hit'])
def test_a_plan_of_an_earlier_version_is_read(name: str) -> None:
    """Its types and fields have former names; written again, it has the present names."""
    text = (STORED / f'{name}.json').read_text()
    plan = Plan.from_json(text).unwrap()
    assert plan.descriptor == a_descriptor()
    assert Plan.from_json(plan.to_json()).unwrap() == plan
    assert '"Said"' not in plan.to_json()


def test_renamed_fields_have_their_values() -> None:
    """Fields of the part, of the request and of its expectation."""
    plan = Plan.from_json((STORED / 'resumption.json').read_text()).unwrap()
    part = plan.snapshot.part
    assert part is not None
    assert (part.url_digest, part.representation.size_bytes) == (a_part().url_digest, 100)
    exchange = next(one for one in plan.effects if isinstance(one, Exchange))
    assert exchange.rate_limits.max_per_host == 2
    assert exchange.expect.requested_name == 't.csv'
    listed = next(one for one in plan.effects if isinstance(one, ReadChecksums))
    assert listed.target is not None
    assert listed.target.url == 'http://h/SUMS'
    hit = Plan.from_json((STORED / 'hit.json').read_text()).unwrap()
    assert isinstance(hit.effects[0], CheckCopy)


@pytest.mark.parametrize(('former', 'present'), former_names.VALUES['Reason'].items())
def test_former_reasons_are_read(former: str, present: str) -> None:
    """A stored plan contains the text of its reason, so each former text is still known."""
    stored = json.dumps({'$': 'Reason', 'value': former})

    assert loads(stored).unwrap() is Reason(present)


def test_former_names_of_segments_are_read() -> None:
    """Both the type and its fields were renamed."""
    stored = {
        '$': 'ExchangeMany', 'spans': [[0, 1]], 'held': [], 'whole_bytes': 2, 'validator': '"v"',
        'connections': 1, 'said': {'$': 'Said', 'place': 'ab'},
        'exchange': {
            '$': 'Exchange', 'backend': 'curl', 'manners': {'$': 'Manners', 'max_per_host': 3},
            'connect_timeout': {'$': 'timedelta', 'parts': [0, 1, 0]},
            'stall_timeout': {'$': 'timedelta', 'parts': [0, 1, 0]},
            'request': {'$': 'Request', 'method': 'GET', 'url': URL},
        },
    }  # fmt: skip
    effect = loads(json.dumps(stored)).unwrap()
    assert effect.representation.source == 'ab'  # type: ignore[attr-defined]
    assert effect.exchange.rate_limits.max_per_host == 3  # type: ignore[attr-defined]
