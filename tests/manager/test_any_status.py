"""`any_status` and `follow`: a response with an error status is an outcome."""

from pathlib import Path

import pytest

from dlmachine.errors import DownloadError
from tests.fixtures import MakeManager
from tests.servers.behaviours import redirect, respond
from tests.servers.http import Server


@pytest.mark.parametrize('status', [202, 404, 429, 503])
def test_an_error_is_returned_with_its_fields_and_body(
    make_manager: MakeManager, server: Server, tmp_path: Path, status: int
) -> None:
    """At once, into memory, without a file; nothing of it is stored."""
    fields = (('X-Why', 'maintenance'), ('X-Api-Key', 's3cret'))
    url = server.on('/x.tsv', respond(status, fields, b'sorry'))
    manager = make_manager(tmp_path / 'cache')
    for dest in (None, tmp_path / 'x.tsv'):
        outcome = manager.fetch(url, dest, any_status=True)
        assert (outcome.status, outcome.path) == (status, None)
        assert outcome.buffer is not None
        assert outcome.buffer.getvalue() == b'sorry'
        assert outcome.headers.get('X-Why') == 'maintenance'
        assert outcome.headers.get('X-Api-Key') == '***'
        assert str(outcome.cache_status).endswith(f'fwd-status={status}')
    assert not (tmp_path / 'x.tsv').exists()
    assert len(server.asked) == 2
    with pytest.raises(DownloadError):
        manager.fetch(url, retries=0)


def test_a_redirect_is_not_followed(make_manager: MakeManager, server: Server) -> None:
    """It is an error, or an outcome."""
    url = server.on('/moved', redirect('/elsewhere'))
    manager = make_manager()

    with pytest.raises(DownloadError, match='the server answered 302 Found'):
        manager.fetch(url, False, follow=False)
    outcome = manager.fetch(url, False, follow=False, any_status=True)

    assert (outcome.status, outcome.headers.get('Location')) == (302, '/elsewhere')
    assert len(server.asked) == 2


def test_a_good_response_is_as_ever(make_manager: MakeManager, server: Server) -> None:
    """Its bytes are complete."""
    url = server.on('/x', respond(200, (), b'good'))
    outcome = make_manager().fetch(url, False, any_status=True, follow=False)
    assert outcome.buffer is not None
    assert (outcome.status, outcome.buffer.getvalue()) == (200, b'good')
