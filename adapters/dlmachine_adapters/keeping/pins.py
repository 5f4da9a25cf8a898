"""Pins: the entries of a cache that are never pruned.

Contract: a pin is an attribute of a row, so that cachedir shows it. It belongs to the entry:
versions that are stored later are pinned, too. Raises: OSError, sqlite3.Error.
"""

import sqlite3
from collections.abc import Iterable
from functools import partial
from typing import Final

from dlmachine.core.cache.entries import Status
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.files.database import NoDatabase

#: The name of the attribute.
PIN: Final = 'dlmachine_pinned'
_PINNED: Final = """
    SELECT DISTINCT m.item_id FROM attr_int a JOIN main m ON m.id = a.id
    WHERE a.keyvar = 0 AND a.name = ? AND a.namespace IS NULL
"""
_IS_PINNED: Final = """
    SELECT 1 FROM main m JOIN attr_int a ON a.id = m.id
    WHERE m.item_id = ? AND a.keyvar = 0 AND a.name = ? AND a.namespace IS NULL
"""
_KNOWN: Final = f'SELECT 1 FROM main WHERE item_id = ? AND status = {Status.READY.value}'  # noqa: S608
_ADD: Final = """
    INSERT INTO attr_int (id, namespace, keyvar, name, value)
    SELECT max(id), NULL, 0, ?, 1 FROM main WHERE item_id = ? HAVING max(id) NOT NULL
"""
_DROP: Final = """
    DELETE FROM attr_int WHERE keyvar = 0 AND name = ? AND namespace IS NULL
    AND id IN (SELECT id FROM main WHERE item_id = ?)
"""


def pinned_items(registry: Registry) -> frozenset[str]:
    """The item ids of the pinned entries."""
    try:
        return registry.read(_read)
    except NoDatabase:
        return frozenset()


def pinned_of(registry: Registry, items: Iterable[str]) -> frozenset[str]:
    """Those of these items that are pinned; does not read the others."""
    wanted = set(items)

    def ask(connection: sqlite3.Connection) -> frozenset[str]:
        return frozenset(
            item
            for item in wanted
            if connection.execute(_IS_PINNED, (item, PIN)).fetchone() is not None
        )

    return registry.read(ask)


def pin(registry: Registry, items: Iterable[str]) -> frozenset[str]:
    """Pin the entries with these item ids; return those that have no complete version.

    Both in one transaction: a prune has removed the entry before, or it sees the pin.
    """
    wanted = frozenset(items)
    with registry.writing() as connection:
        known = _known(wanted, connection)
        for item in known - _read(connection):
            connection.execute(_ADD, (PIN, item))
    return wanted - known


def unpin(registry: Registry, items: Iterable[str]) -> None:
    """Remove the pins of the entries with these item ids."""
    with registry.writing() as connection:
        connection.executemany(_DROP, [(PIN, item) for item in set(items)])


def known_items(registry: Registry, items: Iterable[str]) -> frozenset[str]:
    """The items that have a complete version."""
    try:
        return registry.read(partial(_known, frozenset(items)))
    except NoDatabase:
        return frozenset()


def _known(items: frozenset[str], connection: sqlite3.Connection) -> frozenset[str]:
    return frozenset(
        item for item in items if connection.execute(_KNOWN, (item,)).fetchone() is not None
    )


def _read(connection: sqlite3.Connection) -> frozenset[str]:
    return frozenset(item for (item,) in connection.execute(_PINNED, (PIN,)))
