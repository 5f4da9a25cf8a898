"""Variants of one URL in the registry: a lookup reads those that may answer its request."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.key import keyed_by_vary
from dlmachine.core.cache.updates import SameVersion
from dlmachine.core.frozen import replace
from dlmachine.core.protocol.effects import Record
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine_adapters.cachedir import rows
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files import remembering
from tests.adapters.stores import Shelf, a_target, write_file

#: In seconds; longer than a tick of the times of files.
TICK = 0.03


def asking(accept: str | None = None) -> Descriptor:
    """A request that accepts something."""
    return keyed_by_vary(a_target(headers={'X-Lab': '1', **({'Accept': accept} if accept else {})}))


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """A cache in a folder."""
    store = CachedirStore(str(tmp_path), ManualClock())
    yield Shelf(store, write_file, lambda path: Path(path).exists())
    store.close()


def put(shelf: Shelf, version: int, accept: str | None, vary: str = 'Accept') -> None:
    """Store the response to a request, which by default accepts everything."""
    asked = (('Accept', accept or '*/*'),)
    said = (('Vary', vary),) if vary else ()
    shelf.put(version, asking(accept), request_headers=asked, response_headers=said)


def readable(shelf: Shelf, accept: str | None) -> list[int]:
    """The versions that a lookup reads."""
    found = shelf.see(asking(accept)).entries
    return [entry.version for entry in found if entry.status is Status.READY]


def test_only_the_variants_of_a_request_are_read(shelf: Shelf) -> None:
    """Of many, with any Vary; of the others only the number of the last is known."""
    for version in range(1, 41):
        put(shelf, version, f'type/{version}')
    put(shelf, 41, 'type/7', vary='accept, X-Lab')
    put(shelf, 42, None)
    put(shelf, 43, 'last')
    assert readable(shelf, 'type/7') == [7]
    assert readable(shelf, None) == [42]
    assert readable(shelf, 'new') == []
    versions = [entry.version for entry in shelf.see(asking('type/7')).entries]
    assert versions == [7, 43]


def test_responses_without_a_key_are_read_for_each_request(shelf: Shelf) -> None:
    """Those that do not vary, or by anything, and those of downloads by other rules."""
    put(shelf, 1, 'a')
    put(shelf, 2, 'a', vary='')
    put(shelf, 3, 'a', vary='*')
    put(shelf, 4, 'a', vary='not a name')
    assert readable(shelf, 'b') == [2, 3, 4]
    assert readable(shelf, 'a') == [1, 2, 3, 4]


def test_a_freshened_record_may_vary_by_other_fields(shelf: Shelf) -> None:
    """The last one counts."""
    put(shelf, 1, 'a')
    made = shelf.update(1, asking('a'), request_headers=(('Accept', 'a'),))
    known = replace(made.record, response_headers=(('Vary', 'X-Lab'),))
    for variant, accept, expected in [('x-lab:0', 'a', []), ('', 'b', [1])]:
        update = SameVersion(
            key=made.key, item_id=made.item_id, version=1, record=known, variant=variant
        )
        shelf.store.record(Record(key=made.key, version=1, reason='freshened'), update)
        assert readable(shelf, accept) == expected


def test_the_keys_of_a_request_are_enough_if_each_row_has_one(shelf: Shelf) -> None:
    """Otherwise those without a key are found, too, which takes twenty times as long."""
    for version in range(1, 12):
        put(shelf, version, f'type/{version}')
    asked: list[str] = []
    database = shelf.store.registry  # type: ignore[attr-defined]
    database.read(lambda connection: connection.set_trace_callback(asked.append))

    assert readable(shelf, 'type/7') == [7]
    assert not any('EXCEPT' in text for text in asked)
    put(shelf, 12, None, vary='')
    assert set(readable(shelf, 'type/7')) == {7, 12}
    assert any('EXCEPT' in text for text in asked)


def test_variants_are_told_apart_in_the_index(shelf: Shelf, tmp_path: Path) -> None:
    """Without a look at the row of each, so that ten thousand of them take milliseconds."""
    put(shelf, 1, 'a')
    where = rows._BUT_OTHERS.format(marks='?')
    asked = f'EXPLAIN QUERY PLAN SELECT 1 FROM main m WHERE {where}'
    with closing(sqlite3.connect(tmp_path / 'cache.sqlite')) as connection:
        steps = connection.execute(asked, ('', '', '', '')).fetchall()
    used = [text for *_, text in steps if 'attr_varchar' in text]
    assert len(used) == 2
    assert all('COVERING INDEX dlmachine_variant' in text for text in used)


@pytest.mark.parametrize('count', [3, 30])
def test_a_registry_that_is_read_as_a_whole_finds_the_same(
    shelf: Shelf, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few variants are found in it, many are asked for."""
    for version in range(1, count + 1):
        put(shelf, version, f'type/{version}')
    time.sleep(TICK)
    monkeypatch.setattr(remembering, '_BYTES_PER_QUESTION', 1 << 30)
    for _ in range(2):
        for version in range(1, count + 1):
            wanted = asking(f'type/{version}')
            found = [one for one in shelf.see(wanted).entries if one.version == version]
            assert found[0].status is Status.READY


def test_the_lists_of_names_are_limited(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with another Vary each time costs no more; what is not read is downloaded."""
    monkeypatch.setattr(rows, '_MAX_LISTS', 2)
    lists: list[Any] = ['a', 'b', 'c', 'd']
    for version, name in enumerate(lists, start=1):
        put(shelf, version, 'x', vary=name)
    assert readable(shelf, 'x') == [1, 2]
