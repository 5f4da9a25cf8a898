"""Records and what the registry is told."""

import json
from typing import Any

import pytest

from dlmachine.core.faults import StorageFailed
from dlmachine.core.metadata import flat_attributes
from dlmachine.core.outcome import Origin, Outcome
from dlmachine.core.ports import PartError
from dlmachine.core.record import parse_record
from tests.builders import NOW, URL, a_record


def test_a_record_is_json_and_back() -> None:
    """Every field, instants and pairs included."""
    record = a_record(
        validated_at=NOW,
        request_headers=(('A', 'b'),),
        response_headers=(('C', 'd'),),
        urls=(URL,),
        digests=(('md5', 'ab'),),
    )
    assert parse_record(record.to_json()).unwrap() == record


@pytest.mark.parametrize(
    'text',
    ['', '[]', '"x"', '{}', '{"v": 2}', '{"v": 1}', '{"v": 1, "nonsense": 1}', '[' * 2_000, None],
)
def test_what_can_not_be_read_is_a_fault(text: str | None) -> None:
    """Other versions, other things, broken text: never an exception."""
    given = text if text is not None else a_record().to_json().replace('2024', 'MMXXIV')
    assert parse_record(given).failure().code == 'cache_unusable'


def test_pairs_that_are_none_are_refused() -> None:
    """A header without a value was not written by us."""
    stored = json.loads(a_record().to_json())
    stored['request_headers'] = [['A']]
    assert parse_record(json.dumps(stored)).failure().code == 'cache_unusable'


def test_the_flat_attributes_keep_their_names() -> None:
    """Those of the original; what is not known is left out."""
    assert dict(flat_attributes(a_record())) == {
        'url': URL, 'download_method': 'GET', 'sha256': a_record().sha256, 'size': 8, 'http_code': 200, 'etag': '"v1"',
        'download_started': '2024-04-01 12:00:00', 'download_finished': '2024-04-01 12:00:00',
    }  # fmt: skip


def test_an_outcome_has_content() -> None:
    """The path, or the buffer; never neither."""
    common: dict[str, Any] = {'origin': Origin.NETWORK, 'reason': '', 'key': ''}
    buffer: Any = object()
    assert Outcome(**common, path='/x').content == '/x'
    assert Outcome(**common, buffer=buffer).content is buffer
    with pytest.raises(AssertionError, match='a path or a buffer'):
        _ = Outcome(**common).content


def test_a_part_error_carries_its_fault() -> None:
    """By which a part stops the transport that writes to it."""
    fault = StorageFailed(path='/x', operation='write', problem='full')
    assert PartError(fault).fault is fault
    assert 'full' in str(PartError(fault))
