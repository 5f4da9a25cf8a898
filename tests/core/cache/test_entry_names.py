"""Valid file names of entries in a registry."""

import pytest

from dlmachine.core.cache.entry_names import MAX_VERSION, entry_file_name

ITEM = '0123456789abcdef' * 2


@pytest.mark.parametrize(
    ('extension', 'name'), [('', f'{ITEM}-1'), ('csv', f'{ITEM}-1.csv'), ('tar.gz', f'{ITEM}-1.tar.gz'), ('größe', f'{ITEM}-1.größe')]
)  # fmt: skip
def test_names_of_dlmachine_and_cachedir_are_accepted(extension: str, name: str) -> None:
    """The version, and optionally an extension."""
    assert entry_file_name(ITEM, 1, f'{ITEM}-1', extension) == name


@pytest.mark.parametrize(
    'version_id',
    ['/home/me/thesis', '../../x', '..', '.', '', 'C:\\x', 'cache.sqlite', 'cache.sqlite-journal', '.dlmachine', '.dlmachine/x',
     'CACHEDIR.TAG', f'{ITEM}-2', f'{ITEM[::-1]}-1', f'{ITEM}-01', f'{ITEM}-1\n', f'{ITEM}-1\0', f' {ITEM}-1', f'{ITEM}-١'],
)  # fmt: skip
def test_another_version_id_is_not(version_id: str) -> None:
    """Neither a path nor the file of another entry."""
    assert entry_file_name(ITEM, 1, version_id, '') is None


@pytest.mark.parametrize(
    'extension',
    ['a/b', '/x', 'a\\b', 'a\0', 'a\n', 'a:b', '\x7f', '\x85', '\udcff', 'x' * 300, 'ü' * 120],
)
def test_an_extension_is_plain(extension: str) -> None:
    """No separator, no control character, not too long."""
    assert entry_file_name(ITEM, 1, f'{ITEM}-1', extension) is None


def test_a_name_has_at_most_255_bytes() -> None:
    """As file systems allow."""
    assert entry_file_name(ITEM, 1, f'{ITEM}-1', 'x' * 220) == f'{ITEM}-1.{"x" * 220}'
    assert entry_file_name(ITEM, 1, f'{ITEM}-1', 'x' * 221) is None


@pytest.mark.parametrize('item', ['..', 'item', ITEM.upper(), f'{ITEM}0', f'{ITEM}\n', ''])
def test_an_item_id_is_a_digest(item: str) -> None:
    """The same digest as in cachedir."""
    assert entry_file_name(item, 1, f'{item}-1', '') is None


@pytest.mark.parametrize('version', [0, -1, MAX_VERSION + 1, 2**62])
def test_versions_count_from_one(version: int) -> None:
    """A version is bounded, so that the next one exists."""
    assert entry_file_name(ITEM, version, f'{ITEM}-{version}', '') is None
    assert entry_file_name(ITEM, MAX_VERSION, f'{ITEM}-{MAX_VERSION}', '') is not None
