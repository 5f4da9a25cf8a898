"""Rows that come one at a time are tables, too: of pandas, and in notebooks."""

import inspect
import io
import json
import pickle
import re
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.keeping.methods import CacheKeeping
from dlmachine.notebooks.columns import columns_of
from tests.servers.behaviours import resource
from tests.servers.http import Server

SECRET = 'hunter2hunter2'


class _Scene:
    """A cache and a folder with a file each, a manifest, and an archive."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.manager = dm.DownloadManager(path=folder / 'cache', progress=False)
        server.on('/t.tsv', resource(b'data', etag='"v1"'))
        self.url = server.url(f'/t.tsv?token={SECRET}')
        self.folder = folder / 'data'
        self.manager.download(self.url)
        self.manager.download(self.url, f'{self.folder}/')
        self.archive = folder / 'a.zip'
        with zipfile.ZipFile(self.archive, 'w') as archive:
            archive.writestr('t.tsv', 'gene')

    def adopted(self) -> Iterable[Any]:
        """One file, and one that is not there."""
        entries = [{'url': self.url, 'path': 't.tsv'}, {'url': self.url, 'path': 'none.tsv'}]
        return self.manager.adopt_all(entries, self.folder, force=True)


#: A call of each method that returns rows, by the name of the method.
CALLS: dict[str, Callable[[_Scene], Any]] = {
    'audit': lambda scene: scene.manager.audit([scene.url, 'gopher://h/x', scene.url]),
    'cache_entries': lambda scene: scene.manager.cache_entries(),
    'cache_usage': lambda scene: scene.manager.cache_usage(),
    'files': lambda scene: scene.manager.files(scene.folder),
    'versions': lambda scene: scene.manager.versions(scene.url, scene.folder),
    'provenance': lambda scene: scene.manager.provenance(scene.folder),
    'verify': lambda scene: scene.manager.verify(scene.folder),
    'adopt_all': lambda scene: scene.adopted(),
    'members': lambda scene: scene.manager.members(_outcome(scene)),
    'dm.audit': lambda scene: _audited(scene),  # noqa: PLW0108 -- it is defined below
    'dm.members': lambda scene: dm.members(scene.archive),
}
#: The calls that make no row.
EMPTY: dict[str, Callable[[_Scene], Any]] = {
    'audit': lambda scene: scene.manager.audit([]),
    'cache_entries': lambda scene: scene.manager.cache_entries('size>1GB'),
    'versions': lambda scene: scene.manager.versions('https://h/other'),
}


def _outcome(scene: _Scene) -> dm.Outcome:
    return dm.Outcome(origin=dm.Origin.CACHE, reason='', key='', path=str(scene.archive))


def _audited(scene: _Scene) -> Any:
    with scene.manager.adapters() as world:
        return dm.audit([scene.url], world)


@pytest.fixture
def scene(tmp_path: Path, server: Server) -> _Scene:
    """A manager whose cache and folder have a file."""
    return _Scene(tmp_path, server)


def _returned(function: Callable[..., Any]) -> str:
    return str(inspect.signature(function).return_annotation)


def test_every_method_that_returns_rows_is_tested() -> None:
    """And none returns a plain iterator or a list of values, except batches and links."""
    methods = dict(inspect.getmembers(dm.DownloadManager, inspect.isfunction))
    public = {name: _returned(one) for name, one in methods.items() if name[0] != '_'}
    found = {name for name, kind in public.items() if re.search(r'\bRow(s|List)\[', kind)}
    functions = {name: getattr(dm, name) for name in dm.__all__}
    found |= {
        f'dm.{name}'
        for name, one in functions.items()
        if inspect.isfunction(one) and 'Rows[' in _returned(one)
    }
    assert found == set(CALLS)
    plain = {name for name, kind in public.items() if re.match(r"'?(Iterator|list)\[", kind)}
    assert plain == {'download_many', 'prepare_many', 'link', 'adapters'} & plain


@pytest.mark.parametrize('name', CALLS)
def test_rows_become_a_table_of_pandas(scene: _Scene, name: str) -> None:
    """One line for each row; sizes are whole numbers, and times have a zone; secrets are masked."""
    pytest.importorskip('pandas')
    rows = [row.to_dict() for row in CALLS[name](scene)]
    table = CALLS[name](scene).to_pandas()
    assert len(table) == len(rows) > 0
    for column in table.columns:
        if column == 'size':
            assert str(table[column].dtype) == 'Int64'
        if column.endswith('_at'):
            assert str(table[column].dtype).endswith('UTC]')
    assert SECRET not in table.to_csv()
    assert not table.columns.duplicated().any()
    assert json.loads(json.dumps(rows)) == rows


@pytest.mark.parametrize('name', CALLS)
def test_rows_are_a_table_in_a_notebook(scene: _Scene, name: str) -> None:
    """Looking at it takes no row, and the repr reads none."""
    rows = CALLS[name](scene)
    shown = rows._repr_html_()
    assert '<table>' in shown
    assert SECRET not in shown
    assert len(repr(rows)) < 1_000
    taken = list(rows)
    assert len(taken) == len(list(CALLS[name](scene)))
    assert f'{len(taken)} row' in shown


@pytest.mark.parametrize('name', EMPTY)
def test_a_table_without_rows_has_its_columns(scene: _Scene, name: str) -> None:
    """They are those of the full one."""
    pytest.importorskip('pandas')
    empty, full = EMPTY[name](scene), CALLS[name](scene)
    table = empty.to_pandas()
    assert len(table) == 0
    assert [*table.columns] == [*full.to_pandas().columns]
    assert '0 rows' in EMPTY[name](scene)._repr_html_()


def test_each_row_comes_once() -> None:
    """A table has those that have not come yet; after `close` none comes."""
    pytest.importorskip('pandas')
    with dm.DownloadManager(progress=False) as manager:
        urls = [f'https://h/{number}' for number in range(30)]
        rows = manager.audit(urls)
        assert next(rows).url == 'https://h/0'
        assert 'The first 20 rows' in rows._repr_html_()
        assert rows._repr_html_() == rows._repr_html_()
        assert next(rows).url == 'https://h/1'
        assert [*rows.to_pandas().url] == urls[2:]
        assert list(rows) == []
        ended = manager.audit(urls)
        assert ended._repr_html_()
        ended.close()
        assert list(ended) == []


def test_rows_are_made_as_they_are_requested() -> None:
    """A table in a notebook looks at a few of them."""
    asked: list[int] = []

    def urls() -> Any:
        for number in range(1_000):
            asked.append(number)
            yield f'https://h/{number}'

    with dm.DownloadManager(progress=False) as manager:
        rows = manager.audit(urls())
        assert repr(rows) == '<Rows: status, name, size, reason>'
        assert len(asked) < 500
        rows._repr_html_()
        assert len(asked) < 500
        rows.close()


def test_closing_rows_closes_what_they_are_read_from(scene: _Scene) -> None:
    """Also if nothing was read, and for rows of a list."""
    rows = scene.manager.cache_entries()
    next(rows)
    rows.close()
    assert list(rows) == []
    plain = dm.Rows([scene.manager.plan(scene.url)], columns_of('key', shown=('key',)))
    plain.close()
    assert list(plain) == []


def test_a_list_of_rows_is_a_list(scene: _Scene) -> None:
    """It is compared and pickled as one."""
    found = scene.manager.versions(scene.url, scene.folder)
    assert len(found) == 2
    assert found == list(found)
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert again.to_pandas().equals(found.to_pandas())


def test_tables_need_pandas(scene: _Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(ImportError, match=r'needs pandas.*pip install pandas'):
        scene.manager.cache_entries().to_pandas()


def test_an_audit_has_the_digest_of_what_is_stored(scene: _Scene) -> None:
    """And the code and the message of a failure."""
    pytest.importorskip('pandas')
    table = CALLS['audit'](scene).to_pandas()
    assert [*table.status] == ['hit', 'would-fail', 'hit']
    assert [*table['sha256'].str.len().fillna(0)] == [64, 0, 64]
    assert table.error[1] == 'scheme_refused'
    assert 'gopher' in table.message[1]


def test_the_columns_are_in_the_rows(scene: _Scene) -> None:
    """A member in memory, too."""
    buffer = io.BytesIO(scene.archive.read_bytes())
    (member,) = dm.members(buffer)
    assert member.to_dict()['size'] == 4
    assert CacheKeeping.cache_usage.__doc__
