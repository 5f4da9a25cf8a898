"""Entries of other keys: which are searched for, which are used, and how a run takes their bytes."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.other_keys import OthersWanted, others_wanted
from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.verdict import Decision, Reason, Verdict
from dlmachine.core.faults import StorageFailed
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.effects import CheckCopy, Exchange, KeepChanged, OpenPart, Record
from dlmachine.core.protocol.events import CopyMissing, EffectFailed
from dlmachine.core.spec.destination import ToMemory, ToPath
from dlmachine.core.spec.reuse import Freshness, Link
from tests.builders import (
    NOW,
    Run,
    a_cache,
    a_descriptor,
    a_file,
    a_path,
    a_policy,
    a_record,
    a_recorded,
    a_snapshot,
    an_entry,
)

SUM = Checksum('sha256', a_record().sha256)
MD5 = Checksum('md5', 'ab' * 16)
OTHER = 'https://other.example/t.csv'
SIGNED = 'https://h/x?a=1&stamp={}'


def _other(**known: Any) -> CacheEntry:
    record = a_record(**{'url': OTHER, 'mtime_ns': 7, **known})
    return an_entry(record=record, file_mtime_ns=7, path='/cache/other-1.csv')


def _decided(
    entry: CacheEntry, url: str = SIGNED.format(2), *, described: Any = None, **options: Any
) -> Decision:
    descriptor = a_descriptor(url, **{'key_ignores_query': ['stamp'], **(described or {})})
    seen = a_snapshot(descriptor, cache=a_cache(others=(entry,)))
    return decide(descriptor, a_policy(**options), seen).unwrap()


@pytest.mark.parametrize(('described', 'options', 'wanted'), [
    ({}, {'checksum': SUM}, OthersWanted(checksum=SUM, but_key='k')),
    ({}, {'checksum': SUM, 'dest': ToPath('/d/x')}, OthersWanted(checksum=SUM)),
    ({'key_ignores_query': ['a']}, {}, OthersWanted(url='https://example.org/t.csv', but_key='k')),
    ({'key_ignores_query': ['a']}, {'dest': ToPath('/d/x'), 'freshness': Freshness.STORED}, None),
    ({'key_ignores_query': ['a'], 'data': 'x'}, {}, None),
    ({}, {}, None),
    ({}, {'checksum': SUM, 'force_download': True}, None),
    ({}, {'checksum': SUM, 'freshness': Freshness.ALWAYS}, None),
    ({}, {'checksum': SUM, 'dest': ToMemory()}, None),
    ({}, {'checksum': SUM, 'dest': ToPath('/d/x'), 'link': Link.HARD}, None),
    ({'method': 'PUT'}, {'checksum': SUM}, None),
    ({'data': 'x'}, {'checksum': SUM}, OthersWanted(checksum=SUM, but_key='k')),
])  # fmt: skip
def test_nothing_is_searched_for_without_need(
    described: dict[str, Any], options: dict[str, Any], wanted: OthersWanted | None
) -> None:
    """Only by a checksum, or if parameters do not count in the key."""
    assert others_wanted(a_descriptor(**described), a_policy(**options), 'k') == wanted


def test_a_url_is_searched_for_without_its_query() -> None:
    """The parameters may be others."""
    asked = a_descriptor('https://h/x?a=1', key_ignores_query=['a'])
    assert others_wanted(asked, a_policy(), 'k') == OthersWanted(url='https://h/x', but_key='k')


def test_a_declared_secret_is_not_searched_for() -> None:
    """Also if an earlier record has it as it was, before it was declared."""
    kept = (('X-Mine', 'v'), ('Accept', '*/*'))
    entry = _other(url=SIGNED.format(1), request_headers=kept)
    described = {'headers': {'X-Mine': 'v'}}
    assert _decided(entry, described=described).entry is entry
    declared = {**described, 'secret_names': ['x-mine']}
    assert _decided(entry, described=declared).entry is None


def test_what_is_searched_for() -> None:
    """A digest, or a masked URL with a query."""
    record = a_record(digests=(('md5', 'ab' * 16),))
    assert OthersWanted(checksum=MD5).may_be(record)
    assert OthersWanted(checksum=SUM).may_be(record)
    assert not OthersWanted(checksum=Checksum('md5', 'cd' * 16)).may_be(record)
    assert not OthersWanted(url='https://h/x').may_be(a_record(url='https://h/x'))
    assert OthersWanted(url='https://h/x').may_be(a_record(url='https://h/x?a'))


@pytest.mark.parametrize(('known', 'checksum', 'is_used'), [
    ({}, SUM, True),
    ({'digests': (('md5', 'ab' * 16),)}, MD5, True),
    ({}, MD5, False),
    ({'sha256': '0' * 64}, SUM, False),
    ({'mtime_ns': 8}, SUM, False),
])  # fmt: skip
def test_the_recorded_digest_decides(
    known: dict[str, Any], checksum: Checksum, is_used: bool
) -> None:
    """Of a file that is unchanged."""
    found = _decided(_other(**known), checksum=checksum)
    assert (found.reason is Reason.SAME_CONTENT) is is_used
    assert (found.verdict is Verdict.USE_CACHED) is is_used
    assert (found.notes == (f'the bytes are those of {OTHER}',)) is is_used


@pytest.mark.parametrize(('known', 'options', 'described', 'is_used'), [
    ({}, {}, {}, True),
    ({}, {'freshness': timedelta(days=31)}, {}, True),
    ({}, {'freshness': timedelta(days=29)}, {}, False),
    ({}, {'freshness': timedelta(days=29), 'offline': True}, {}, True),
    ({}, {'freshness': Freshness.HTTP}, {}, False),
    ({'url': SIGNED.format(1) + '&b=1'}, {}, {}, False),
    ({'method': 'POST'}, {}, {}, False),
    ({'body_kind': 'form'}, {}, {}, False),
    ({'mtime_ns': 8}, {}, {}, False),
    ({'request_headers': (('Accept', '*/*'), ('X-Kind', 'b'))}, {}, {}, False),
    ({'request_headers': (('Accept', '*/*'), ('X-Kind', 'b'))}, {}, {'headers': {'X-Kind': 'b'}}, True),
    ({'request_headers': (('Accept', '*/*'), ('Cookie', 'b'))}, {}, {'headers': {'Cookie': 'b'}}, False),
])  # fmt: skip
def test_an_earlier_key_is_that_of_the_same_request(
    known: dict[str, Any], options: dict[str, Any], described: dict[str, Any], is_used: bool
) -> None:
    """But for the parameters that do not count; secrets that count cannot be compared."""
    sent = {'url': SIGNED.format(1), 'request_headers': (('Accept', '*/*'),)}
    try:
        found = _decided(_other(**sent | known), described=described, **options)
    except Exception:  # noqa: BLE001 -- offline without a copy
        assert not is_used
    else:
        assert (found.reason is Reason.EARLIER_KEY) is is_used


def test_a_masked_secret_is_not_compared() -> None:
    """Two tokens are the same text."""
    url = 'https://h/x?stamp={}&token={}'
    entry = _other(url=url.format(1, '***'), request_headers=(('Accept', '*/*'),))
    assert _decided(entry, url.format(2, 'abc')).reason is Reason.NOT_STORED


def test_an_entry_without_a_record_tells_nothing() -> None:
    """No digest, and no request."""
    entry = replace(_other(), record=None)
    assert _decided(entry, checksum=SUM).reason is Reason.NOT_STORED


def _run(file: Any = None, **options: Any) -> Run:
    descriptor = a_descriptor(SIGNED.format(2), key_ignores_query=['stamp'])
    others = (_other(url=SIGNED.format(1), request_headers=(('Accept', '*/*'),)),)
    seen = a_snapshot(
        descriptor, cache=a_cache(others=others), destination=a_path(), file=file or a_file()
    )
    return Run(descriptor, a_policy(**options), seen)


@pytest.mark.parametrize(
    'options', [{}, {'checksum': SUM}, {'checksum': SUM, 'dest': ToPath('/data/x.csv')}]
)
def test_the_bytes_are_copied_under_the_lock_and_recorded(options: dict[str, Any]) -> None:
    """Checked first; the validators of another URL are not kept."""
    run = _run(**options).go_well(until=Record)
    [opening] = [one for one in run.effects if isinstance(one, OpenPart)]
    assert opening.source == '/cache/other-1.csv'
    assert opening.beside == ('/data' if 'dest' in options else '/cache')
    assert not run.exchanges
    [update] = run.updates
    assert update.record.url == SIGNED.format(2)
    assert update.record.notes[-1] == f'the bytes are those of {SIGNED.format(1)}'
    assert (update.record.etag is None) is bool(options)


def test_a_changed_file_in_the_way_is_kept() -> None:
    """It is the file at the path that is compared, not the entry whose bytes replace it."""
    changed = a_recorded(file_bytes=9, size_bytes=9, record=a_record(sha256='0' * 64, mtime_ns=7))
    run = _run(a_file(changed), checksum=SUM, dest=ToPath('/data/x.csv')).go_well(until=KeepChanged)
    [kept] = [one for one in run.effects if isinstance(one, KeepChanged)]
    assert kept.copy.path == '/data/x.csv'


@pytest.mark.parametrize('at', [CheckCopy, OpenPart])
def test_if_they_are_gone_the_file_is_downloaded(at: Any) -> None:
    """Before they are checked, and before they are copied."""
    run = _run(checksum=SUM).go_well(until=at)
    gone = EffectFailed(at=NOW, fault=StorageFailed(path='', operation='open', problem=''))
    run.feed(CopyMissing(at=NOW) if at is CheckCopy else gone).go_well(until=Exchange)
    assert run.exchanges
