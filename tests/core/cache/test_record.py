"""Records and the updates of the registry."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import Field, fields
from datetime import UTC
from typing import Any

import pytest
from returns.pipeline import is_successful

from dlmachine.core.cache.record import MAX_RECORD_CHARS, DownloadRecord, known_record, parse_record
from dlmachine.core.cache.updates import flat_attributes
from dlmachine.core.faults import HttpStatus, StorageFailed
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.ports import PartError
from tests.builders import BEFORE, NOW, URL, a_record


def test_a_record_is_json_and_back() -> None:
    """Every field is written and read back, times and pairs included."""
    record = a_record(
        validated_at=NOW,
        requested_at=BEFORE,
        invalidated_at=NOW,
        moved_until=NOW,
        is_single_use=True,
        source=(('repository', 'zenodo'),),
        request_headers=(('A', 'b'),),
        response_headers=(('C', 'd'),),
        urls=(URL,),
        digests=(('md5', 'ab'),),
        verified_by=(('md5', 'caller'),),
        tries=(1 << 31) - 1,
        notes=('a', 'b'),
        key_without=('cookie',),
        key_ignores_query=('X-Amz-*', 'token'),
    )
    assert parse_record(record.to_json()).unwrap() == record


def test_a_number_that_no_column_holds_is_unreadable() -> None:
    """A database has 32 bits for it."""
    assert not is_successful(parse_record(a_record(tries=1 << 31).to_json()))


def test_a_record_without_notes_can_be_read() -> None:
    """Records of earlier versions have no notes."""
    stored = json.loads(a_record(notes=('a',)).to_json())
    del stored['notes']
    assert parse_record(json.dumps(stored)).unwrap() == a_record()


def test_names_left_out_of_the_key_are_written_where_there_are_any() -> None:
    """So that an earlier dlmachine can read all other records."""
    rare = {'key_without', 'key_ignores_query', 'requested_at', 'invalidated_at', 'is_single_use', 'moved_until', 'source'}  # fmt: skip
    assert not rare & set(json.loads(a_record().to_json()))
    assert '"key_without": ["cookie"]' in a_record(key_without=('cookie',)).to_json()


@pytest.mark.parametrize(
    'text',
    ['', '[]', '"x"', '{}', '{"v": 2}', '{"v": 1}', '{"v": 1, "nonsense": 1}', '[' * 2_000, None],
)
def test_unreadable_records_are_faults(text: str | None) -> None:
    """Records of other versions, other values and broken text are faults, never exceptions."""
    given = text if text is not None else a_record().to_json().replace('2024', 'MMXXIV')
    assert parse_record(given).failure().code == 'cache_unusable'


def test_pairs_that_are_none_are_refused() -> None:
    """No header field without a value is written by dlmachine."""
    stored = json.loads(a_record().to_json())
    stored['request_headers'] = [['A']]
    assert parse_record(json.dumps(stored)).failure().code == 'cache_unusable'


ODD: list[Any] = [None, True, 7, 1.5, 10**5000, -1, 2**63, float('nan'), 'x', 'a\r\nX: y', '\0', '\ud800', [], [5], [[]], ['ab'],
                  [['a']], [['a', 'b', 'c']], [['a', 1]], [{'a': 1, 'b': 2}], {}, {'a': 'b'}, '2024-05-01', '2024-05-01T00:00:00',
                  '0001-01-01T00:00:00+14:00']  # fmt: skip


@pytest.mark.parametrize('field', fields(DownloadRecord), ids=lambda field: field.name)
def test_a_value_of_an_odd_type_never_raises(field: Field[Any]) -> None:
    """The record is unreadable, or it could have been written by dlmachine."""
    stored = json.loads(a_record().to_json())
    for value in ODD:
        with_it = {**stored, field.name: value}
        with allowing_long_integers():
            text = json.dumps(with_it)
        read = parse_record(text).value_or(None)
        if read is not None:
            assert parse_record(read.to_json()).unwrap() == read
            assert isinstance(read.size_bytes, int)
            assert read.started_at.tzinfo is UTC


@contextmanager
def allowing_long_integers() -> Iterator[None]:
    """Python formats long integers within this block."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.parametrize(
    ('name', 'value'),
    [('size_bytes', []), ('size_bytes', True), ('size_bytes', 8.0), ('size_bytes', -1), ('size_bytes', 2**63), ('http_code', 1000),
     ('finished_at', '2024-05-01T00:00:00'), ('finished_at', None), ('finished_at', '0001-01-01T00:00:00+14:00'), ('urls', [5]),
     ('urls', 'http://h/'), ('notes', [5]), ('notes', 'x'), ('notes', ['a\n']), ('verified_tls', 1), ('request_headers', ['ab']), ('digests', [{'a': 1, 'b': 2}]), ('digests', [[5, 'a']]), ('digests', [['a', 5]]), ('sha256', 'AB'),
     ('last_modified', 'x\r\nInjected: 1'), ('etag', '"\n"'), ('filename', 'a\x00b'), ('url', 'http://h/\ud800'),
     ('response_headers', [['A', 'b\rc']]), ('urls', ['http://h/\n']), ('nonsense', 1), ('v', True), ('v', 2)],
)  # fmt: skip
def test_records_with_foreign_values_are_unreadable(name: str, value: object) -> None:
    """A wrong type or range, a time without a zone, a control character."""
    stored = {**json.loads(a_record().to_json()), name: value}
    assert parse_record(json.dumps(stored)).failure().code == 'cache_unusable'


