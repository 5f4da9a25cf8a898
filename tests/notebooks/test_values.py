"""Every value that a user holds has a dict for JSON, is small in a notebook, and has a short repr."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.faults.base import FaultBase
from dlmachine.core.protocol.progress import ProgressBase
from dlmachine.notebooks.html import html_of
from tests.servers.behaviours import resource
from tests.servers.http import Server

#: What a user passes, or looks into: these are parts of plans and records, which have dicts.
PASSED = {'Checksum', 'Descriptor', 'Login', 'Policy', 'Snapshot', 'Window'}
#: Functions and methods that return one of these to be passed on.
PASSING = {'prepare', 'prepare_many', 'adapters', 'execute', 'plan', 'read_manifest'}


def _frozen_classes() -> Iterator[type]:
    for info in pkgutil.walk_packages(dm.__path__, 'dlmachine.'):
        if info.name.endswith('__main__') or '.integrations.' in info.name:
            continue
        module = importlib.import_module(info.name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if hasattr(kind, '__shape__') and kind.__module__ == module.__name__:
                yield kind


def _returned_words() -> set[str]:
    held = [dm.DownloadManager, dm.AsyncDownloadManager, dm.Results, dm.LockReport]
    found = [
        one
        for kind in held
        for name, one in inspect.getmembers(kind, inspect.isfunction)
        if name[0] != '_' and name not in PASSING
    ]
    found += [
        getattr(dm, name)
        for name in dm.__all__
        if inspect.isfunction(getattr(dm, name)) and name not in PASSING
    ]
    texts = [str(inspect.signature(one).return_annotation) for one in found]
    return {word for text in texts for word in re.findall(r'\w+', text)}


def test_every_value_that_a_user_holds_has_a_dict() -> None:
    """Those with a public name, and those that a method returns; the test finds new ones by itself."""
    words = _returned_words() | set(dm.__all__)
    held = {kind for kind in _frozen_classes() if kind.__name__ in words}
    assert {'Outcome', 'Plan', 'AuditRow', 'ListedEntry', 'StoredFile', 'PruneReport'} <= {
        kind.__name__ for kind in held
    }
    without = {kind.__name__ for kind in held if not hasattr(kind, 'to_dict')}
    assert without == PASSED & {kind.__name__ for kind in held}
    for kind in _frozen_classes():
        if issubclass(kind, (FaultBase, ProgressBase)):
            assert callable(kind.to_dict)


@pytest.fixture
def held(tmp_path: Path, server: Server) -> list[Any]:
    """A value of each kind that comes from a few calls."""
    server.on('/t.tsv', resource(b'data'))
    url, folder = server.url('/t.tsv'), tmp_path / 'data'
    manifest = tmp_path / 'm.toml'
    manifest.write_text(f'[[download]]\nname = "t"\nurl = "{url}"\n')
    manager = dm.DownloadManager(path=tmp_path / 'cache', progress=False)
    results = manager.download_all([url, server.url('/none')])
    made = [
        manager.plan(url),
        manager.fetch(url),
        manager.fetch(url, f'{folder}/').record,
        *results,
        results.failed[0].fault,
        *manager.audit([url]),
        *manager.cache_entries(),
        *manager.cache_usage(),
        *manager.files(folder),
        *manager.provenance(folder),
        *manager.verify(folder),
        *manager.adopt_all([{'url': url, 'path': 't.tsv'}], folder),
        manager.probe(url),
        manager.lock(manifest),
        manager.prune(max_size='1B', grace_period='1d', dry_run=True),
        *dm.unwrap(dm.read_manifest(manifest)),
    ]
    exported = manager.export_cache(tmp_path / 'a.tar')
    made += [*exported, manager.import_cache(tmp_path / 'a.tar')]
    assert len({type(one) for one in made}) == len(made)
    return made


def test_values_are_dicts_for_json(held: list[Any]) -> None:
    """JSON gives the same dict again."""
    for value in held:
        found = value.to_dict()
        assert json.loads(json.dumps(found)) == found, value


def test_values_are_small_tables_in_a_notebook(held: list[Any]) -> None:
    """Without scripts and colours."""
    for value in held:
        html = value._repr_html_()
        assert html == html_of(value)
        assert html is not None, value
        assert '<table>' in html
        assert not re.search('script|color', html), value
        assert len(html) < 10_000, value


def test_values_have_a_short_repr(held: list[Any]) -> None:
    """Their records and stories are left out."""
    for value in held:
        if not isinstance(value, (dm.DownloadRecord, dm.Item)):
            assert len(repr(value)) < 1_000, value
