"""How long a copy will do, as a duration: requests counted at the server."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dlmachine.errors import RequestError
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'


@pytest.fixture
def url(server: Server) -> str:
    """A table with a validator."""
    return server.on('/t.tsv', resource(BODY, etag='"v1"'))


@pytest.mark.parametrize('dest', [None, 'data/t.tsv'])
def test_a_copy_is_used_unasked_while_it_is_fresh(
    make_manager: MakeManager, server: Server, url: str, tmp_path: Path, dest: str | None
) -> None:
    """In the cache and at a path; each confirmation makes it fresh again."""
    place = None if dest is None else tmp_path / dest
    manager = make_manager(tmp_path / 'cache')
    manager.download(url, dest=place)

    fresh = manager.fetch(url, dest=place, freshness='7d')
    checked = manager.fetch(url, dest=place, freshness='0s')
    again = manager.fetch(url, dest=place, freshness=timedelta(days=7))

    assert fresh.reason == 'fresh for 7 d more (freshness 7 d, age 0 s)'
    assert checked.is_validated
    assert again.origin.value == 'cache'
    assert len(server.asked) == 2


def test_a_duration_counts_for_a_file_that_is_filled_from_the_cache(
    make_manager: MakeManager, server: Server, url: str, tmp_path: Path
) -> None:
    """The server is not asked if the cache has a fresh copy."""
    manager = make_manager(tmp_path / 'cache')
    manager.download(url)

    manager.download(url, dest=tmp_path / 't.tsv', via_cache=True, freshness='7d')

    assert (tmp_path / 't.tsv').read_bytes() == BODY
    assert len(server.asked) == 1


def test_ages_limit_which_version_is_used(
    make_manager: MakeManager, server: Server, url: str, tmp_path: Path
) -> None:
    """Of a call, and of a manager that lives on."""
    manager = make_manager(tmp_path / 'cache', newer_than='1h')
    manager.download(url)
    manager.download(url)
    assert len(server.asked) == 1

    manager.download(url, newer_than='0s')
    assert len(server.asked) == 2
    with pytest.raises(RequestError, match='no version older than'):
        manager.download(url, newer_than=None, older_than='1h')


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        (
            {'freshness': '7'},
            "freshness must be stored, always, http, or a duration such as 7d, not '7'",
        ),
        ({'freshness': '7d', 'check_freshness': True}, 'freshness cannot be combined with'),
        ({'newer_than': 'yesterday'}, 'newer_than must be a date such as 2024-05-31 or an age'),
    ],
)
def test_a_bad_duration_is_an_error(
    make_manager: MakeManager, url: str, options: dict[str, Any], problem: str
) -> None:
    """That says what is expected."""
    with pytest.raises(RequestError, match=problem):
        make_manager().fetch(url, **options)
