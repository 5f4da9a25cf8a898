"""Mistakes planted in the real code, which the simulation must find.

Each is a context manager in which one function is wrong.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from dlmachine.core.cache.key import cache_key
from dlmachine.core.cache.updates import NewVersion
from dlmachine.core.integrity.representation import Representation
from dlmachine.core.machine import commit, finish, publishing
from dlmachine.core.machine import exchange as on_exchange
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Publish, Record, ReleaseLock, RemoveVersions
from dlmachine.core.protocol.events import LockReleased, Published
from dlmachine.core.transfer import next_exchange, provenance, read_response, retry, verify_body
from dlmachine.execution import run as executor
from property_tests.simulation.door_mutants import DOOR_MUTANTS
from property_tests.simulation.file_mutants import (
    adopting_the_living,
    adopting_the_published,
    counting_holes,
    without_folder_sync,
    without_sync,
)
from property_tests.simulation.local_mutants import LOCAL_MUTANTS
from property_tests.simulation.miss_mutants import MISS_MUTANTS
from property_tests.simulation.path_mutants import PATH_MUTANTS
from property_tests.simulation.reuse_mutants import REUSE_MUTANTS
from property_tests.simulation.store import FOLDER
from property_tests.simulation.tape_corpus import TAPES

Mutant = Callable[[], AbstractContextManager[Any]]


@contextmanager
def _without_lengths() -> Iterator[None]:
    """A body is published although it is shorter than declared."""
    decide = read_response.decide_body

    def unbounded(exchange: Any, head: Any) -> Any:
        decision = decide(exchange, head)
        if isinstance(decision, StoreBody):
            return replace(decision, wire_bytes=None)
        return decision

    with (
        patch('dlmachine_adapters.http.response_reader.decide_body', unbounded),
        patch('dlmachine.core.machine.exchange.decide_body', unbounded),
    ):
        yield


@contextmanager
def _recorded_first() -> Iterator[None]:
    """The registry is updated before the file exists."""
    publish = executor.Run._publish

    def recorded(run: Any, effect: Any) -> Any:
        state = run.publishing
        if run._world.store is not None and effect.place.path.startswith(FOLDER):
            record = publishing._on_published(
                state, Published(at=state.record.finished_at, path=effect.place.path)
            )
            update = record.update
            assert isinstance(update, NewVersion)
            early = Record(key=update.key, version=update.version, reason='early')
            run._world.store.record(early, update)
        return publish(run, effect)

    perform = executor.Run.perform
    advance: Any = vars(executor)['advance']

    def advanced(state: Any, event: Any) -> Any:
        if isinstance(event, Published) and hasattr(state, 'version'):
            step = advance(state, event)
            # The file exists already.
            return commit._on_recorded(step.state) if step.update is not None else step
        step = advance(state, event)
        _Latest.state = step.state
        return step

    def performed(run: Any, effect: Any, update: Any) -> Any:
        run.publishing = _Latest.state
        return perform(run, effect, update)

    with (
        patch.object(executor.Run, '_publish', recorded),
        patch.object(executor.Run, 'perform', performed),
        patch.object(executor, 'advance', advanced),
    ):
        yield


class _Latest:
    state: Any = None


@contextmanager
def _without_if_range() -> Iterator[None]:
    """The rest is requested without If-Range, so it may be of another version."""
    build = next_exchange._with_conditions

    def bare(*given: Any) -> Any:
        request = build(*given)
        return replace(request, headers=request.headers.without('If-Range'))

    with (
        patch.object(next_exchange, '_with_conditions', bare),
        patch.object(read_response, 'is_same_version', lambda validator, head: True),
    ):
        yield


@contextmanager
def _old_dropped() -> Iterator[None]:
    """A refresh removes the old copy before the new one exists."""
    opened = executor.Run._open

    def dropped(run: Any, effect: Any) -> Any:
        cache = run._world.observe(run._descriptor, run._policy).cache
        if run._world.store is not None and cache is not None:
            old = tuple(entry.version for entry in cache.entries)
            if old:
                run._world.store.remove_versions(
                    RemoveVersions(key=cache_key(run._descriptor), versions=old)
                )
        return opened(run, effect)

    with patch.object(executor.Run, '_open', dropped):
        yield


@contextmanager
def _replacing() -> Iterator[None]:
    """A new version replaces a file of the same name."""

    def replacing(*, place: Any, replace: bool, **given: Any) -> Publish:
        is_cached = str(getattr(place, 'path', '')).startswith(FOLDER)
        return Publish(place=place, replace=replace or is_cached, **given)

    with patch.object(publishing, 'Publish', replacing):
        yield


@contextmanager
def _without_release() -> Iterator[None]:
    """The lock is not released."""
    perform = executor.Run.perform

    def kept(run: Any, effect: Any, update: Any) -> Any:
        if isinstance(effect, ReleaseLock):
            run._lock = None
            return LockReleased(at=run._world.clock.now())
        return perform(run, effect, update)

    with patch.object(executor.Run, 'perform', kept):
        yield


@contextmanager
def _posting_again() -> Iterator[None]:
    """A POST is repeated after every failure."""
    with patch.object(retry, 'SAFE_METHODS', frozenset({'GET', 'POST'})):
        yield


@contextmanager
def _without_digest() -> Iterator[None]:
    """Promised digests are not verified."""
    with patch.object(verify_body, '_find_digest_fault', lambda *given: None):
        yield


@contextmanager
def _part_left() -> Iterator[None]:
    """After a failure the part stays open."""
    release = finish.release

    def forgetful(job: Any, end: Any, *, keep_part: bool = False) -> Any:
        return release(replace(job, holds_part=False), end, keep_part=keep_part)

    with (
        patch.object(finish, 'release', forgetful),
        patch.object(executor.Run, 'release', lambda run: None),
    ):
        yield


@contextmanager
def _mixing_addresses() -> Iterator[None]:
    """The rest of a mirror's part is requested from another URL, and accepted."""
    with (
        patch.object(read_response, 'source_digest', lambda url: ''),
        patch('dlmachine.core.decision.verdict.url_digest', lambda url: ''),
    ):
        yield


