"""The schema of cachedir's registry, and the indexes that it lacks.

Contract: the tables are cachedir's to the letter, so that either can begin the file.
"""

from typing import Final

ATTRIBUTE_TYPES: Final = ('varchar', 'int', 'datetime', 'float', 'text')

_MAIN: Final = """
    CREATE TABLE IF NOT EXISTS main (
        id INTEGER PRIMARY KEY AUTOINCREMENT, item_id VARCHAR, version_id VARCHAR,
        version INT, status INT, file_name VARCHAR, label VARCHAR, date DATETIME,
        ext VARCHAR, last_read DATETIME, last_search DATETIME, read_count INT,
        search_count INT
    )
"""
_ATTRIBUTES: Final = """
    CREATE TABLE IF NOT EXISTS attr_{name} (
        id INT, namespace VARCHAR, keyvar INT, name VARCHAR, value {type},
        FOREIGN KEY(id) REFERENCES main(id)
    )
"""

TABLES: Final = {
    'main': _MAIN,
    **{
        f'attr_{name}': _ATTRIBUTES.format(name=name, type=name.upper())
        for name in ATTRIBUTE_TYPES
    },
}

INDEXES: Final = (
    'CREATE INDEX IF NOT EXISTS dlmachine_item ON main(item_id, version)',
    *(
        f'CREATE INDEX IF NOT EXISTS dlmachine_attr_{name} ON attr_{name}(id)'
        for name in ATTRIBUTE_TYPES
    ),
)
UNIQUE_VERSION: Final = (
    'CREATE UNIQUE INDEX IF NOT EXISTS dlmachine_version_unique ON main(version_id)'
)
