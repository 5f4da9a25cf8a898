"""`manager.audit`: the dry run with the settings of a manager."""

from pathlib import Path

import pytest

import dlmachine as dm
from dlmachine.core.plan.audit_row import AuditStatus
from dlmachine.manifest import make_item
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'


def test_rows_say_what_a_download_would_do(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """For URLs, descriptors and entries of a manifest, with the header fields of the manager."""
    manager = make_manager(tmp_path / 'cache', headers={'Accept-Language': 'hu'})
    url = server.on('/a', resource(BODY))
    path = manager.download(url)
    entry = make_item({'url': url, 'name': 'table', 'offline': True}, manager.config.defaults)

    rows = list(manager.audit([url, dm.Descriptor(url), entry, server.url('/b')]))

    assert [(row.status, row.path) for row in rows[:3]] == 3 * [(AuditStatus.HIT, path)]
    assert [row.name for row in rows] == [url, url, 'table', server.url('/b')]
    assert rows[3].status is AuditStatus.MISSING
    assert len(server.asked) == 1


def test_options_count_for_every_row(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """As in a download."""
    manager = make_manager(tmp_path / 'cache')
    url = server.on('/a', resource(BODY))
    manager.download(url)

    assert [row.status for row in manager.audit([url], check_freshness=True)] == [AuditStatus.STALE]
    (row,) = manager.audit([url], query={'a': 1})
    assert (row.status, row.url) == (AuditStatus.MISSING, f'{url}?a=1')


def test_what_is_wrong_with_an_item_is_in_its_row(make_manager: MakeManager) -> None:
    """With its secrets masked; the other items are audited all the same."""
    manager = make_manager(secret_names='code')
    items: list[str | dm.Descriptor | dm.Item] = [
        'h/x?code=s3cret&pin=1',
        dm.Descriptor('http://h/y'),
        make_item({'url': 'x', 'name': 'bad'}, manager.config.defaults),
        make_item({'url': 'http://h/z', 'name': 'z'}, manager.config.defaults),
    ]

    rows = list(manager.audit(items, secret_names='pin'))

    assert [row.status for row in rows] == 4 * [AuditStatus.WOULD_FAIL]
    assert [row.url for row in rows] == ['h/x?code=***&pin=***', 'http://h/y', 'x', 'http://h/z']
    assert [row.name for row in rows[2:]] == ['bad', 'z']
    assert 'has no scheme' in rows[0].reason
    assert 's3cret' not in repr(rows)


def test_what_is_wrong_with_all_is_raised_at_once(make_manager: MakeManager) -> None:
    """One URL instead of a list, an unknown option, a bad value."""
    manager = make_manager()
    with pytest.raises(dm.RequestError, match='must be a list'):
        manager.audit('http://h/x')
    with pytest.raises(dm.RequestError, match="Did you mean 'retries'"):
        manager.audit([], retires=1)  # type: ignore[call-arg]
    with pytest.raises(dm.RequestError, match='retries'):
        manager.audit([], retries=-1)
