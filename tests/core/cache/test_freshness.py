"""The choice of a stored version, conditions of revalidation, and validators."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.freshness import (
    Condition,
    assess_entry,
    build_condition,
    choose_version,
    recorded_digest,
)
from dlmachine.core.http.validators import parse_etag, parse_http_date, validator_of
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.spec.reuse import CheckMethod, Window
from tests.builders import BEFORE, DIGEST, OTHER_DIGEST, a_head, a_policy, a_record, an_entry

LATER = BEFORE + timedelta(days=1)
DATE = 'Mon, 01 Apr 2024 00:00:00 GMT'
AT_ONCE = 'Mon, 01 Apr 2024 00:00:59 GMT'
LONG_AFTER = 'Mon, 01 Apr 2024 00:01:00 GMT'

CHOICES: list[tuple[str, list[CacheEntry], Window, Checksum | None, int | None]] = [
    ('none', [], Window(), None, None),
    ('the newest', [an_entry(1), an_entry(2, stored_at=LATER)], Window(), None, 2),
    (
        'our own of two of the same time',
        [an_entry(2, is_own=False), an_entry(1)],
        Window(),
        None,
        1,
    ),
    ('the higher of two of the same time', [an_entry(2), an_entry(1)], Window(), None, 2),
    (
        'inside the window only',
        [an_entry(1), an_entry(2, stored_at=LATER)],
        Window(older_than=LATER),
        None,
        1,
    ),
    (
        'not one being written',
        [an_entry(1), an_entry(2, status=Status.WRITE, stored_at=LATER)],
        Window(),
        None,
        1,
    ),
    ('not one without its file', [an_entry(1, file_bytes=None)], Window(), None, None),
    ('not one of another size', [an_entry(1, file_bytes=3)], Window(), None, None),
    ('an empty one', [an_entry(1, file_bytes=0, size_bytes=0)], Window(), None, 1),
    ('one without a size on record', [an_entry(1, size_bytes=None)], Window(), None, 1),
    ('one with the digest', [an_entry(1)], Window(), Checksum('sha256', DIGEST), 1),
    (
        'not one with another digest',
        [an_entry(1)],
        Window(),
        Checksum('sha256', OTHER_DIGEST),
        None,
    ),
    ('one whose digest is not known', [an_entry(1)], Window(), Checksum('md5', 'ab'), 1),
    ('one without a record', [an_entry(1, record=None)], Window(), Checksum('md5', 'ab'), 1),
]


@pytest.mark.parametrize(
    ('entries', 'window', 'checksum', 'version'),
    [row[1:] for row in CHOICES],
    ids=[row[0] for row in CHOICES],
)
def test_choice(
    entries: list[CacheEntry], window: Window, checksum: Checksum | None, version: int | None
) -> None:
    """The newest READY version in the window is chosen, if its file and digest are right."""
    chosen = choose_version(entries, a_policy(window=window, checksum=checksum))
    assert (None if chosen is None else chosen.version) == version


@pytest.mark.parametrize(
    ('limits', 'is_chosen'), [({'min_bytes': 1}, False), ({'max_bytes': 0}, True)]
)
def test_an_empty_file_has_no_bytes(limits: dict[str, int], *, is_chosen: bool) -> None:
    """Which the limits may demand or forbid."""
    empty = an_entry(file_bytes=0, size_bytes=0)
    assert choose_version([empty], a_policy(**limits)) is (empty if is_chosen else None)


def test_the_age_of_a_copy_without_a_record() -> None:
    """It counts from when it was stored."""
    found = assess_entry(an_entry(record=None), timedelta(hours=1), BEFORE + timedelta(minutes=1))
    assert (found.age, found.is_fresh) == (60, True)


def test_other_digests_on_record_count() -> None:
    """Other digests in the record are compared too."""
    record = a_record(digests=(('md5', 'ab'),))
    assert recorded_digest(record, Checksum('md5', 'cd')) == 'ab'
    assert recorded_digest(record, None) is None
    assert recorded_digest(None, Checksum('md5', 'cd')) is None


BOTH = an_entry(record=a_record(last_modified=DATE))
ETAG = ('If-None-Match', '"v1"')
MODIFIED = ('If-Modified-Since', DATE)


@pytest.mark.parametrize(
    ('entry', 'method', 'condition'),
    [
        (
            BOTH,
            CheckMethod.AUTO,
            Condition(headers=(ETAG, MODIFIED), etag='"v1"', last_modified=DATE, size_bytes=8),
        ),
        (BOTH, CheckMethod.ETAG, Condition(headers=(ETAG,), etag='"v1"', size_bytes=8)),
        (
            BOTH,
            CheckMethod.MODIFIED,
            Condition(headers=(MODIFIED,), last_modified=DATE, size_bytes=8),
        ),
        (BOTH, CheckMethod.SIZE, Condition(size_bytes=8)),
        (BOTH, CheckMethod.HASH, Condition()),
        (
            an_entry(record=a_record(etag='v1', last_modified='yesterday')),
            CheckMethod.AUTO,
            Condition(),
        ),
        (an_entry(record=a_record(etag=None)), CheckMethod.ETAG, Condition()),
        (an_entry(record=None), CheckMethod.AUTO, Condition()),
        (an_entry(record=None), CheckMethod.SIZE, Condition(size_bytes=8)),
    ],
    ids=[
        'auto',
        'etag',
        'modified',
        'size',
        'hash',
        'broken validators',
        'no ETag',
        'no record',
        'size without a record',
    ],
)
def test_conditions(entry: CacheEntry, method: CheckMethod, condition: Condition) -> None:
    """A method is never replaced by a weaker one."""
    assert build_condition(entry, method) == condition


@pytest.mark.parametrize(
    ('fields', 'validator'),
    [
        ({'ETag': '"v1"'}, '"v1"'), ({'ETag': 'W/"v1"'}, None), ({'ETag': 'W/"v1"', 'Last-Modified': DATE, 'Date': LONG_AFTER}, None),
        ({'ETag': 'v1'}, None), ({'ETag': 'v1', 'Last-Modified': DATE, 'Date': LONG_AFTER}, DATE),
        ({'Last-Modified': DATE, 'Date': AT_ONCE}, None), ({'Last-Modified': DATE}, None), ({'Date': DATE}, None), ({}, None),
    ],
)  # fmt: skip
def test_strong_validators(fields: dict[str, str], validator: str | None) -> None:
    """Only validators that mean equal bytes allow a part to be resumed."""
    assert validator_of(a_head(200, fields)) == validator


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        (None, None),
        ('', None),
        ('x', None),
        ('Mon, 01 Apr 2024 00:00:00 +0200', '2024-03-31T22:00:00+00:00'),
        ('Mon, 01 Apr 99999 00:00:00 GMT', None),
    ],
)
def test_dates(text: str | None, expected: Any) -> None:
    """A date is an aware time in UTC, or None."""
    at = parse_http_date(text)
    assert (None if at is None else at.isoformat()) == expected


@pytest.mark.parametrize(
    ('text', 'etag'),
    [(None, None), (' "a" ', '"a"'), ('W/"a"', 'W/"a"'), ('"a b"', None), ('a', None)],
)
def test_etags(text: str | None, etag: str | None) -> None:
    """An ETag is returned unchanged, or None."""
    assert parse_etag(text) == etag


@pytest.mark.parametrize('end', ['\r\nEvil: 1', '\n', '\0', '\x0b', '\x85', '\u20ac', ' ' * 100])
def test_conditions_use_only_legal_validators(end: str) -> None:
    """Others may change the registry, so an illegal validator is not sent."""
    record = a_record(etag=f'"v1"{end}', last_modified=f'{DATE}{end}')
    sent = build_condition(an_entry(1, record=record), CheckMethod.AUTO).headers
    assert sent == ((('If-None-Match', '"v1"'),) if not end.strip(' ') else ())


def test_a_copy_from_the_future_counts_as_old() -> None:
    """The clock was set back since it was stored; a later copy is used, and alone it is used."""
    future, past = an_entry(1, stored_at=LATER + timedelta(days=365)), an_entry(2)
    assert choose_version([future, past], a_policy(), now=LATER) is past
    assert choose_version([past, future], a_policy(), now=LATER) is past
    assert choose_version([future], a_policy(), now=LATER) is future
    assert choose_version([future, past], a_policy()) is future


def test_clocks_of_computers_that_share_a_cache_may_differ() -> None:
    """By a minute."""
    ahead, past = an_entry(1, stored_at=LATER + timedelta(seconds=60)), an_entry(2)
    assert choose_version([past, ahead], a_policy(), now=LATER) is ahead


@pytest.mark.parametrize('seconds', [-60, -1, 0, 30, 60])
@pytest.mark.parametrize('now', [LATER, LATER + timedelta(hours=1), None])
def test_the_later_version_is_the_newer_one_whatever_the_clocks_say(
    seconds: int, now: datetime | None
) -> None:
    """Another computer, whose clock is ahead, stored the first one."""
    first = an_entry(1, stored_at=LATER + timedelta(seconds=seconds))
    second = an_entry(2, stored_at=LATER)
    foreign = an_entry(3, stored_at=LATER - timedelta(seconds=61), is_own=False)
    for entries in ([first, second, foreign], [foreign, second, first]):
        assert choose_version(entries, a_policy(), now=now) is second
