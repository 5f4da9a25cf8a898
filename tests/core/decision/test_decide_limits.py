"""Decisions at their limits: folders, windows, parts, versions stored during the run."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.part_location import part_stem
from dlmachine.core.decision.verdict import Reason, Verdict
from dlmachine.core.faults import DestinationUnusable, OfflineMiss
from dlmachine.core.http.request import Tls
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.plan.dry_run import healthy_event
from dlmachine.core.protocol.effects import OpenPart
from dlmachine.core.protocol.events import PartOpened
from dlmachine.core.spec.destination import InCache, PathKind, PathSeen, ToMemory, ToPath
from dlmachine.core.spec.reuse import Window
from tests.builders import (
    BEFORE,
    DIGEST,
    FOLDER,
    NOW,
    OTHER_DIGEST,
    URL,
    a_cache,
    a_descriptor,
    a_part,
    a_policy,
    a_snapshot,
    an_entry,
)

TARGET = a_descriptor()
STORED = a_snapshot(cache=a_cache(an_entry()))


@pytest.mark.parametrize(
    ('creates', 'has_folder', 'is_fine'),
    [(True, True, True), (True, False, True), (False, True, True), (False, False, False)],
)
def test_a_folder_is_made_or_is_there(creates: bool, has_folder: bool, is_fine: bool) -> None:
    """A missing folder is created if the policy allows it; otherwise the fault names the path."""
    policy = a_policy(dest=ToPath('/d/x'), create_dirs=creates)
    seen = PathSeen(kind=PathKind.MISSING, has_folder=has_folder)
    decided = decide(TARGET, policy, a_snapshot(destination=seen))
    assert (decided.value_or(None) is not None) is is_fine
    fault = DestinationUnusable(
        path='/d/x',
        problem='its folder does not exist',
        url=TARGET.url,
        advice='Create the folder, or pass create_dirs=True',
    )
    assert is_fine or decided.failure() == fault


@pytest.mark.parametrize(('digest', 'is_used'), [(DIGEST, True), (OTHER_DIGEST, False)])
def test_what_others_stored_has_to_have_the_checksum(digest: str, is_used: bool) -> None:
    """A version stored during the run is used instead of a new copy if its checksum matches."""
    policy = a_policy(force_download=True, checksum=Checksum('sha256', digest))
    decision = decide(TARGET, policy, STORED, before=frozenset()).unwrap()
    assert (decision.reason is Reason.STORED_MEANWHILE) is is_used
    assert decision.destination == InCache(FOLDER)


@pytest.mark.parametrize(
    ('window', 'verdict'),
    [
        (Window(), Verdict.REVALIDATE),
        (Window(newer_than=BEFORE - timedelta(1)), Verdict.REVALIDATE),
        (Window(older_than=NOW), Verdict.USE_CACHED),
    ],
)
def test_version_of_a_past_window_is_not_revalidated(window: Window, verdict: Verdict) -> None:
    """A version that must be older than a past date is not revalidated."""
    policy = a_policy(check_freshness=True, window=window)
    assert decide(TARGET, policy, STORED).unwrap().verdict is verdict


def test_decision_without_backends_has_no_urls() -> None:
    """A decision without known backends has a verdict and an entry, but no URLs."""
    seen = a_snapshot(cache=a_cache(an_entry()), backends=None)
    decision = decide(TARGET, a_policy(check_freshness=True), seen).unwrap()
    assert (decision.verdict, decision.entry) == (Verdict.REVALIDATE, an_entry())


@pytest.mark.parametrize(('size_bytes', 'is_adopted'), [(0, False), (1, True)])
def test_a_part_of_one_byte_is_one(size_bytes: int, is_adopted: bool) -> None:
    """A part of one byte can be resumed, an empty part cannot."""
    snapshot = a_snapshot(part=a_part(size_bytes=size_bytes))
    assert (decide(TARGET, a_policy(), snapshot).unwrap().part is not None) is is_adopted


@pytest.mark.parametrize(
    ('validator', 'is_adopted'),
    [
        ('"v1"', True),
        ('Mon, 01 Apr 2024 00:00:00 GMT', True),
        ('W/"v1"', False),
        ('"v1"\r\nEvil: 1', False),
        ('"v\u20ac"', False),
        ('"a\0"', False),
        ('Mon, 01 Apr 2024 00:00:00 GMT\r\nEvil: 1', False),
        ('Mon,\x0b01 Apr 2024 00:00:00 GMT', False),
        ('', False),
        ('x' * 100_000, False),
    ],
)
def test_a_part_with_an_illegal_validator_is_not_resumed(validator: str, is_adopted: bool) -> None:
    """Others may change the note, so an illegal validator is not sent in If-Range."""
    snapshot = a_snapshot(part=a_part(validator=validator))
    assert (decide(TARGET, a_policy(), snapshot).unwrap().part is not None) is is_adopted


def test_offline_only_the_cache_that_would_be_used_is_named() -> None:
    """The fault names no cache if the destination is memory."""
    policy = a_policy(offline=True, dest=ToMemory())
    snapshot = a_snapshot(cache=a_cache())
    assert decide(TARGET, policy, snapshot).failure() == OfflineMiss(url=URL, cache=None)
    here = decide(TARGET, a_policy(offline=True), snapshot)
    assert here.failure() == OfflineMiss(url=URL, cache=FOLDER)


def test_a_part_opens_empty_in_a_healthy_world() -> None:
    """A part opens empty unless one is adopted."""
    opening: Any = OpenPart(beside=None, stem='x')
    assert healthy_event(opening, a_policy(), STORED) == PartOpened(at=NOW, size_bytes=0)
    adopting: Any = OpenPart(beside=None, stem='x', adopt=a_part(size_bytes=7))
    assert healthy_event(adopting, a_policy(), STORED) == PartOpened(at=NOW, size_bytes=7)


def test_a_stem_has_64_bytes_of_the_name() -> None:
    """The name of a part has 64 bytes of the file name, besides the key."""
    stem = part_stem('ab' * 32, ToPath('/d/' + 'x' * 80))
    assert stem == 'ab' * 16 + '-' + 'x' * 64


@pytest.mark.parametrize(
    'tls', [Tls(cert='c', cainfo='a'), Tls(key='k', cainfo='a'), Tls(cert='c', key='k', cainfo='a')]
)
def test_a_client_certificate_stays_with_its_origin(tls: Tls) -> None:
    """Another origin does not get the client certificate; cainfo and verify stay the same."""
    assert tls.without_client() == Tls(cainfo='a')
