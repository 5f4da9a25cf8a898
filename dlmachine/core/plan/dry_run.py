"""Dry run in a simulated world without failures.

Pure. The same `begin` and `advance` as in a download make the effects of a plan, so an audit
cannot disagree with a download.
"""

from collections.abc import Iterator
from hashlib import new, sha256
from typing import Final, assert_never

from dlmachine.core.access.cookies import NO_COOKIES
from dlmachine.core.cache.freshness import choose_version
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.http.validators import is_strong
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.integrity.checksum_file import guess_algorithm
from dlmachine.core.integrity.file_signature import healthy_start
from dlmachine.core.integrity.representation import Representation
from dlmachine.core.machine.machine import advance, begin
from dlmachine.core.protocol import effects, events
from dlmachine.core.protocol.body_decision import SkipBody, SkipReason
from dlmachine.core.protocol.states import Step
from dlmachine.core.secrets.redact import MASK
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Extracted, Freshness
from dlmachine.core.transfer.read_response import decide_body

_EMPTY: Final = sha256(b'').hexdigest()


def rehearse(descriptor: Descriptor, policy: Policy, snapshot: Snapshot) -> Iterator[Step]:
    """Every step of a run without failures, up to a question to a data repository."""
    step = begin(descriptor, policy, snapshot)
    yield step
    # The URL of the file is known only to its repository.
    while step.effect is not None and not isinstance(step.effect, effects.ReadSource):
        step = advance(step.state, healthy_event(step.effect, policy, snapshot))
        yield step


def healthy_event(effect: effects.Effect, policy: Policy, snapshot: Snapshot) -> events.Event:  # noqa: C901, PLR0911, PLR0912 -- one line an effect
    """The event that follows an effect if it succeeds and no time passes."""
    at = snapshot.now
    match effect:
        case effects.CheckCopy(checksum=checksum):
            is_known = checksum is not None and checksum.algorithm == 'sha256'
            return events.CopyConfirmed(at=at, sha256=checksum.hex if is_known and checksum else '')
        case effects.ReadChecksums():
            checksum = _promised_checksum(policy, snapshot)
            return events.ChecksumsRead(at=at, text='' if checksum is None else checksum.hex)
        case effects.ReadSource():
            return events.SourceRead(at=at, text=None)
        case effects.AcquireLock():
            return events.LockAcquired(at=at)
        case effects.Observe():
            return events.Observed(at=at, snapshot=snapshot)
        case effects.FillCache():
            return _filled(effect, policy, snapshot)
        case effects.OpenPart(adopt=adopt):
            return events.PartOpened(at=at, size_bytes=0 if adopt is None else adopt.size_bytes)
        case effects.ReadSecret():
            return events.SecretRead(at=at, value=MASK)
        case effects.LogIn():
            return events.LoggedIn(at=at, kept=NO_COOKIES)
        case effects.ReadCookies(cookies=cookies):
            own = tuple((name, MASK) for name, _ in cookies.own)
            return events.CookiesRead(at=at, own=own, kept=NO_COOKIES)
        case effects.Exchange():
            return _healthy_answer(effect, policy, snapshot)
        case effects.ExchangeSegments():
            ends = tuple(_healthy_range(one, policy, snapshot) for one in effect.exchanges)
            return events.SegmentsEnded(at=at, ends=ends)
        case effects.Reassemble(name=name, whole_bytes=whole):
            received = _promised((name,), policy, snapshot)
            size = max(received.size_bytes, whole)
            return events.Reassembled(
                at=at, received=replace(received, size_bytes=size, wire_bytes=whole)
            )
        case effects.Validate():
            return events.Validated(at=at)
        case effects.Wait():
            return events.Waited(at=at)
        case effects.KeepChanged():
            return events.ChangedKept(at=at)
        case effects.Publish(place=destination):
            path = destination.path if isinstance(destination, AtPath) else None
            return events.Published(at=at, path=path)
        case effects.Record():
            return events.Recorded(at=at)
        case effects.RemoveVersions():
            return events.VersionsRemoved(at=at)
        case effects.Invalidate():
            return events.Invalidated(at=at)
        case effects.Unpublish():
            return events.Unpublished(at=at)
        case effects.Discard():
            return events.Discarded(at=at)
        case effects.ReleaseLock():
            return events.LockReleased(at=at)
        case effects.ExtractArchive(folder=folder):
            return events.ArchiveExtracted(at=at, extracted=Extracted(folder=folder))
        case _:
            assert_never(effect)