def test_harmless_escapes_are_kept() -> None:
    """A backslash and a tab do not make a record unreadable."""
    record = a_record(etag='"a\\b"', response_headers=(('A', 'b\tc'),), validated_at=NOW)
    assert parse_record(record.to_json()).unwrap() == record


def test_the_time_zone_of_an_instant_does_not_matter() -> None:
    """Records are in UTC."""
    text = a_record(finished_at=NOW).to_json().replace(NOW.isoformat(), '2024-05-01T14:00:00+02:00')
    assert parse_record(text).unwrap() == a_record(finished_at=NOW)
    assert parse_record(text).unwrap().finished_at.tzinfo is UTC


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('tries', 0), ('tries', 2**31 - 1), ('http_code', 0), ('http_code', 999), ('size_bytes', 0),
        ('size_bytes', 2**63 - 1), ('mtime_ns', 2**63 - 1), ('mtime_ns', 1 - 2**63),
    ],
)  # fmt: skip
def test_numbers_may_be_as_large_as_their_range(name: str, value: int) -> None:
    """Both ends belong to it."""
    record = a_record(**{name: value})
    assert parse_record(record.to_json()).unwrap() == record


def test_a_record_may_have_spaces_after_it() -> None:
    """Up to the limit of its length; another text there is not JSON."""
    text = a_record().to_json()
    assert parse_record(text.ljust(MAX_RECORD_CHARS)).unwrap() == a_record()
    assert parse_record(f'{text}x').failure().code == 'cache_unusable'


@pytest.mark.parametrize(
    'text',
    ['[' * 100_000, '{"a":' * 100_000, ' ' * (MAX_RECORD_CHARS + 1), '{"v": 1' + '0' * 5000 + '}'],
)
def test_deep_or_long_records_are_unreadable(text: str) -> None:
    """Without a RecursionError, and without using all memory."""
    assert parse_record(text).failure().code == 'cache_unusable'


def test_the_flat_attributes_keep_their_names() -> None:
    """The names of attributes do not change; unknown values are omitted."""
    record = a_record(digests=(('md5', 'ab'), ('other', 'cd')))
    assert dict(flat_attributes(record)) == {
        'md5': 'ab',
        'url': URL, 'download_method': 'GET', 'sha256': a_record().sha256, 'size': 8, 'http_code': 200, 'etag': '"v1"',
        'download_started': '2024-04-01 12:00:00', 'download_finished': '2024-04-01 12:00:00',
    }  # fmt: skip


def test_an_outcome_has_content() -> None:
    """The content is the path or the buffer; an outcome without both is an error."""
    common: dict[str, Any] = {'origin': Origin.NETWORK, 'reason': '', 'key': ''}
    buffer: Any = object()
    assert Outcome(**common, path='/x').content == '/x'
    assert Outcome(**common, path='/x').notes == ()
    assert Outcome(**common, path='/x', record=a_record(notes=('a',))).notes == ('a',)
    assert Outcome(**common, buffer=buffer).content is buffer
    with pytest.raises(AssertionError, match='a path or a buffer'):
        _ = Outcome(**common).content


def test_a_part_error_carries_its_fault() -> None:
    """The transport reads the fault from the exception."""
    fault = StorageFailed(path='/x', operation='write', problem='full')
    assert PartError(fault).fault is fault
    assert 'full' in str(PartError(fault))


def test_latest_records_are_remembered() -> None:
    """A long text, and one that is not a record, give the same result as without the memory."""
    text = a_record().to_json()
    assert known_record(text) is known_record(text)
    long = a_record(notes=('x' * 40_000,)).to_json()
    assert known_record(long) == parse_record(long).unwrap()
    assert known_record('{}') is None


def test_an_outcome_as_a_dict() -> None:
    """Content in memory has no path; the fault of a stale copy is a dict, too."""
    common: dict[str, Any] = {'origin': Origin.STALE, 'reason': 'r', 'key': ''}
    plain = Outcome(**common, path='/x').to_dict()
    full = Outcome(
        **common, record=a_record(), fault=HttpStatus(url='https://h/', status=500)
    ).to_dict()

    assert (plain['path'], plain['origin'], plain['size'], plain['fault']) == (
        '/x',
        'stale',
        None,
        None,
    )
    assert (full['path'], full['size'], full['fault']['status']) == (None, 8, 500)
