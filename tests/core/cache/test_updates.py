"""Updates: which belong to the cache, and which to the index of a folder."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from dlmachine.core.cache.missing import Miss, end_of, sources_of
from dlmachine.core.cache.updates import (
    FileRecord,
    MissingUpdate,
    as_file_update,
    as_version_update,
)
from tests.builders import a_record

AT = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(('folder', 'is_of_folder'), [('', False), ('/data', True)])
def test_a_miss_is_of_the_cache_or_of_a_folder(folder: str, *, is_of_folder: bool) -> None:
    """It has no version."""
    update = MissingUpdate(key='k', folder=folder)
    assert update.version == 0
    assert (as_file_update(update) is update) is is_of_folder
    assert (as_version_update(update) is update) is not is_of_folder


def test_a_duration_beyond_all_dates_ends_with_the_last_one() -> None:
    """It is remembered for ever."""
    assert end_of(AT, timedelta(days=1)).day == 2
    assert end_of(AT, timedelta.max) == datetime.max.replace(tzinfo=UTC)
    miss = Miss(key='', url='', status=404, at=AT, until=AT + timedelta(days=7))
    assert miss.holds(timedelta.max, AT + timedelta(days=6))
    assert not miss.holds(timedelta.max, AT + timedelta(days=7))
    assert not miss.holds(timedelta.max, AT - timedelta(seconds=1))
    assert miss.holds(timedelta.max, AT)


def test_what_stands_for_urls_does_not_change() -> None:
    """It is stored; the order of the URLs does not count."""
    assert sources_of(['b', 'a\udcff']) == sha256(b'a\xff\nb').hexdigest()


def test_the_row_of_a_file_is_of_a_folder() -> None:
    """Never of the cache."""
    row = FileRecord(key='k', folder='/data', name='x', record=a_record(), version=1)
    assert as_file_update(row) is row
    assert as_version_update(row) is None