def _filled(effect: effects.FillCache, policy: Policy, snapshot: Snapshot) -> events.CacheFilled:
    # What the cache has is current; what it lacks comes as promised.
    copies = () if snapshot.cache is None else snapshot.cache.entries
    entry = (
        None if policy.force_download else choose_version(copies, effect.policy, now=snapshot.now)
    )
    if entry is not None and entry.record is not None:
        return events.CacheFilled(at=snapshot.now, path=entry.path, record=entry.record)
    received = _promised((), policy, snapshot)
    record = DownloadRecord(
        url='',
        started_at=snapshot.now,
        finished_at=snapshot.now,
        size_bytes=received.size_bytes,
        sha256=received.sha256,
    )
    return events.CacheFilled(at=snapshot.now, path='', record=record, is_new=True)


def _healthy_answer(
    exchange: effects.Exchange, policy: Policy, snapshot: Snapshot
) -> events.Responded:
    # A stored copy is still current; a part can be resumed; the digest is as promised.
    at, expect = snapshot.now, exchange.expect
    if expect.is_conditional:
        # Redirects are not planned: the response is from where the copy came from.
        decision = SkipBody(SkipReason.NOT_MODIFIED)
        return events.Responded(at=at, head=ResponseHead(status=304), decision=decision)
    if expect.size_bytes is not None:
        length = Headers((('Content-Length', str(expect.size_bytes)),))
        return events.Responded(at=at, head=ResponseHead(status=200, headers=length))
    if expect.offset:
        return _healthy_range(exchange, policy, snapshot)
    received = _promised((expect.requested_name, expect.name), policy, snapshot)
    return events.Responded(at=at, head=ResponseHead(status=200), received=received)


def _healthy_range(
    exchange: effects.Exchange, policy: Policy, snapshot: Snapshot
) -> events.Responded:
    expect, first = exchange.expect, exchange.expect.offset
    size = expect.representation.size_bytes
    # If the size is not known, one byte is missing.
    whole = expect.whole_bytes or size or first + 1
    last = whole - 1 if expect.last is None else min(expect.last, whole - 1)
    name = 'ETag' if is_strong(expect.validator) else 'Last-Modified'
    headers = Headers(
        (('Content-Range', f'bytes {first}-{last}/{whole}'), (name, expect.validator or ''))
    )
    received = _promised((expect.requested_name, expect.name), policy, snapshot)
    part = replace(
        received, size_bytes=max(received.size_bytes, last + 1), wire_bytes=last - first + 1
    )
    head = ResponseHead(status=206, headers=headers)
    # The response is from the source of the part, and the digest that it promised is right.
    same = replace(exchange, expect=replace(expect, representation=Representation()))
    return events.Responded(
        at=snapshot.now, head=head, received=part, decision=decide_body(same, head)
    )


def _promised(names: tuple[str, ...], policy: Policy, snapshot: Snapshot) -> Received:
    wanted = policy.dest
    destination = (wanted.path,) if isinstance(wanted, ToPath) else ()
    received = Received(
        size_bytes=policy.min_bytes or 0,
        wire_bytes=0,
        sha256=_stored_digest(policy, snapshot),
        start=healthy_start((*names, *destination)),
    )
    checksum = _promised_checksum(policy, snapshot)
    if checksum is None:
        return received
    if checksum.algorithm == 'sha256':
        return replace(received, sha256=checksum.hex)
    return replace(received, digests=((checksum.algorithm, checksum.hex),))


def _promised_checksum(policy: Policy, snapshot: Snapshot) -> Checksum | None:
    # The simulated checksum file has the digest of the stored copy, if there is one.
    if policy.checksum_file is None:
        return policy.checksum
    algorithm = guess_algorithm(policy.checksum_file.location)
    if algorithm == 'sha256':
        return Checksum(algorithm, _newest_digest(policy, snapshot))
    return Checksum(algorithm, new(algorithm, usedforsecurity=False).hexdigest())


def _stored_digest(policy: Policy, snapshot: Snapshot) -> str:
    # check_method=hash downloads and compares the file, which is the same if nothing fails.
    rule = policy.freshness_rule(is_at_path=isinstance(policy.dest, ToPath))
    is_compared = not policy.force_download and rule is not Freshness.STORED
    return _newest_digest(policy, snapshot) if is_compared else _EMPTY


def _newest_digest(policy: Policy, snapshot: Snapshot) -> str:
    cache, file = snapshot.cache, snapshot.file
    if isinstance(policy.dest, ToPath):
        entry = None if file is None else file.entry
    else:
        window = policy.window.at(snapshot.now)  # A run starts with times for ages, as here.
        entry = choose_version(
            () if cache is None else cache.entries, policy, window, now=snapshot.now
        )
    return _EMPTY if entry is None or entry.record is None else entry.record.sha256
