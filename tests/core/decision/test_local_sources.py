"""Local sources: when they are allowed, and by which backend they are read."""

from typing import Any

import pytest
from returns.pipeline import is_successful

from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.snapshot import CacheSeen
from dlmachine.core.decision.verdict import Verdict
from dlmachine.core.faults import OfflineMiss, SchemeRefused
from dlmachine.core.network.network import Network
from dlmachine.core.spec.destination import ToMemory, ToPath
from tests.builders import a_cache, a_descriptor, a_policy, a_snapshot, an_entry

ALLOWED = Network(allow_file=True)
FILE, CONTENT, SERVER = 'file:///x', 'data:,x', 'http://h/x'


def decided(url: str, policy: Any = None, **words: Any) -> Any:
    """The decision, or the fault."""
    made = decide(a_descriptor(url, **words), policy or a_policy(), a_snapshot())
    return made.value_or(None) or made.failure()


def test_a_file_must_be_allowed() -> None:
    """By the caller; a content needs no permission."""
    assert decided(FILE) == SchemeRefused(url=FILE, scheme='file', allowed=())
    for url, policy in ((FILE, a_policy(network=ALLOWED)), (CONTENT, a_policy())):
        (address,) = decided(url, policy).addresses
        assert (address.url, address.backend) == (url, 'local')
        assert decided(url, policy).notes == ()


def test_a_stored_copy_of_a_file_needs_the_permission_too() -> None:
    """The copy is of a time when it was given."""
    target = a_descriptor(FILE)
    seen = a_snapshot(target, cache=a_cache(an_entry()))
    assert decide(target, a_policy(), seen).failure().code == 'scheme_refused'
    assert is_successful(decide(target, a_policy(network=ALLOWED), seen))


def test_a_mirror_that_is_not_allowed_is_left_out() -> None:
    """The plan says so."""
    found = decided(SERVER, mirrors=(FILE,))
    assert [one.url for one in found.addresses] == [SERVER]
    assert 'allow_file=True' in found.notes[0]
    assert FILE in found.notes[0]
    found = decided(SERVER, a_policy(network=ALLOWED), mirrors=(FILE,))
    assert [one.url for one in found.addresses] == [SERVER, FILE]


@pytest.mark.parametrize('url', [FILE, CONTENT])
@pytest.mark.parametrize(
    ('words', 'where'), [({'method': 'POST'}, 'method'), ({'query': (('a', '1'),)}, 'query')]
)
def test_a_request_that_only_a_server_answers(url: str, words: Any, where: str) -> None:
    """It is refused before anything is done."""
    assert decided(url, a_policy(network=ALLOWED), **words).where == where


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_a_source_on_this_computer_is_read(method: str) -> None:
    """A HEAD asks what is there."""
    policy = a_policy(network=ALLOWED, dest=ToMemory())
    (address,) = decided(FILE, policy, method=method).addresses
    assert address.url == FILE


def test_offline() -> None:
    """It forbids the network only: local sources are read, and servers are not asked."""
    offline = a_policy(network=ALLOWED, offline=True)
    assert decided(FILE, offline).verdict is Verdict.FETCH
    assert isinstance(decided(SERVER, offline), OfflineMiss)
    (address,) = decided(SERVER, offline, mirrors=(FILE,)).addresses
    assert address.url == FILE
    filled = a_policy(dest=ToPath('/d/x'), via_cache=True, offline=True)
    seen = a_snapshot(cache=CacheSeen(folder='/cache'))
    filling: Any = decide(a_descriptor(SERVER), filled, seen).unwrap()
    assert [one.url for one in filling.addresses] == [SERVER]
    refused = a_policy(dest=ToMemory(), offline=True)
    assert isinstance(decided(SERVER, refused, mirrors=(FILE,)), SchemeRefused)


def test_not_together_with_forbid_private() -> None:
    """One is for the URLs of strangers, the other opens this computer."""
    both = a_policy(network=Network(allow_file=True, forbid_private=True))
    assert decided(SERVER, both).where == 'allow_file'
