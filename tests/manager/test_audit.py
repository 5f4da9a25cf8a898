"""`audit`: what its rows say, and that it changes nothing."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlmachine.auditor import audit, summarize
from dlmachine.core.faults import OfflineMiss
from dlmachine.core.manifest.item import Item
from dlmachine.core.plan.audit_row import AuditStatus
from dlmachine.errors import RequestError
from dlmachine.manager import DownloadManager
from dlmachine.manifest import make_item, parse_lines
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'


def item(manager: DownloadManager, url: str, **words: object) -> Item:
    """An item with the manager's options and these."""
    return make_item({'url': url, **words}, manager.config.defaults)


def test_each_status_with_its_reason(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Hit, stale, missing and would-fail, in the order of the items."""
    manager = make_manager(tmp_path / 'cache')
    url = server.on('/a', resource(BODY))
    path = manager.download(url)
    other = server.url('/b')

    with manager.adapters() as world:
        items = [
            item(manager, url),
            item(manager, url, check_freshness=True),
            item(manager, url, force_download=True),
            item(manager, other),
            item(manager, other, dest=str(tmp_path / 'b.csv')),
            item(manager, other, offline=True),
            item(manager, 'gopher://h/x'),
            item(manager, other, retires=1),
        ]
        rows = list(audit(items, world))

    assert [row.status.value for row in rows] == [
        'hit', 'stale', 'missing', 'missing', 'missing', 'would-fail', 'would-fail', 'would-fail',
    ]  # fmt: skip
    assert [row.would_download for row in rows] == [
        False,
        True,
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    hit = rows[0]
    assert (hit.path, hit.size_bytes) == (path, len(BODY))
    assert hit.age is not None
    assert hit.age.total_seconds() >= 0
    assert rows[4].path == str(tmp_path / 'b.csv')
    assert isinstance(rows[5].fault, OfflineMiss)
    assert 'retries' in rows[7].reason
    assert len({row.reason for row in rows[:4]}) == 4


def test_a_row_as_json_has_it(make_manager: MakeManager, server: Server, tmp_path: Path) -> None:
    """A hit, and an item that cannot be downloaded."""
    manager = make_manager(tmp_path / 'cache')
    url = server.on('/a', resource(BODY))
    path = manager.download(url)
    with pytest.raises(RequestError) as refused:
        manager.download('gopher://h/x')
    hit, failing = (row.to_dict() for row in manager.audit([url, 'gopher://h/x']))
    assert 0 <= hit.pop('age_seconds') < 3600
    assert hit.pop('reason')
    record = hit.pop('record')
    assert (record['url'], record['size_bytes']) == (url, len(BODY))
    known = {'name': url, 'url': url, 'status': 'hit', 'size': len(BODY), 'path': path}
    assert hit == {**known, 'fault': None, 'probe': None}
    assert failing['record'] is None
    assert failing['status'] == 'would-fail'
    assert failing['fault'] == refused.value.fault.to_dict()
    (probed,) = (row.to_dict() for row in manager.audit([url], probe=True))
    assert probed['probe']['status'] == 'alive'
    assert json.loads(json.dumps([hit, failing, probed])) == [hit, failing, probed]


def test_an_audit_sends_nothing_and_writes_nothing(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A thousand items: no request, no file, and no cache folder."""
    manager = make_manager(tmp_path / 'cache')
    lines = [server.url(f'/{number}') for number in range(1_000)]

    with manager.adapters() as world:
        rows = list(audit(parse_lines(lines, manager.config.defaults), world))

    assert {row.status for row in rows} == {AuditStatus.MISSING}
    assert (len(rows), server.connections) == (1_000, 0)
    assert os.listdir(tmp_path) == []


def test_rows_are_made_on_demand(manager: DownloadManager) -> None:
    """The iterator of items may be endless."""

    def endless() -> Iterator[Item]:
        while True:
            yield item(manager, 'http://h/x')

    with manager.adapters() as world:
        assert next(audit(endless(), world)).status is AuditStatus.MISSING


def test_rows_show_no_secrets(manager: DownloadManager) -> None:
    """Neither those of successful rows nor those of failing ones."""
    url = 'http://me:s3cret@h/x?token=s3cret'
    items = [
        item(manager, url),
        item(manager, url, query={'api_key': 's3cret'}),
        item(manager, url, offline=True),
        item(manager, url, retires=1),
        item(manager, 'gopher://me:s3cret@h/x'),
    ]

    with manager.adapters() as world:
        assert 's3cret' not in repr(list(audit(items, world)))


def test_an_audit_agrees_with_the_download(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A hit sends no request when it is downloaded; a missing file sends one."""
    manager = make_manager(tmp_path / 'cache')
    url = server.on('/a', resource(BODY))

    for status, requests in ((AuditStatus.MISSING, 1), (AuditStatus.HIT, 0)):
        with manager.adapters() as world:
            (row,) = audit([item(manager, url)], world)
        before = len(server.asked)
        manager.download(url)

        assert (row.status, len(server.asked) - before) == (status, requests)


@pytest.mark.parametrize(
    ('urls', 'would_download', 'would_fail'),
    [([], False, False), (['http://h/x'], True, False), (['gopher://h/x'], False, True)],
    ids=['none', 'missing', 'would fail'],
)
def test_the_summary_counts(
    manager: DownloadManager, urls: list[str], would_download: bool, would_fail: bool
) -> None:
    """Every status is counted, even if the count is 0."""
    with manager.adapters() as world:
        found = summarize(audit(parse_lines(urls, manager.config.defaults), world))

    assert set(found.counts) == set(AuditStatus)
    assert sum(found.counts.values()) == len(urls)
    assert (found.would_download, found.would_fail) == (would_download, would_fail)
    assert str(found).endswith('0 bytes stored')
