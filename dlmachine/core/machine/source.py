"""Asking a data repository which URL a file has.

Pure. The repository is asked only when the file must be requested; a stored copy is used without
a request. The size and the checksum in the answer are those that the file must have.
"""

from datetime import timedelta
from typing import Final

from returns.pipeline import is_successful

from dlmachine.core.access.auth import DEFAULT_AUTH
from dlmachine.core.access.caller_cookies import NO_OWN_COOKIES
from dlmachine.core.cache.key import changed
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.machine.checksum_file import list_policy
from dlmachine.core.protocol.effects import ReadSource
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.states import ReadingSource, Step
from dlmachine.core.sources.address import Source
from dlmachine.core.sources.inquiry import MAX_ANSWER_BYTES, Inquiry, advance, begin
from dlmachine.core.sources.listing import Listing, choose_file
from dlmachine.core.sources.resolved import resolved_file
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Auto
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness

#: How long the list of the files of a record is used again.
_LISTS_LAST: Final = timedelta(hours=1)


def ask_repository(job: Job, source: Source) -> Step:
    """The step that asks for the files of a record."""
    return _ask(job, begin(source))


def _ask(job: Job, inquiry: Inquiry) -> Step:
    asked = job.decision.source or inquiry.source
    effect = question(inquiry, job.descriptor, asked)
    return Step(state=ReadingSource(job=job, inquiry=inquiry), effect=effect)


def question(inquiry: Inquiry, descriptor: Descriptor, asked: Source) -> ReadSource:
    """The effect that answers an inquiry about the source that the caller asked for.

    Credentials go to the repository only if the caller named it.
    """
    is_named = asked.repository != 'doi'
    target = Descriptor(
        url=inquiry.url,
        headers=descriptor.headers if is_named else Headers(),
        tls=descriptor.tls if is_named else descriptor.tls.without_client(),
        secret_names=descriptor.secret_names,
        auth=descriptor.auth if is_named else DEFAULT_AUTH,
        cookies=descriptor.cookies if is_named else NO_OWN_COOKIES,
    )
    return ReadSource(target=target, max_bytes=MAX_ANSWER_BYTES)


def with_answer(state: ReadingSource, text: str | None) -> Job | Step | Fault:
    """The job with the URL of its file, the next question, or why there is no file."""
    job, known = state.job, state.inquiry.source
    answered = advance(state.inquiry, text, job.policy.repositories)
    if isinstance(answered, Inquiry):
        return _ask(job, answered)
    if not isinstance(answered, Listing):
        return answered
    descriptor = with_file(job.descriptor, job.decision.source or known, known, answered)
    if not isinstance(descriptor, Descriptor):
        return descriptor
    resolved, policy = descriptor.resolved, job.policy
    assert resolved is not None  # noqa: S101 -- it was just resolved
    if policy.checksum is not None or policy.checksum_file is not None:
        # The caller's checksum overrides that of the repository.
        return replace(job, descriptor=descriptor)
    if resolved.checksum is None:
        least = resolved.size_bytes if policy.min_bytes is None else policy.min_bytes
        return replace(job, descriptor=descriptor, policy=replace(policy, min_bytes=least))
    return replace(
        job,
        descriptor=descriptor,
        policy=replace(policy, checksum=resolved.checksum),
        checksum_source=answered.repository,
    )


def with_file(
    descriptor: Descriptor, asked: Source, known: Source, listing: Listing
) -> Descriptor | Fault:
    """The descriptor with the file of a record; `known` is where `asked` has led to."""
    chosen = choose_file(listing, known.file, known.shown)
    if not is_successful(chosen):
        fault: Fault = chosen.failure()
        return fault
    resolved = resolved_file(asked, listing, chosen.unwrap(), descriptor.url)
    return changed(descriptor, resolved=resolved)


def source_policy(policy: Policy, max_bytes: int) -> Policy:
    """The policy to ask a repository: that of the file, but small, and into the cache."""
    is_asked = policy.force_download or policy.freshness_rule(is_at_path=False) is Freshness.ALWAYS
    return replace(
        list_policy(policy, max_bytes),
        dest=Auto(),
        freshness=Freshness.ALWAYS if is_asked else _LISTS_LAST,
        stale_if_error=policy.stale_if_error,
        lock_timeout=policy.lock_timeout,
        max_per_host=policy.max_per_host,
        rate=policy.rate,
        keep_old=False,
    )
