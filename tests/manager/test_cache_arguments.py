"""Arguments of any kind for the methods of a cache: a RequestError for each that makes no sense."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm

Call = Callable[[dm.DownloadManager, Any], object]

ODD: tuple[Any, ...] = (
    1.5, float('nan'), 10**400, object(), print, [1], {1: 2}, b'\xff\x00', '\0', '\ud800',
    range(10**9),
)  # fmt: skip
CALLS: dict[str, Call] = {
    'prune, max_size': lambda manager, odd: manager.prune(max_size=odd, dry_run=True),
    'prune, unused_for': lambda manager, odd: manager.prune(unused_for=odd, dry_run=True),
    'prune, keep_versions': lambda manager, odd: manager.prune(keep_versions=odd, dry_run=True),
    'prune, dry_run': lambda manager, odd: manager.prune(max_size=0, dry_run=odd),
    'prune, keep_lock': lambda manager, odd: manager.prune(max_size=0, keep_lock=odd),
    'entries, filters': lambda manager, odd: list(manager.cache_entries(odd)),
    'entries, sort': lambda manager, odd: list(manager.cache_entries(sort=odd)),
    'entries, limit': lambda manager, odd: list(manager.cache_entries(limit=odd)),
    'usage, by': lambda manager, odd: manager.cache_usage(by=odd),
    'pin': lambda manager, odd: manager.pin(odd),
    'unpin': lambda manager, odd: manager.unpin(odd),
    'export, archive': lambda manager, odd: manager.export_cache(odd),
    'export, targets': lambda manager, odd: manager.export_cache('x.tar', odd),
    'export, one target': lambda manager, odd: manager.export_cache('x.tar', 'http://h/x'),
    'export, manifest': lambda manager, odd: manager.export_cache('x.tar', manifest=odd),
    'import, archive': lambda manager, odd: manager.import_cache(odd),
    'import, dry_run': lambda manager, odd: manager.import_cache('x.tar', dry_run=odd),
}
#: What is valid after all: a number of bytes or versions.
VALID = {('prune, max_size', 10**400), ('prune, keep_versions', 10**400)}


@pytest.mark.parametrize('name', CALLS)
def test_odd_arguments_are_refused(name: str, tmp_path: Path) -> None:
    """With a message that names the argument, and nothing is written."""
    with dm.DownloadManager(tmp_path / 'cache') as manager:
        for odd in ODD:
            if isinstance(odd, int) and (name, odd) in VALID:
                continue
            with pytest.raises(dm.DownloadError):
                CALLS[name](manager, odd)
    assert list(tmp_path.iterdir()) == []
