"""A data repository is asked for the URL of a file before the file is requested."""

import json
from datetime import timedelta
from typing import Any

from dlmachine.core.faults import ConnectionFailed, DigestMismatch, DoiNotFound, SourceUnusable
from dlmachine.core.http.headers import Headers
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.machine.source import source_policy
from dlmachine.core.protocol.effects import AcquireLock, CheckCopy, Exchange, Observe, ReadSource
from dlmachine.core.protocol.events import CopyConfirmed, EffectFailed, LockReleased, SourceRead
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.states import Finished
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Auto, ToMemory
from dlmachine.core.spec.reuse import Freshness
from tests.builders import NOW, Run, a_cache, a_descriptor, a_policy, a_snapshot, an_entry, answered

MD5 = 'd41d8cd98f00b204e9800998ecf8427e'
FILE = {'key': 't.csv', 'size': 7}
URL = 'https://zenodo.org/api/records/42/files/t.csv/content'


def a_run(url: str = 'doi:10.5281/zenodo.42', entry: Any = None, **policy: Any) -> Run:
    """A run for a DOI."""
    target = a_descriptor(url)
    cache = a_cache(*([] if entry is None else [entry]))
    return Run(target, a_policy(**policy), a_snapshot(target, cache=cache))


def asked(run: Run) -> Descriptor:
    """What the run asks for."""
    effect = run.step.effect
    assert isinstance(effect, ReadSource)
    return effect.target


def job_of(run: Run) -> Job:
    """What the run works on."""
    job: Any = run.state
    assert isinstance(job.job, Job)
    return job.job


def answer(*files: Any) -> SourceRead:
    """An answer of Zenodo."""
    return SourceRead(at=NOW, text=json.dumps({'id': 42, 'files': files}))


def test_it_is_asked_under_the_lock() -> None:
    """Then the file is requested, and must have the checksum of the record."""
    run = a_run().go_well(until=ReadSource)
    assert [type(effect) for effect in run.effects[:2]] == [AcquireLock, Observe]
    run.feed(answer({**FILE, 'checksum': f'md5:{MD5}'})).go_well(until=Exchange)
    assert run.exchanges[0].request.url == URL
    assert run.exchanges[0].algorithms == ('md5',)


def test_the_checksum_of_a_record_is_told_as_that_of_the_repository() -> None:
    """If the file has another one, the caller's arguments are not the reason."""
    run = a_run(retries=0).go_well(until=ReadSource)
    run.feed(answer({**FILE, 'checksum': f'md5:{MD5}'})).go_well(until=Exchange)
    fault = run.feed(answered()).go_well(until=type(None)).fault
    assert isinstance(fault, DigestMismatch)
    assert fault.source == 'zenodo'


def test_the_named_file_of_a_record_is_chosen() -> None:
    """An error shows what the caller wrote."""
    files = (FILE, {**FILE, 'key': 'u.csv'})
    run = a_run('doi:10.5281/zenodo.42/u.csv').go_well(until=ReadSource).feed(answer(*files))
    assert job_of(run).descriptor.addresses == (URL.replace('t.csv', 'u.csv'),)
    lost = a_run('doi:10.5281/zenodo.42/v.csv').go_well(until=ReadSource).feed(answer(*files))
    fault = lost.go_well(until=type(None)).fault
    assert isinstance(fault, SourceUnusable)
    assert fault.source == 'doi:10.5281/zenodo.42/v.csv'


def test_a_stored_copy_needs_no_question() -> None:
    """Like that of a URL."""
    run = a_run(entry=an_entry())
    assert isinstance(run.step.effect, CheckCopy)
    assert isinstance(run.feed(CopyConfirmed(at=NOW)).state, Finished)


def test_without_a_checksum_the_size_counts() -> None:
    """As a minimum, unless the caller has one."""
    for given, least in ((None, 7), (3, 3)):
        run = a_run(min_bytes=given).go_well(until=ReadSource).feed(answer(FILE))
        assert job_of(run).policy.min_bytes == least


