"""Fill a cache folder with entries by SQL, as dlmachine writes them.

One entry is downloaded. Every row of it in every table is then copied with another key, URL and item
id, so that the copies follow the schema. The first `known`
entries are those of `base/0.bin`, `base/1.bin`, … and have files; the others are rows only.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COPY = """
    INSERT INTO {table} ({columns})
    SELECT {values} FROM wish CROSS JOIN {table} t WHERE t.id = :id
"""
REPLACED = """
    CASE WHEN typeof(t.{name}) = 'text'
    THEN replace(replace(replace(t.{name}, :url, wish.url), :item, wish.item), :key, wish.key)
    ELSE t.{name} END
"""


def main(job: dict[str, Any]) -> None:
    """Download the model, copy its rows, link the files."""
    from dlmachine import DownloadManager

    folder = Path(job['folder'])
    with DownloadManager(path=folder, backend='requests') as manager:
        stored = Path(str(manager.download(job['model'])))
    key, item = _identify(job['model'])
    connection = sqlite3.connect(folder / 'cache.sqlite', isolation_level=None)
    connection.execute('PRAGMA synchronous = OFF')
    connection.execute('PRAGMA cache_size = -200000')
    model = {'url': job['model'], 'key': key, 'item': item}
    _copy(connection, model, job)
    connection.execute('PRAGMA optimize')
    connection.close()
    for _, copied, _, _ in _known(job):
        os.link(stored, folder / stored.name.replace(item, copied))


def _copy(connection: sqlite3.Connection, model: dict[str, str], job: dict[str, Any]) -> None:
    (model_id,) = connection.execute(
        'SELECT id FROM main WHERE item_id = ?', (model['item'],)
    ).fetchone()
    connection.execute('CREATE TEMP TABLE wish (id INTEGER PRIMARY KEY, item, key, url)')
    connection.execute('BEGIN IMMEDIATE')
    connection.executemany(
        'INSERT INTO wish VALUES (? + 1 + (SELECT max(id) FROM main), ?, ?, ?)', _known(job)
    )
    connection.executemany(
        'INSERT INTO wish VALUES (? + 1 + (SELECT max(id) FROM main), lower(hex(randomblob(16))),'
        " lower(hex(randomblob(32))), 'http://filler.invalid/' || hex(randomblob(8)))",
        ((number,) for number in range(job['known'], job['count'])),
    )
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f'DROP INDEX {name}')
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    for (table,) in tables:
        names = [row[1] for row in connection.execute(f'PRAGMA table_info({table})')]
        if 'id' in names:
            values = ['wish.id' if n == 'id' else REPLACED.format(name=n) for n in names]
            query = COPY.format(table=table, columns=', '.join(names), values=', '.join(values))
            connection.execute(query, {**model, 'id': model_id})
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute('COMMIT')


def _known(job: dict[str, Any]) -> Iterator[tuple[int, str, str, str]]:
    for number in range(job['known']):
        url = f'{job["base"]}/{number}.bin'
        key, item = _identify(url)
        yield number, item, key, url


def _identify(url: str) -> tuple[str, str]:
    from dlmachine import Descriptor
    from dlmachine.core.cache.key import cache_key
    from dlmachine_adapters.cachedir.naming import item_id_of

    key = cache_key(Descriptor(url))
    return key, item_id_of(key)


if __name__ == '__main__':
    main(json.loads(sys.argv[1]))
