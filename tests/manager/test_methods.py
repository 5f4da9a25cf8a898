"""Methods besides GET: always sent, never repeated, and what they make of stored copies."""

from pathlib import Path
from typing import Any

import pytest

from dlmachine.errors import DownloadError
from tests.fixtures import MakeManager
from tests.servers.behaviours import respond
from tests.servers.http import Server

FRESH = (('Cache-Control', 'max-age=60'), ('ETag', '"v1"'))


@pytest.mark.parametrize('backend', ['requests', 'curl'])
@pytest.mark.parametrize('method', ['PUT', 'PATCH', 'DELETE', 'POST', 'HEAD', 'OPTIONS'])
def test_a_request_is_sent_each_time(
    make_manager: MakeManager, server: Server, tmp_path: Path, method: str, backend: str
) -> None:
    """Its response comes into memory; a change makes the stored copy invalid."""
    url = server.on('/x', respond(200, FRESH, b'good'))
    known: dict[str, Any] = {'data': b'new'} if method in {'PUT', 'PATCH', 'POST'} else {}
    manager = make_manager(tmp_path / 'cache', freshness='http', backend=backend)
    manager.fetch(url)
    sent = [manager.fetch(url, method=method, **known) for _ in range(2)]
    after = [manager.fetch(url) for _ in range(2)]

    assert [one.status for one in sent] == [200, 200]
    if method != 'POST':
        assert [one.buffer.getvalue() for one in sent if one.buffer is not None] == [
            b'' if method == 'HEAD' else b'good'
        ] * 2
        assert str(sent[0].cache_status).startswith('dlmachine; fwd=method')
    is_change = method not in {'HEAD', 'OPTIONS'}
    assert [one.method for one in server.asked] == ['GET', method, method, *['GET'] * is_change]
    assert [one.version for one in after] == [1, 1]
    assert after[1].cache_status.forward is None


@pytest.mark.parametrize('method', ['PUT', 'DELETE'])
def test_a_failed_request_is_not_repeated(
    make_manager: MakeManager, server: Server, tmp_path: Path, method: str
) -> None:
    """And it makes nothing invalid."""
    url = server.on('/x', respond(503, (), b'sorry'))
    manager = make_manager(tmp_path / 'cache', freshness='http', retries=3)
    with pytest.raises(DownloadError, match='503'):
        manager.fetch(url, method=method)
    assert len(server.asked) == 1