def test_the_callers_checksum_counts() -> None:
    """The caller knows better than the record."""
    own = Checksum('sha256', '0' * 64)
    listed = {**FILE, 'checksum': f'md5:{MD5}'}
    run = a_run(checksum=own).go_well(until=ReadSource).feed(answer(listed))
    assert job_of(run).policy.checksum == own
    assert job_of(run).descriptor.addresses == (URL,)
    run = a_run(checksum_file=ChecksumList('x.md5'))
    assert not isinstance(run.step.effect, ReadSource)


def test_a_resolver_is_asked_before_the_repository() -> None:
    """Without the credentials, for only the resolver says which repository it is."""
    target = a_descriptor('doi:10.1234/x/t.csv', headers={'Authorization': 'Bearer s3cret'})
    run = Run(target, a_policy(), a_snapshot(target, cache=a_cache())).go_well(until=ReadSource)
    targets = [asked(run)]
    run.feed(SourceRead(at=NOW, text=None))
    targets.append(asked(run))
    value = {'type': 'URL', 'data': {'value': 'https://zenodo.org/records/42'}}
    run.feed(SourceRead(at=NOW, text=json.dumps({'values': [value]})))
    targets.append(asked(run))
    assert {one.headers for one in targets} == {Headers()}
    run.feed(answer(FILE)).go_well(until=Exchange)
    assert 'Authorization' not in run.exchanges[0].request.headers


def test_the_named_repository_gets_the_credentials() -> None:
    """For the list and for the file."""
    target = a_descriptor('doi:10.5281/zenodo.42', headers={'Authorization': 'Bearer s3cret'})
    run = Run(target, a_policy(), a_snapshot(target, cache=a_cache())).go_well(until=ReadSource)
    assert asked(run).headers == target.headers
    run.feed(answer(FILE)).go_well(until=Exchange)
    assert run.exchanges[0].request.headers.get('Authorization') == 'Bearer s3cret'


def test_faults_end_the_run() -> None:
    """Nothing is requested."""
    broken = ConnectionFailed(url='https://zenodo.org/', phase='connect')
    for event, kind in (
        (SourceRead(at=NOW, text=None), DoiNotFound),
        (answer(), SourceUnusable),
        (answer(FILE, {**FILE, 'key': 'u.csv'}), SourceUnusable),
        (EffectFailed(at=NOW, fault=broken), ConnectionFailed),
    ):
        run = a_run().go_well(until=ReadSource).feed(event, LockReleased(at=NOW))
        assert isinstance(run.fault, kind)


def test_the_list_is_asked_for_as_the_file_is() -> None:
    """An hour is fresh enough, unless the caller wants to know it now."""
    limits: dict[str, Any] = {'retries': 9, 'timeout': timedelta(seconds=3), 'offline': True}
    usual = source_policy(a_policy(**limits), 5)
    assert (usual.retries, usual.timeout, usual.offline) == (9, timedelta(seconds=3), True)
    assert (usual.max_bytes, usual.freshness) == (5, timedelta(hours=1))
    asking: list[dict[str, Any]] = [{'force_download': True}, {'freshness': Freshness.ALWAYS}]
    for words in asking:
        assert source_policy(a_policy(**words), 5).freshness is Freshness.ALWAYS


def test_a_question_has_the_limits_of_the_download() -> None:
    """Those of retries and of speed, too; it is small, and kept in the cache."""
    options: dict[str, Any] = {
        'retries': 7, 'retry_delay': timedelta(seconds=2), 'retry_max_time': timedelta(seconds=90),
        'retry_all_errors': True, 'speed_limit': 1_000, 'speed_time': timedelta(seconds=9),
        'lock_timeout': timedelta(seconds=8), 'max_per_host': 3,
    }  # fmt: skip

    asked = source_policy(a_policy(**options, dest=ToMemory()), 500)

    assert {name: getattr(asked, name) for name in options} == options
    assert (asked.dest, asked.max_bytes, asked.keep_old) == (Auto(), 500, False)
