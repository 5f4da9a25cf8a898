"""Descriptor and policy of a request that was made before are given again, and are the right ones."""

from pathlib import Path

import pytest

from dlmachine.errors import RequestError
from tests.fixtures import MakeManager

URL = 'http://h/x'


def test_the_same_request_is_prepared_once(make_manager: MakeManager, tmp_path: Path) -> None:
    """By URL, destination and options; each other one is prepared on its own."""
    manager = make_manager()
    path = str(tmp_path / 'x')

    first = manager.prepare(URL, path, force_download=False)

    assert manager.prepare(URL, path, force_download=False) is first
    assert manager.prepare(URL, tmp_path / 'x', force_download=False) == first
    assert manager.prepare(URL, path, force_download=True)[1].force_download
    assert manager.prepare(f'{URL}y', path)[0].url == f'{URL}y'
    assert manager.prepare(URL)[1].dest != first[1].dest


def test_other_options_of_a_manager_count(make_manager: MakeManager) -> None:
    """A derived manager prepares with its own options, and leaves those of the first alone."""
    manager = make_manager(retries=1)
    assert manager.prepare(URL)[1].retries == 1

    assert manager.with_options(retries=2).prepare(URL)[1].retries == 2
    assert manager.prepare(URL)[1].retries == 1


def test_a_value_of_another_type_is_another_one(make_manager: MakeManager) -> None:
    """True equals 1, but is not a number of retries."""
    manager = make_manager()
    manager.prepare(URL, None, retries=1)

    with pytest.raises(RequestError, match='retries'):
        manager.prepare(URL, None, retries=True)


def test_another_home(make_manager: MakeManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is looked up each time."""
    manager = make_manager()
    paths = []
    for home in ('/home/a', '/home/b'):
        monkeypatch.setenv('HOME', home)
        monkeypatch.setenv('USERPROFILE', home)
        paths.append(manager.prepare(URL, '~/x')[1].dest)

    assert [getattr(path, 'path', '') for path in paths] == ['/home/a/x', '/home/b/x']
