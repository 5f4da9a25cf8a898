"""`download_all`: all results of a batch in the order of its inputs, and what can be done with them."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import in_turn, resource, respond
from tests.servers.http import Server


def test_results_come_in_the_order_of_the_inputs(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Also if the first is done last, and one fails."""
    names = [f'f{number}' for number in range(12)]
    for name in names:
        server.on(f'/{name}', resource(name.encode()))
    urls = [server.url(f'/{name}') for name in (*names, 'gone')]
    results = make_manager().download_all(iter(urls), tmp_path / 'd', workers=4, retries=0)
    assert [item.input for item in results] == urls
    assert [item.index for item in results] == list(range(13))
    assert [Path(item.path).read_text() for item in results.ok] == names
    assert [item.input for item in results.failed] == urls[-1:]
    assert results[0].ok
    assert results[-1] is results.failed[0]
    assert results[:2] == (results[0], results[1])
    assert len(results) == 13


def test_only_the_failed_ones_are_tried_again(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """The results are complete again, in the same order, and have the same options."""
    flaky = server.on('/flaky', in_turn(respond(404), resource(b'at last')))
    urls = [server.on('/a', resource(b'a')), flaky, server.url('/gone')]
    results = make_manager().download_all(urls, tmp_path / 'd', headers={'X-Mine': '1'})
    assert [item.ok for item in results] == [True, False, False]
    before = len(server.asked)
    again = results.retry()
    assert [item.ok for item in again] == [True, True, False]
    assert [item.input for item in again] == urls
    assert [item.index for item in again] == [0, 1, 2]
    assert again[1].path == str(tmp_path / 'd' / 'flaky')
    assert again[0] is results[0]
    asked = server.asked[before:]
    assert sorted(request.path for request in asked) == ['/flaky', '/gone']
    assert all(request.get('x-mine') == '1' for request in asked)
    assert [item.ok for item in results] == [True, False, False]


def test_another_try_takes_no_name_of_another(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Two URLs end in the same name; each file keeps the one that it has in the batch."""
    first = server.on('/a/t.csv', resource(b'first'))
    second = server.on('/b/t.csv', in_turn(respond(404), resource(b'second')))
    results = make_manager().download_all([first, second], tmp_path / 'd').retry()
    assert [Path(item.path).name for item in results.ok] == ['t.csv', 't-2.csv']
    assert (tmp_path / 'd' / 't.csv').read_bytes() == b'first'
    assert (tmp_path / 'd' / 't-2.csv').read_bytes() == b'second'


def test_without_failures_nothing_is_tried_again(manager: DownloadManager, server: Server) -> None:
    """No request, and the same results."""
    results = manager.download_all([server.on('/a', resource(b'a'))])
    assert results.retry() is results
    assert len(server.asked) == 1
    results.raise_for_failures()


def test_failures_can_be_raised_together(manager: DownloadManager, server: Server) -> None:
    """As a group of the exceptions that `download` would raise."""
    urls = [server.on('/a', resource(b'a')), server.url('/gone'), 'gopher://h/']
    with pytest.raises(ExceptionGroup, match=r'2 of 3 downloads failed') as caught:
        manager.download_all(urls).raise_for_failures()
    kinds = [type(error) for error in caught.value.exceptions]
    assert kinds == [dm.NotFoundError, dm.RequestError]


def test_the_table_is_short_and_masks_secrets(manager: DownloadManager, server: Server) -> None:
    """At most twenty items, of a line each."""
    one = server.on('/a', resource(b'a'))
    table = repr(manager.download_all([f'{one}?token=abcdefgh', 'gopher://h/' + 'x' * 200]))
    lines = table.splitlines()
    assert lines[0] == '<Results: 1 of 2 downloaded, 1 failed>'
    assert lines[1].startswith('0  ok      ')
    assert lines[2].startswith('1  failed  gopher://h/xxx')
    assert lines[2].endswith('...')
    assert 'abcdefgh' not in table
    assert max(map(len, lines)) <= 100
    many = repr(manager.download_all([one] * 30)).splitlines()
    assert many[0] == '<Results: 30 of 30 downloaded, 0 failed>'
    assert many[11] == '... 10 more'
    assert many[-1].startswith('29  ok')
    assert len(many) == 22
    assert 'memory' in repr(manager.download_all([one], dest=False))


def test_results_become_a_table_of_pandas(manager: DownloadManager, server: Server) -> None:
    """A row for each input, with the error of a failure; a secret declared in the call is masked."""
    pytest.importorskip('pandas')
    urls = [server.on('/a', resource(b'abc')) + '?mine=12345678', server.url('/gone')]
    table = manager.download_all(urls, secret_names=['mine']).to_pandas()
    assert [*table.ok] == [True, False]
    assert (str(table['size'].dtype), table['size'].sum()) == ('Int64', 3)
    assert [*table.error.isna()] == [True, False]
    assert table.error[1] == 'http_status'
    assert '404' in table.message[1]
    assert table.path.isna()[1]
    assert '12345678' not in table.to_csv()


def test_pandas_is_imported_only_there(
    manager: DownloadManager, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, the message says what to install."""
    results = manager.download_all([server.on('/a', resource(b'a'))])
    if importlib.util.find_spec('pandas') is None:
        assert 'pandas' not in sys.modules
    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(ImportError, match=r'needs pandas.*pip install pandas'):
        results.to_pandas()


def test_entries_are_named_in_the_table(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """By their own names; those that cannot be read are failures."""
    url = server.on('/a', resource(b'a'))
    (tmp_path / 'm.toml').write_text(
        f'[[download]]\nname = "genes"\nurl = "{url}"\n[[download]]\nname = "odd"\nretires = 1\n'
    )
    items = dm.unwrap(dm.read_manifest(tmp_path / 'm.toml'))
    results = manager.download_all(items)
    assert 'genes -> ' in repr(results)
    assert 'odd: ' in repr(results)


def test_the_default_manager_downloads_all_as_well(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dm.download_all`, with the same arguments."""
    monkeypatch.setenv('DLMACHINE_NO_PROGRESS', '1')
    results = dm.download_all([server.on('/a', resource(b'a'))], tmp_path / 'd', workers=2)
    assert [Path(item.path).read_bytes() for item in results.ok] == [b'a']


@pytest.mark.parametrize(
    ('targets', 'words', 'problem'),
    [
        ('http://h/a', {}, 'targets'),
        ([], {'retires': 1}, 'retires'),
        ([], {'workers': 0}, 'workers'),
        ([], {'url': 'http://h/'}, 'url'),
    ],
)
def test_mistakes_about_the_batch_raise_at_once(
    manager: DownloadManager, targets: Any, words: dict[str, Any], problem: str
) -> None:
    """As from `download_many`."""
    with pytest.raises(dm.RequestError, match=problem):
        manager.download_all(targets, **words)


def test_a_retry_downloads_into_the_same_folder(
    make_manager: MakeManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the current folder is another one by then; the checksum file is the same, too."""
    other = tmp_path / 'other'
    other.mkdir()
    monkeypatch.chdir(tmp_path)
    digest = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'
    Path('SUMS').write_text(f'{digest}  x.csv\n', encoding='utf-8')
    url = server.on('/x.csv', in_turn(respond(404), resource(b'x')))
    results = make_manager().download_all([url], 'data/', retries=0, checksum_file='SUMS')
    assert len(results.failed) == 1
    monkeypatch.chdir(other)
    again = results.retry()

    assert [item.path for item in again.ok] == [str(tmp_path / 'data' / 'x.csv')]
    assert os.listdir(other) == []


def test_one_entry_is_not_a_batch(make_manager: MakeManager) -> None:
    """Its keys are not URLs."""
    with pytest.raises(dm.RequestError, match='must be a list, not one download'):
        make_manager().download_all({'url': 'https://example.org/a'})
