"""Expected checksums from a checksum file."""

from datetime import timedelta
from typing import Any

from dlmachine.core.faults import ChecksumUnknown, ConnectionFailed
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.machine.checksum_file import MAX_LIST_BYTES, list_policy
from dlmachine.core.protocol.effects import (
    AcquireLock,
    CheckCopy,
    Exchange,
    ReadChecksums,
)
from dlmachine.core.protocol.events import ChecksumsRead, CopyConfirmed, EffectFailed, Published
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from tests.builders import (
    DATA,
    DIGEST,
    MIRROR,
    NOW,
    OTHER_DIGEST,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_path,
    a_policy,
    a_record,
    a_snapshot,
    an_entry,
    answered,
)

SUMS = 'https://example.org/SHA256SUMS'
OF_URL = ChecksumList(SUMS)


def a_run(entry: Any = None, target: Descriptor | None = None, **policy: Any) -> Run:
    """A run with a checksum file, and an empty cache or one entry."""
    snapshot = a_snapshot(target, cache=a_cache(*([] if entry is None else [entry])))
    return Run(target, a_policy(**{'checksum_file': OF_URL, **policy}), snapshot)


def read(text: str) -> ChecksumsRead:
    """The event of a read checksum file."""
    return ChecksumsRead(at=NOW, text=text)


def test_the_list_is_read_first() -> None:
    """It is read before the lock, by a download of its own; then its checksum is expected."""
    run = a_run()
    assert run.step.effect == ReadChecksums(target=Descriptor(url=SUMS), max_bytes=MAX_LIST_BYTES)
    run.feed(read(f'{DIGEST}  t.csv')).go_well(until=Exchange)
    assert isinstance(run.effects[1], AcquireLock)
    assert run.exchanges[0].algorithms == ('sha256',)
    run.feed(answered(), Published(at=NOW, path='/cache/item-1.csv'))
    [update] = run.updates
    assert update.record.verified_by == (('sha256', SUMS),)


def test_a_list_on_disk_is_read_there() -> None:
    """A local checksum file is not downloaded."""
    run = a_run(checksum_file=ChecksumList('sums/SHA256SUMS'))
    assert run.step.effect == ReadChecksums(path='sums/SHA256SUMS', max_bytes=MAX_LIST_BYTES)


def test_credentials_are_sent_for_a_checksum_file_at_the_same_origin_only() -> None:
    """Another origin gets no credentials, as with mirrors."""
    target = a_descriptor(headers={'Authorization': 'Bearer s3cret'})
    here = a_run(target=target).step.effect
    there = a_run(
        target=target, checksum_file=ChecksumList('https://other.example/x.md5')
    ).step.effect
    assert isinstance(here, ReadChecksums)
    assert isinstance(there, ReadChecksums)
    assert here.target is not None
    assert there.target is not None
    assert here.target.headers == target.headers
    assert len(there.target.headers) == 0


def test_the_line_is_found_under_any_name_of_the_file() -> None:
    """The names of the URL, of a mirror and of the destination are searched for."""
    target = a_descriptor('https://example.org/get?id=1', mirrors=[MIRROR])
    for text in (f'{DIGEST}  t.csv', f'{DIGEST}  mine.csv'):
        policy = a_policy(checksum_file=OF_URL, dest=ToPath('/data/mine.csv'))
        run = Run(target, policy, a_snapshot(target, destination=a_path())).feed(read(text))
        assert isinstance(run.step.effect, AcquireLock)


def test_a_list_without_the_line_ends_the_run() -> None:
    """The file is not requested."""
    run = a_run().feed(read(f'{DIGEST}  other.csv'))
    assert run.fault == ChecksumUnknown(source=SUMS, problem="has no line for 't.csv'")


def test_unavailable_checksum_file_ends_the_run() -> None:
    """The run fails with the fault of the checksum file's download."""
    fault = ConnectionFailed(url=SUMS, phase='connect')
    assert a_run().feed(EffectFailed(at=NOW, fault=fault)).fault == fault


def test_copy_verified_with_the_checksum_file_is_used() -> None:
    """The record names the checksum file, so nothing is read."""
    entry = an_entry(record=a_record(verified_by=(('sha256', SUMS),)))
    assert isinstance(a_run(entry).step.effect, CheckCopy)


def test_any_other_copy_is_compared_first() -> None:
    """A right copy is used, a wrong one replaced; without a recorded digest the file is read."""
    right = a_run(an_entry()).feed(read(DIGEST))
    assert right.step.effect == CheckCopy(path='/cache/item-1.csv', size_bytes=len(DATA))
    wrong = a_run(an_entry()).feed(read(OTHER_DIGEST))
    assert isinstance(wrong.step.effect, AcquireLock)
    other = a_run(an_entry()).feed(read('00' * 16))
    assert isinstance(other.step.effect, CheckCopy)
    assert other.step.effect.checksum == Checksum('md5', '00' * 16)
    assert other.feed(CopyConfirmed(at=NOW)).outcome.path == '/cache/item-1.csv'


def test_offline_no_list_is_downloaded() -> None:
    """The stored copy is used without a check; a local checksum file is read."""
    assert isinstance(a_run(an_entry(), offline=True).step.effect, CheckCopy)
    of_disk = a_run(an_entry(), offline=True, checksum_file=ChecksumList('x.md5'))
    assert isinstance(of_disk.step.effect, ReadChecksums)


def test_a_list_is_downloaded_as_carefully_as_the_file() -> None:
    """Retries and timeouts are those of the file; size, destination and checks are not."""
    policy = Policy(
        retries=7,
        stall_timeout=timedelta(seconds=9),
        timeout=timedelta(seconds=99),
        backend='curl',
        max_bytes=1,
        min_bytes=1,
        validate=bool,
        checksum_file=OF_URL,
        stale_if_error=True,
    )
    assert list_policy(policy, 5) == Policy(
        dest=ToMemory(),
        retries=7,
        stall_timeout=timedelta(seconds=9),
        timeout=timedelta(seconds=99),
        backend='curl',
        max_bytes=5,
        check_content=False,
    )


def test_the_url_of_the_file_is_not_the_lists() -> None:
    """Mirrors, query and body are not used for the checksum file."""
    target = a_descriptor(URL, query={'a': 1}, mirrors=[MIRROR])
    effect = a_run(target=target).step.effect
    assert isinstance(effect, ReadChecksums)
    assert effect.target == Descriptor(url=SUMS)
