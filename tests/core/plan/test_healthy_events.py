"""The events of a world without failures, and the words of effects, as complete values."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.http.headers import Headers
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.integrity.representation import Representation
from dlmachine.core.machine.files import cache_policy
from dlmachine.core.plan.dry_run import healthy_event
from dlmachine.core.plan.plan import plan
from dlmachine.core.plan.render import show_effect
from dlmachine.core.protocol.effects import FillCache, Invalidate, OpenPart
from dlmachine.core.protocol.events import CacheFilled, Responded
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.reuse import Freshness, Link
from tests.builders import (
    DIGEST,
    NOW,
    OTHER_DIGEST,
    URL,
    a_cache,
    a_descriptor,
    a_file,
    a_policy,
    a_record,
    a_recorded,
    a_snapshot,
    an_entry,
    an_exchange,
)

FUTURE = an_entry(1, stored_at=NOW + timedelta(days=1), record=a_record(sha256=OTHER_DIGEST))
PAST = an_entry(2)
SUM = Checksum('sha256', OTHER_DIGEST)


@pytest.mark.parametrize(
    ('cache', 'options', 'is_there'),
    [
        (a_cache(FUTURE, PAST), {}, True),
        (a_cache(FUTURE, PAST), {'force_download': True}, False),
        (a_cache(an_entry(record=None)), {}, False),
        (a_cache(), {}, False),
        (None, {}, False),
    ],
)
def test_a_cache_is_filled_with_what_it_has(cache: Any, options: Any, *, is_there: bool) -> None:
    """Or else with what is promised."""
    policy = a_policy(dest=ToPath('/d/x'), via_cache=True, **options)
    asked = a_policy(
        dest=ToPath('/d/x'), via_cache=True, min_bytes=None if is_there else 9, checksum=None if is_there else SUM, **options
    )  # fmt: skip
    effect = FillCache(key='k', policy=cache_policy(policy))
    promised = DownloadRecord(
        url='', started_at=NOW, finished_at=NOW, size_bytes=9, sha256=OTHER_DIGEST
    )
    expected = CacheFilled(at=NOW, path='', record=promised, is_new=True)
    if is_there:
        expected = CacheFilled(at=NOW, path=PAST.path, record=a_record())
    assert healthy_event(effect, asked, a_snapshot(cache=cache)) == expected


def test_a_resumed_part_ends_with_the_file() -> None:
    """If its size is known."""
    expect = Expectation(offset=4, validator='"v1"', representation=Representation(size_bytes=10))
    event = healthy_event(an_exchange(expect=expect), a_policy(), a_snapshot())
    assert isinstance(event, Responded)
    assert event.head.headers == Headers((('Content-Range', 'bytes 4-9/10'), ('ETag', '"v1"')))
    assert event.received is not None
    assert (event.received.size_bytes, event.received.wire_bytes) == (10, 6)


@pytest.mark.parametrize(
    ('policy', 'seen', 'sha256'),
    [
        (a_policy(dest=ToPath('/data/x.csv')), a_snapshot(file=a_file(a_recorded())), DIGEST),
        (a_policy(freshness=Freshness.ALWAYS), a_snapshot(cache=a_cache(FUTURE, PAST)), DIGEST),
    ],
)
def test_a_body_is_that_of_the_newest_copy(policy: Any, seen: Any, sha256: str) -> None:
    """Where it is compared with one."""
    event = healthy_event(an_exchange(), policy, seen)
    assert isinstance(event, Responded)
    assert event.received is not None
    assert event.received.sha256 == sha256


KEY = '0123456789abcdef'


@pytest.mark.parametrize(
    ('effect', 'words'),
    [
        (OpenPart(beside='/d', stem='s', source='/c/x', sha256='ab'), 'copy /c/x'),
        (OpenPart(beside='/d', stem='s', source='/c/x', link=Link.HARD), 'make a hard link to /c/x'),
        (OpenPart(beside='/d', stem='s'), 'open a partial file in /d'),
        (FillCache(key=KEY, policy=a_policy()), 'get entry 0123456789ab of the cache, downloading it if necessary'),
        (Invalidate(urls=('http://h/a', 'http://h/b')), 'mark the stored copies of http://h/a, http://h/b as invalid'),
    ],
)  # fmt: skip
def test_an_effect_in_words(effect: Any, words: str) -> None:
    """Each is one line."""
    assert show_effect(effect) == words


def test_a_plan_names_the_secret_fields() -> None:
    """Declared ones too."""
    target = a_descriptor(
        headers={'Authorization': 'planted', 'A': '1', 'X-Mine': 's'}, secret_names=['x-mine']
    )
    made = plan(target, a_policy(), a_snapshot(target)).unwrap()
    assert '  secret       Authorization, X-Mine, sent only to https://example.org\n' in str(made)
    assert repr(made) == f'<Plan: fetch {URL}, {len(made.effects)} effects>'


def test_a_plan_of_a_signed_url_gets_its_signature_again() -> None:
    """The key is that of the complete URL, as it was."""
    target = a_descriptor(f'{URL}?X-Amz-Date=1&X-Amz-Signature=planted')
    made = plan(target, a_policy(), a_snapshot(target)).unwrap()
    again = made.redacted().with_descriptor(target).unwrap()
    assert again.descriptor == target
