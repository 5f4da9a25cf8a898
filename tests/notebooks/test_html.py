"""What a notebook shows: small tables without scripts, everything escaped, secrets masked."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.archives.extraction import Selection
from tests.servers.behaviours import resource
from tests.servers.http import Server

SECRET = 'hunter2hunter2'


class _Reader(HTMLParser):
    """The tags of a page and its text; each tag is closed in its order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ''
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f'{data}\n'


def _shown(value: Any) -> str:
    html = value._repr_html_()
    assert SECRET not in html
    assert 'color' not in html, 'the page has the colours'
    reader = _Reader(html)
    assert reader.tags <= {'div', 'strong', 'table', 'thead', 'tbody', 'tr', 'th', 'td'}
    return reader.text


@pytest.fixture
def manager(tmp_path: Path) -> dm.DownloadManager:
    """A manager with a cache whose path is markup."""
    return dm.DownloadManager(path=tmp_path / '<script>&')


def test_a_download_and_what_it_leaves(manager: dm.DownloadManager, server: Server) -> None:
    """Plan, outcome, audit row and entry show what their texts say."""
    server.on('/t.tsv', resource(b'data'))
    url = server.url(f'/t.tsv?token={SECRET}&x=<i>')
    with manager:
        plan = manager.plan(url)
        before = _shown(plan)
        outcome = manager.fetch(url)
        (row,) = manager.audit([url])
        (entry,) = manager.cache_entries()

        assert 'because\nthe file is not in the cache' in before
        assert '<script>&' in before
        assert f'{len(plan.effects)}.' in before
        assert before.split() == str(plan).split()
        assert 'network: in a file' in _shown(outcome)
        assert outcome.record.sha256 in _shown(outcome)
        assert 'hit: ' in _shown(row)
        assert 'ready: ' in _shown(entry)
        assert 'cache: in memory' not in _shown(manager.fetch(url))


def test_failures(manager: dm.DownloadManager, server: Server) -> None:
    """A fault shows its code and the advice; results show which failed."""
    url = server.on('/t.tsv', resource(b'data'))
    lost = server.url(f'/none?token={SECRET}')
    with manager:
        results = manager.download_all([url, lost])
        many = manager.download_all([url] * 25)

    assert 'http_status: ' in _shown(results.failed[0].fault)
    assert '1 of 2 downloaded, 1 failed' in _shown(results)
    assert '404' in _shown(results)
    assert '... 5 more' in _shown(many)
    told = results.to_dict()
    assert (told['ok'], told['failed']) == (1, 1)
    assert told['results'][0]['sha256'] == results.ok[0].outcome.to_dict()['sha256']
    assert told['results'][1]['fault']['status'] == 404
    assert SECRET not in json.dumps(told)
    assert len(_shown(many).split('t.tsv')) > 20


def test_other_values_are_shown_by_their_repr() -> None:
    """Their HTML is None, which notebooks take for none."""
    assert Selection()._repr_html_() is None  # type: ignore[attr-defined]
