"""Ask a data repository for the files of a record, outside of a download."""

from datetime import timedelta

from returns.result import Failure, Result, Success

from dlmachine.core.cache.key import shown_url
from dlmachine.core.faults import Fault, SourceUnusable
from dlmachine.core.frozen import replace
from dlmachine.core.machine.source import question, with_file
from dlmachine.core.protocol.events import EffectFailed
from dlmachine.core.protocol.ports import World
from dlmachine.core.sources.address import Source, find_source
from dlmachine.core.sources.inquiry import Inquiry, advance, begin
from dlmachine.core.sources.listing import Listing, choose_file
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.nested import read_source
from dlmachine.execution.run import run


def list_files(descriptor: Descriptor, policy: Policy, world: World) -> Result[Listing, Fault]:
    """The files of a DOI or a record; only one if the caller has named it.

    Faults: `DoiNotFound`, `SourceUnusable`, and those of a download.
    """
    source = find_source(descriptor.url, policy.repositories)
    if source is None:
        problem = 'it is not a DOI or the page of a record'
        advice = 'Pass a DOI such as doi:10.5281/zenodo.1234567'
        return Failure(SourceUnusable(source=shown_url(descriptor), problem=problem, advice=advice))
    found = _ask(descriptor, policy, world, source)
    if not isinstance(found, tuple):
        return Failure(found)
    known, listing = found
    if not known.file:
        return Success(listing)
    chosen = choose_file(listing, known.file, known.shown)
    return chosen.map(lambda file: replace(listing, files=(file,)))


def resolve(descriptor: Descriptor, policy: Policy, world: World) -> Result[Descriptor, Fault]:
    """The descriptor with the URL of its file, if it is of a DOI or a record.

    Faults: those of `list_files`, if there are several files.
    """
    source = find_source(descriptor.url, policy.repositories)
    if source is None or descriptor.resolved is not None:
        return Success(descriptor)
    found = _ask(descriptor, policy, world, source)
    if not isinstance(found, tuple):
        return Failure(found)
    made = with_file(descriptor, source, *found)
    return Success(made) if isinstance(made, Descriptor) else Failure(made)


def _ask(
    descriptor: Descriptor, policy: Policy, world: World, source: Source
) -> tuple[Source, Listing] | Fault:
    began_at = world.clock.now()

    def left(most: timedelta) -> timedelta:
        return max(most - (world.clock.now() - began_at), timedelta(0))

    inquiry = begin(source)
    while True:
        event = read_source(run, question(inquiry, descriptor, source), policy, world, left)
        if isinstance(event, EffectFailed):
            return event.fault
        answered = advance(inquiry, event.text, policy.repositories)
        if isinstance(answered, Listing):
            return inquiry.source, answered
        if not isinstance(answered, Inquiry):
            return answered
        inquiry = answered