@contextmanager
def _trusting_mirrors() -> Iterator[None]:
    """The validators of a mirror that confirmed a copy are recorded."""
    with patch.object(provenance, 'is_source', lambda *_: True):
        yield


@contextmanager
def _mixing_twins() -> Iterator[None]:
    """The source and the representation of the first range are forgotten."""
    divide: Any = vars(on_exchange)['split_rest']

    def forgetful(state: Any, event: Any, taking: Any, *more: Any) -> Any:
        return divide(state, event, replace(taking, representation=Representation()), *more)

    with patch.object(on_exchange, 'split_rest', forgetful):
        yield


#: Each mistake, with the beginning of tapes in which it matters: targets and servers.
MUTANTS: Final[dict[str, tuple[Mutant, bytes]]] = {
    'publishes without checking the length': (_without_lengths, b''),
    'records before publishing': (_recorded_first, b''),
    'resumes without If-Range': (_without_if_range, bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
    'publishes without fsync': (without_sync, b''),
    'records before the name is safe': (without_folder_sync, b''),
    'drops the old copy on refresh': (_old_dropped, b''),
    'replaces files in the cache': (
        _replacing,
        bytes([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3]),
    ),
    'does not release the lock': (_without_release, b''),
    'sends a POST again': (_posting_again, b'\1'),
    'ignores digests': (_without_digest, b''),
    'leaves its part open': (_part_left, b''),
    'adopts parts of the living': (
        adopting_the_living,
        bytes([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3]),
    ),
    'adopts parts that have appeared': (adopting_the_published, bytes([*[0] * 11, 2])),
    'mixes the parts of mirrors': (
        _mixing_addresses,
        bytes([0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 4]),
    ),
    'mixes the ranges of twins': (_mixing_twins, bytes([*[0] * 6, 2, *[0] * 24, 1])),
    # It takes a rare chain of events; a long simulation found this tape.
    'takes over the validators of a mirror': (
        _trusting_mirrors,
        bytes.fromhex(TAPES["a mirror's ETag was sent to the server before it"]),
    ),
    'counts holes as bytes': (counting_holes, bytes([*[0] * 31, 1])),
    **PATH_MUTANTS,
    **REUSE_MUTANTS,
    **MISS_MUTANTS,
    **DOOR_MUTANTS,
    **LOCAL_MUTANTS,
}
