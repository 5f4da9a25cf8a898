"""Stores: which backend reads them, and what they cannot do."""

from typing import Any

import pytest

from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import BackendMissing, OfflineMiss
from dlmachine.core.network.network import Network
from dlmachine.core.plan.plan import plan
from dlmachine.core.spec.destination import PathKind, PathSeen, ToPath
from dlmachine.core.transfer.segment_plan import FIRST_BYTES
from tests.builders import a_descriptor, a_policy, a_snapshot

URL, SERVER = 's3://bucket/x', 'http://h/x'
HTTP = BackendSeen(name='requests', schemes=('http', 'https'))
FSSPEC = BackendSeen(name='fsspec', schemes=('s3',))
OWN = BackendSeen(name='lab', schemes=('s3',))


def decided(url: str, *seen: BackendSeen, policy: Any = None, **words: Any) -> Any:
    """The decision with these backends, or the fault."""
    snapshot = a_snapshot(backends=(HTTP, *seen))
    made = decide(a_descriptor(url, **words), policy or a_policy(), snapshot)
    return made.value_or(None) or made.failure()


def test_the_backend() -> None:
    """That of fsspec, without a note; one that somebody installed for the scheme comes first."""
    found = decided(URL, FSSPEC)
    assert [(one.url, one.backend) for one in found.addresses] == [(URL, 'fsspec')]
    assert found.notes == ()
    (address,) = decided(URL, FSSPEC, OWN).addresses
    assert address.backend == 'lab'


def test_a_missing_package() -> None:
    """The fault has the command; a mirror that cannot be read is left out."""
    for seen in ((), (BackendSeen(name='fsspec', schemes=()),)):
        fault = decided(URL, *seen)
        assert isinstance(fault, BackendMissing)
        assert fault.install == 'pip install fsspec s3fs'
        assert 's3fs, which is not installed' in str(fault)
    found = decided(SERVER, mirrors=(URL,))
    assert [one.url for one in found.addresses] == [SERVER]
    assert 'pip install fsspec s3fs' in found.notes[0]


def test_what_they_cannot_do() -> None:
    """Be written, be checked for private addresses, or be read without the network."""
    assert decided(URL, FSSPEC, method='POST').where == 'method'
    private = a_policy(network=Network(forbid_private=True))
    assert decided(URL, FSSPEC, policy=private).where == 'forbid_private'
    assert isinstance(decided(URL, FSSPEC, policy=a_policy(offline=True)), OfflineMiss)


@pytest.mark.parametrize('url', ['gs://bucket/x', 'az://container/x'])
def test_each_scheme_by_itself(url: str) -> None:
    """One installed package does not read the stores of another."""
    assert isinstance(decided(url, FSSPEC), BackendMissing)


def test_a_plan_names_the_options() -> None:
    """By their names only; and a large object may be read by several connections."""
    target = a_descriptor(URL, storage_options={'anon': True, 'secret': 'planted'})
    policy = a_policy(dest=ToPath('/d/x'), segments=4)
    made = plan(
        target,
        policy,
        a_snapshot(backends=(HTTP, FSSPEC), destination=PathSeen(kind=PathKind.MISSING)),
    )
    shown = str(made.unwrap())
    assert 'store        options anon, secret' in shown
    assert 'planted' not in shown
    assert f'bytes=0-{FIRST_BYTES - 1}' in shown
