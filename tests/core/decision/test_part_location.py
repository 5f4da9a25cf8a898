"""The folder and the name of parts, and when to search for one."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.decision.part_location import (
    may_need_part,
    part_place,
    part_stem,
    url_digest,
)
from dlmachine.core.spec.destination import ToMemory, ToPath
from dlmachine.core.spec.reuse import Window
from tests.builders import NOW, a_cache, a_policy, an_entry


def test_memory_has_no_folder_for_parts() -> None:
    """A download to memory has no folder for parts."""
    assert part_place(ToMemory(), '/cache', is_folder=False) is None
    assert part_place(ToPath('/data/'), None, is_folder=False) == '/data'
    assert part_place(ToPath('/data'), None, is_folder=True) == '/data'


def test_stems_are_counted_in_bytes() -> None:
    """A long name is cut between characters."""
    stem = part_stem('ab' * 32, ToPath('/data/' + 'é' * 60))
    assert stem == 'ab' * 16 + '-' + 'é' * 32


def test_urls_have_different_digests() -> None:
    """Different URLs have different digests, which contain no secret."""
    assert url_digest('http://h/?token=a') != url_digest('http://h/?token=b')
    assert 'token' not in url_digest('http://h/?token=a')


@pytest.mark.parametrize(
    ('policy', 'cache', 'may'),
    [
        (a_policy(), a_cache(an_entry()), False),
        (a_policy(), a_cache(), True),
        (a_policy(), None, True),
        (a_policy(force_download=True), a_cache(an_entry()), True),
        (a_policy(check_freshness=True), a_cache(an_entry()), True),
        (a_policy(window=Window(newer_than=NOW + timedelta(1))), a_cache(an_entry()), True),
        (a_policy(dest=ToPath('/data/x')), a_cache(an_entry()), True),
        (a_policy(freshness=timedelta(days=99)), a_cache(an_entry()), False),
        (a_policy(freshness=timedelta(0)), a_cache(an_entry()), True),
    ],
)
def test_part_is_searched_for_if_it_can_be_used(policy: Any, cache: Any, may: bool) -> None:
    """No part is searched for if a stored copy is used without a check."""
    assert may_need_part(policy, cache, None, NOW) is may
