"""Reading the expected checksum from a checksum file.

Pure. The file is read before a download, and before the use of a stored copy that was not
verified with the same checksum file.
"""

from typing import Final

from returns.pipeline import is_successful

from dlmachine.core.access.auth import DEFAULT_AUTH
from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.url import parse_url
from dlmachine.core.integrity.checksum import ChecksumList
from dlmachine.core.integrity.checksum_file import find_checksum
from dlmachine.core.protocol.effects import ReadChecksums
from dlmachine.core.protocol.events import ChecksumsRead
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.states import ReadingChecksums, Step
from dlmachine.core.sources.storage_options import NO_STORAGE_OPTIONS
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToMemory, ToPath
from dlmachine.core.spec.policy import Policy

#: The longest checksum files have some hundred thousand lines.
MAX_LIST_BYTES: Final = 64 << 20


def must_read_checksums(policy: Policy, entry: CacheEntry | None) -> bool:
    """Whether to read the checksum file now; `entry` is the stored version to be used, if any."""
    wanted = policy.checksum_file
    if wanted is None or (policy.offline and wanted.is_url):
        return False
    if not wanted.is_url:
        return True  # A local file is read each time, because it may have been edited.
    record = None if entry is None else entry.record
    return record is None or str(wanted) not in {source for _, source in record.verified_by}


def read_checksums(job: Job, wanted: ChecksumList) -> Step:
    """The step that reads the checksum file."""
    target = _target(job.descriptor, wanted) if wanted.is_url else None
    effect = ReadChecksums(
        path=None if wanted.is_url else wanted.location, target=target, max_bytes=MAX_LIST_BYTES
    )
    return Step(state=ReadingChecksums(job=job), effect=effect)


def with_checksum(job: Job, wanted: ChecksumList, event: ChecksumsRead) -> Job | Fault:
    """The job with its file's checksum from the checksum file, or the fault if there is none."""
    found = find_checksum(event.text, wanted, _paths(job))
    if not is_successful(found):
        return found.failure()
    policy = replace(job.policy, checksum=found.unwrap(), checksum_file=None)
    return replace(job, policy=policy, checksum_source=str(wanted))


def list_policy(policy: Policy, max_bytes: int) -> Policy:
    """The policy to download a checksum file: that of the file, but small and into memory."""
    return Policy(
        dest=ToMemory(),
        backend=policy.backend,
        offline=policy.offline,
        retries=policy.retries,
        retry_wait=policy.retry_wait,
        retry_max_wait=policy.retry_max_wait,
        retry_after_max=policy.retry_after_max,
        retry_delay=policy.retry_delay,
        retry_max_time=policy.retry_max_time,
        retry_all_errors=policy.retry_all_errors,
        connect_timeout=policy.connect_timeout,
        stall_timeout=policy.stall_timeout,
        speed_limit=policy.speed_limit,
        speed_time=policy.speed_time,
        timeout=policy.timeout,
        max_redirects=policy.max_redirects,
        max_bytes=max_bytes,
        # A text that is not a checksum file has no matching line, which is reported then.
        check_content=False,
        user_agent=policy.user_agent,
        # Only the caller's own URLs may name local files.
        network=replace(policy.network, allow_file=False),
    )


def _target(descriptor: Descriptor, wanted: ChecksumList) -> Descriptor:
    # Credentials, including a client certificate, go to the same origin only.
    origins = {parse_url(url).unwrap().origin for url in (descriptor.home, wanted.location)}
    is_same = len(origins) == 1
    return Descriptor(
        url=wanted.location,
        headers=descriptor.headers if is_same else Headers(),
        tls=descriptor.tls if is_same else descriptor.tls.without_client(),
        secret_names=descriptor.secret_names,
        key_password=descriptor.key_password if is_same else None,
        auth=descriptor.auth if is_same else DEFAULT_AUTH,
        cookies=descriptor.cookies if is_same else descriptor.cookies.without_own(),
        storage_options=descriptor.storage_options if is_same else NO_STORAGE_OPTIONS,
    )


def _paths(job: Job) -> tuple[str, ...]:
    paths = [parse_url(url).unwrap().path for url in job.descriptor.addresses]
    destination = job.policy.dest
    return (*paths, *((destination.path,) if isinstance(destination, ToPath) else ()))
